//! Panics: defers, recover, Goexit, run-time errors, fatal errors.
//!
//! A panicking G runs its deferred closures on top of the frame that panicked, so that a traceback shows both; each
//! returns to the `PanicRet` stub, which goes on to the next one or, after a `recover`, cuts the stack back to the
//! frame that deferred the recovering call and goes on at its `RetDefer`.
//!
//! # Safety
//! As in `ops`.
use super::ctx::{Ctx, Rt};
use super::ops::{H, back};
use super::traceback;
use crate::bytecode::program::{FrameHeader, Kind, RTypeId, iface};
use crate::next;
use crate::sched::g::G;
use crate::sync::select::Waiting;
use crate::value::native::{Finish, GOEXIT, Trap};
use crate::value::{iface as ifv, slice, string};

pub struct Defer {
    /// Slot of the stack at which the deferring frame begins.
    base: usize,
    closure: u64,
}

pub struct PanicRec {
    /// The panic's value as an interface; 0 for Goexit.
    pub value: u64,
    pub goexit: bool,
    pub recovered: bool,
    /// Slot of the stack at which the frame of the deferred call it is running begins, and of the deferring frame.
    call_base: usize,
    frame_base: usize,
    /// Code index of the place that panicked.
    at: u32,
    /// Slot of the panicking frame.
    top_base: usize,
}

/// Rare state of a G, made when first needed.
#[derive(Default)]
pub struct Extra {
    pub defers: Vec<Defer>,
    pub panics: Vec<PanicRec>,
    pub waiting: Waiting,
    pub finish: Option<Finish>,
    pub job: Option<Box<dyn FnOnce() -> Finish + Send>>,
    pub trap: Option<Trap>,
}

impl PanicRec {
    /// Code index behind the instruction that panicked.
    pub fn resume_at(&self) -> u32 {
        self.at + 1
    }
}

impl Extra {
    pub fn clear(&mut self) {
        self.defers.clear();
        self.panics.clear();
        self.finish = None;
        self.job = None;
        self.trap = None;
    }

    /// Words the collector must see.
    pub fn roots(&self, f: &mut dyn FnMut(u64)) {
        for d in &self.defers {
            f(d.closure);
        }
        for p in &self.panics {
            f(p.value);
        }
        if let Some(Trap::Value(v)) = &self.trap {
            f(*v);
        }
    }
}

/// The G's extra state.
///
/// # Safety
/// The caller may touch the G.
pub unsafe fn extra<'a>(g: *mut G) -> &'a mut Extra {
    unsafe {
        if (*g).extra.is_null() {
            (*g).extra = Box::into_raw(Box::<Extra>::default()) as *mut ();
        }
        &mut *((*g).extra as *mut Extra)
    }
}

/// Frees the extra state of a G for good.
///
/// # Safety
/// The VM is being dropped.
pub unsafe fn drop_extra(g: *mut G) {
    unsafe {
        if !(*g).extra.is_null() {
            drop(Box::from_raw((*g).extra as *mut Extra));
            (*g).extra = std::ptr::null_mut();
        }
    }
}

#[inline(never)]
pub unsafe fn push_defer(cx: *mut Ctx, r: *mut u64, closure: u64) {
    unsafe {
        let g = (*cx).side.g;
        let base = r.offset_from((*g).stack) as usize;
        extra(g).defers.push(Defer { base, closure });
    }
}

/// Defers for the frame that begins at slot `base`, on behalf of a body that runs above it.
#[inline(never)]
pub unsafe fn push_defer_to(cx: *mut Ctx, base: usize, closure: u64) {
    unsafe {
        let defers = &mut extra((*cx).side.g).defers;
        let at = defers.iter().rposition(|d| d.base <= base).map_or(0, |i| i + 1);
        defers.insert(at, Defer { base, closure });
    }
}

/// Sets up the call of a deferred closure in a frame `above` slots over `r`, returning to `link`; `Err(slots)`: the
/// stack must grow first.
unsafe fn enter_closure(
    cx: *mut Ctx,
    r: *mut u64,
    above: usize,
    closure: u64,
    link: *const u64,
) -> (*const u64, *mut u64) {
    unsafe {
        let g = (*cx).side.g;
        let entry = *(closure as *const u64) as *const u64;
        let header = FrameHeader::unpack(*entry.sub(1));
        let mut r = r;
        let need = r.offset_from((*g).stack) as usize + above + header.slots as usize + 1;
        if need > (*g).stack_end.offset_from((*g).stack) as usize {
            (*g).base = r;
            // Unwinding may go beyond the limit by a little: it frees more than it takes.
            if !G::grow(g, need + need / 2 + 64) {
                std::alloc::handle_alloc_error(std::alloc::Layout::new::<u64>());
            }
            (*cx).stack_end = (*g).stack_end;
            r = (*g).base;
        }
        let base = r.add(above);
        *base.sub(1) = link as u64 | (above as u64) << 48;
        *base = closure;
        for i in 0..header.zero_len as usize {
            *base.add(header.zero_start as usize + i) = 0;
        }
        (entry, base)
    }
}

/// Slots of the frame at `r`, in which `pc` lies.
unsafe fn frame_slots(rt: &Rt, pc: *const u64) -> usize {
    let at = rt.index_of(pc);
    rt.program.func_at(at).or_else(|| rt.program.func_at(at - 1)).map_or(64, |f| f.frame_slots as usize)
}

/// `RetDefer`: runs the frame's deferred closures, each returning to this instruction.
#[inline(never)]
pub unsafe fn return_defers(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let base = r.offset_from((*g).stack) as usize;
        let defers = &mut extra(g).defers;
        if defers.last().is_none_or(|d| d.base != base) {
            next!(pc, r, cx, n, t)
        }
        let Some(d) = defers.pop() else { next!(pc, r, cx, n, t) };
        if d.closure == 0 {
            return nil_deref(pc, r, cx, n, t);
        }
        let above = frame_slots((*cx).rt(), pc) + 1;
        let (entry, base) = enter_closure(cx, r, above, d.closure, pc.sub(1));
        let n = n - 8;
        if n < 0 {
            return super::call::safepoint(entry, base, cx, n, t);
        }
        next!(entry, base, cx, n, t)
    }
}

/// `recover()` as called by the frame at `r`.
#[inline(never)]
pub unsafe fn recover(cx: *mut Ctx, r: *mut u64) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        if (*g).extra.is_null() {
            return 0;
        }
        let rt = (*cx).rt();
        let base = r.offset_from((*g).stack) as usize;
        let Some(p) = extra(g).panics.last_mut() else { return 0 };
        if p.goexit || p.recovered {
            return 0;
        }
        // The deferred call itself, or one that the compiler wrapped in a hidden closure.
        if p.call_base != base {
            let link = *r.sub(1);
            let caller = rt.index_of((link & iface::PAYLOAD) as *const u64);
            let caller_base = base - (link >> 48) as usize;
            let hidden = rt.program.func_at(caller).is_some_and(|f| f.hidden);
            if !hidden || caller_base != p.call_base {
                return 0;
            }
        }
        p.recovered = true;
        p.value
    }
}

/// Starts a panic at `pc` (behind the instruction that panicked).
#[cold]
#[inline(never)]
pub unsafe fn start_panic(
    pc: *const u64,
    r: *mut u64,
    cx: *mut Ctx,
    n: i64,
    t: *const H,
    value: u64,
    goexit: bool,
) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        let top_base = r.offset_from((*g).stack) as usize;
        let at = (*cx).rt().index_of(pc) - 1;
        extra(g).panics.push(PanicRec {
            value,
            goexit,
            recovered: false,
            call_base: usize::MAX,
            frame_base: usize::MAX,
            at,
            top_base,
        });
        run_defer(pc, r, cx, n, t)
    }
}

/// The panicking G (top frame `r`, in which `pc` lies) runs its next deferred closure, or dies.
unsafe fn run_defer(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(d) = x.defers.pop() else {
            return last_words(pc, r, cx, n, t);
        };
        let above = frame_slots(rt, pc) + 1;
        let Some(p) = x.panics.last_mut() else { return fatal(cx, "fatal error: lost panic") };
        p.frame_base = d.base;
        p.call_base = p.top_base + above;
        if d.closure == 0 {
            return nil_deref(pc, r, cx, n, t);
        }
        let stub = rt.pc_at(rt.stubs.panic_ret);
        let (entry, base) = enter_closure(cx, r, above, d.closure, stub);
        next!(entry, base, cx, n, t)
    }
}

/// A deferred closure that a panic ran has returned; `r` is the panicking frame.
#[inline(never)]
pub unsafe fn panic_ret(_pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(p) = x.panics.last() else { return fatal(cx, "fatal error: lost panic") };
        let (at, frame_base) = (p.at, p.frame_base);
        if !p.recovered {
            return run_defer(rt.pc_at(at + 1), r, cx, n, t);
        }
        // Panics whose deferred calls lie above the recovering frame are over as well. A Goexit goes on.
        x.panics.pop();
        let mut goexit = None;
        while let Some(p) = x.panics.last() {
            if p.call_base == usize::MAX || p.call_base <= frame_base {
                break;
            }
            if p.goexit {
                goexit = Some(());
            }
            x.panics.pop();
        }
        // Find the function of the deferring frame.
        let mut pc = rt.pc_at(at + 1);
        let mut base = r;
        while base.offset_from((*g).stack) as usize > frame_base {
            let link = *base.sub(1);
            pc = (link & iface::PAYLOAD) as *const u64;
            base = base.sub((link >> 48) as usize);
        }
        let at = rt.index_of(pc);
        let Some(f) = rt.program.func_at(at).or_else(|| rt.program.func_at(at - 1)) else {
            return fatal(cx, "fatal error: recovered into no function");
        };
        if goexit.is_some() {
            return start_panic(rt.pc_at(f.defer_return + 1), base, cx, n, t, 0, true);
        }
        next!(rt.pc_at(f.defer_return), base, cx, n, t)
    }
}

/// A panic that nobody recovered: its value's text may need a method call first.
unsafe fn last_words(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(p) = x.panics.last() else { return fatal(cx, "fatal error: lost panic") };
        if p.goexit {
            let main = rt.stubs.halt;
            let _ = main;
            if (*g).id == 1 {
                // main has gone: the others go on, and may end in a deadlock.
                x.panics.clear();
                (*g).set_waiting(crate::sched::wait::WaitReason::None);
                (*cx).side.g = std::ptr::null_mut();
                rt.main_exited.store(true, std::sync::atomic::Ordering::SeqCst);
                let ended = &(*cx).p.ended;
                ended.store(ended.load(std::sync::atomic::Ordering::Relaxed) + 1, std::sync::atomic::Ordering::Relaxed);
                (*g).set_status(crate::sched::g::Status::Dead);
                crate::resched!(cx, t)
            }
            x.panics.clear();
            (*cx).p.budget = n;
            super::call::end_g(cx);
            crate::resched!(cx, t)
        }
        let value = p.value;
        let ty = iface::type_of(value);
        if ty != 0 && !x.in_last_words() {
            for name in ["Error", "String"] {
                let found = rt.program.types[ty as usize].methods.iter().find(|m| {
                    let method = &rt.program.methods[m.id.0 as usize];
                    method.name == name && method.sig == "func() string"
                });
                if let Some(m) = found {
                    x.trap = Some(Trap::Fatal(String::new()));
                    let entry = rt.pc_at(rt.program.funcs[m.func.0 as usize].entry);
                    let above = frame_slots(rt, pc) + 1;
                    let receiver = if m.direct { value & iface::PAYLOAD } else { value };
                    let fake = [entry as u64];
                    let stub = rt.pc_at(rt.stubs.panic_text);
                    let (entry, base) = enter_closure(cx, r, above, fake.as_ptr() as u64, stub);
                    *base = 0;
                    *base.add(1) = receiver;
                    next!(entry, base, cx, n, t)
                }
            }
        }
        die(cx, None)
    }
}

impl Extra {
    fn in_last_words(&self) -> bool {
        matches!(&self.trap, Some(Trap::Fatal(s)) if s.is_empty())
    }
}

/// The method called for the last words has returned its text.
#[cold]
#[inline(never)]
pub unsafe fn panic_text(_pc: *const u64, r: *mut u64, cx: *mut Ctx, _n: i64, _t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let Some(p) = extra(g).panics.last() else { return fatal(cx, "fatal error: lost panic") };
        let above = p.top_base;
        let at = p.at;
        let rt = (*cx).rt();
        let base = (*g).stack.add(above);
        let slots = frame_slots(rt, rt.pc_at(at + 1)) + 1;
        let _ = r;
        let text = string::bytes(*base.add(slots)).to_vec();
        die(cx, Some(text))
    }
}

/// Prints the panics and the traceback, and ends the run with status 2.
unsafe fn die(cx: *mut Ctx, text: Option<Vec<u8>>) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let mut out = Vec::new();
        let last = x.panics.len().saturating_sub(1);
        let mut goexit = false;
        for (i, p) in x.panics.iter().enumerate() {
            if p.goexit {
                goexit = true;
                continue;
            }
            if i > 0 {
                out.extend_from_slice(b"\t");
            }
            out.extend_from_slice(b"panic: ");
            match (&text, i == last) {
                (Some(t), true) => out.extend_from_slice(&print_text(rt, p.value, t)),
                _ => out.extend_from_slice(&print_value(rt, p.value)),
            }
            if p.recovered {
                out.extend_from_slice(b" [recovered]");
            }
            out.push(b'\n');
        }
        let _ = goexit;
        out.push(b'\n');
        if let Some(p) = x.panics.last() {
            (*g).pc = rt.pc_at(p.at + 1);
            (*g).base = (*g).stack.add(p.top_base);
        }
        traceback::goroutine(rt, g, true, &mut out);
        out.extend_from_slice(b"exit status 2\n");
        rt.die(&out, 2);
        back::EXIT
    }
}

fn print_text(rt: &Rt, value: u64, text: &[u8]) -> Vec<u8> {
    let ty = &rt.program.types[iface::type_of(value) as usize];
    let mut out = text.to_vec();
    // Run-time errors carry a hint where Go prints one.
    if RTypeId(iface::type_of(value)) == rt.well_known.runtime_error && text.ends_with(b"nil pointer dereference") {
        out.extend_from_slice(b"\n[signal SIGSEGV: segmentation violation]");
    }
    let _ = ty;
    out
}

/// A panic's value as Go prints it without methods.
pub fn print_value(rt: &Rt, value: u64) -> Vec<u8> {
    let ty = iface::type_of(value);
    if ty == 0 {
        return b"nil".to_vec();
    }
    let t = &rt.program.types[ty as usize];
    let named = t.named.is_some();
    // SAFETY: the word names its own type.
    let text = unsafe {
        match t.kind {
            Kind::Bool => (ifv::as_uint(value) != 0).to_string(),
            Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => ifv::as_int(value).to_string(),
            Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                ifv::as_uint(value).to_string()
            }
            Kind::Float32 | Kind::Float64 => super::slow::print_float(ifv::as_float(value)),
            Kind::String => {
                let s = string::bytes(value & iface::PAYLOAD);
                if named {
                    let mut out = format!("{}(\"", t.name).into_bytes();
                    out.extend_from_slice(s);
                    out.extend_from_slice(b"\")");
                    return out;
                }
                return s.to_vec();
            }
            _ => return format!("({}) {:#x}", t.name, value & iface::PAYLOAD).into_bytes(),
        }
    };
    if named { format!("{}({})", t.name, text).into_bytes() } else { text.into_bytes() }
}

/// `fatal error: ...` of the running G.
#[cold]
#[inline(never)]
pub unsafe fn fatal(cx: *mut Ctx, text: &str) -> u64 {
    unsafe {
        let rt = (*cx).rt();
        let mut out = format!("{text}\n\n").into_bytes();
        if !(*cx).side.g.is_null() {
            traceback::goroutine(rt, (*cx).side.g, true, &mut out);
        }
        out.extend_from_slice(b"exit status 2\n");
        rt.die(&out, 2);
        back::EXIT
    }
}

/// What a native asked for instead of returning. `pc` is behind its call.
#[cold]
#[inline(never)]
pub unsafe fn trap(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H, trap: Trap) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        match trap {
            Trap::Runtime(text) => runtime_error(pc, r, cx, n, t, &text),
            Trap::Plain(text) => plain_error(pc, r, cx, n, t, &text),
            Trap::Panic(text) => {
                let rt = (*cx).rt();
                let Some(s) = string::new(&mut (*cx).cache, text.as_bytes()) else {
                    return out_of_memory(pc, r, cx, n, t);
                };
                start_panic(pc, r, cx, n, t, ifv::direct(rt.well_known.string.0, s), false)
            }
            Trap::Value(value) => start_panic(pc, r, cx, n, t, value, false),
            Trap::Fatal(text) if text == GOEXIT => start_panic(pc, r, cx, n, t, 0, true),
            Trap::Fatal(text) => fatal(cx, &format!("fatal error: {text}")),
            Trap::OutOfMemory => out_of_memory(pc, r, cx, n, t),
            Trap::Exit(status) => {
                (*cx).rt().end(status);
                back::EXIT
            }
        }
    }
}

/// A run-time panic with this text (without `runtime error: `).
#[cold]
#[inline(never)]
pub unsafe fn runtime_error(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H, text: &str) -> u64 {
    unsafe {
        let rt = (*cx).rt();
        let Some(s) = string::new(&mut (*cx).cache, text.as_bytes()) else {
            return out_of_memory(pc, r, cx, n, t);
        };
        start_panic(pc, r, cx, n, t, ifv::direct(rt.well_known.runtime_error.0, s), false)
    }
}

macro_rules! runtime_errors {
    ($($name:ident |$pc:ident, $r:ident, $cx:ident| $text:expr;)*) => {
        $(#[cold]
        #[inline(never)]
        pub unsafe fn $name($pc: *const u64, $r: *mut u64, $cx: *mut Ctx, n: i64, t: *const H) -> u64 {
            unsafe {
                let text: String = $text;
                runtime_error($pc, $r, $cx, n, t, &text)
            }
        })*
    };
}

unsafe fn slot(pc: *const u64, r: *mut u64, field: usize) -> u64 {
    unsafe { *r.add(*(pc as *const u16).sub(4 - field) as usize) }
}

fn index_text(i: u64, len: u64) -> String {
    if (i as i64) < 0 {
        format!("index out of range [{}]", i as i64)
    } else {
        format!("index out of range [{i}] with length {len}")
    }
}

runtime_errors! {
    divide |pc, r, cx| { let _ = (pc, r, cx); "integer divide by zero".into() };
    negative_shift |pc, r, cx| { let _ = (pc, r, cx); "negative shift amount".into() };
    nil_deref |pc, r, cx| { let _ = (pc, r, cx); "invalid memory address or nil pointer dereference".into() };
    index_slice |pc, r, cx| {
        let _ = cx;
        index_text(slot(pc, r, 3), slice::parts(slot(pc, r, 2)).len as u64)
    };
    index_string |pc, r, cx| {
        let _ = cx;
        index_text(slot(pc, r, 3), string::len(slot(pc, r, 2)) as u64)
    };
    index_checked |pc, r, cx| { let _ = cx; index_text(slot(pc, r, 1), slot(pc, r, 2)) };
    index_checked_k |pc, r, cx| {
        let _ = cx;
        index_text(slot(pc, r, 1), (*(pc as *const u32).sub(1)) as u64)
    };
    index_array |pc, r, cx| { let _ = cx; index_text(slot(pc, r, 3), *pc >> 32) };
    index_array_low |pc, r, cx| { let _ = cx; index_text(slot(pc, r, 3), *pc as u32 as u64) };
    slice_string |pc, r, cx| {
        let _ = cx;
        let c = *(pc as *const u16).sub(1) as usize;
        let len = string::len(slot(pc, r, 2)) as u64;
        super::slow::slice_text(*r.add(c), *r.add(c + 1), u64::MAX, len, len, super::slow::Sliced::String)
    };
    slice_bounds |pc, r, cx| super::slow::slice_bounds_text(cx, pc, r);
    slice_to_array |pc, r, cx| {
        let _ = cx;
        format!(
            "cannot convert slice with length {} to array or pointer to array with length {}",
            slice::parts(slot(pc, r, 2)).len,
            *pc
        )
    };
    make_slice |pc, r, cx| super::slow::make_slice_text(cx, pc, r);
}

macro_rules! plain_panics {
    ($($name:ident $text:literal;)*) => {
        $(#[cold]
        #[inline(never)]
        pub unsafe fn $name(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
            unsafe { plain_error(pc, r, cx, n, t, $text) }
        })*
    };
}

plain_panics! {
    send_closed "send on closed channel";
    close_nil "close of nil channel";
    close_closed "close of closed channel";
    make_chan "makechan: size out of range";
}

/// A run-time panic whose text has no `runtime error: ` in front.
unsafe fn plain_error(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H, text: &str) -> u64 {
    unsafe {
        let rt = (*cx).rt();
        let Some(s) = string::new(&mut (*cx).cache, text.as_bytes()) else {
            return out_of_memory(pc, r, cx, n, t);
        };
        start_panic(pc, r, cx, n, t, ifv::direct(rt.well_known.plain_error.0, s), false)
    }
}

#[cold]
#[inline(never)]
pub unsafe fn go_nil(_pc: *const u64, _r: *mut u64, cx: *mut Ctx, _n: i64, _t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = _pc;
        (*g).base = _r;
        fatal(cx, "fatal error: go of nil func value")
    }
}

#[cold]
#[inline(never)]
pub unsafe fn explicit_panic(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let value = slot(pc, r, 1);
        if value == 0 {
            let rt = (*cx).rt();
            let text = "panic called with nil argument (use GODEBUG=panicnil=1 to disable)";
            let Some(s) = string::new(&mut (*cx).cache, text.as_bytes()) else {
                return out_of_memory(pc, r, cx, n, t);
            };
            return start_panic(pc, r, cx, n, t, ifv::direct(rt.well_known.nil_panic.0, s), false);
        }
        start_panic(pc, r, cx, n, t, value, false)
    }
}

/// `PanicRt`: the text is a constant.
#[cold]
#[inline(never)]
pub unsafe fn constant_panic(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let text = string::bytes(*(*cx).consts.add(*(pc as *const u32).sub(1) as usize));
        runtime_error(pc, r, cx, n, t, &String::from_utf8_lossy(text))
    }
}

/// A comparison of interfaces or a map operation has left its text in the G's extra state.
#[cold]
#[inline(never)]
pub unsafe fn uncomparable(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        match extra((*cx).side.g).trap.take() {
            Some(what) => trap(pc, r, cx, n, t, what),
            None => our_bug(pc, r, cx, n, t),
        }
    }
}

pub use uncomparable as map_failed;

#[cold]
#[inline(never)]
pub unsafe fn assertion(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let rt = (*cx).rt();
        let text = super::slow::assertion_text(cx, pc, r);
        let Some(s) = string::new(&mut (*cx).cache, text.as_bytes()) else {
            return out_of_memory(pc, r, cx, n, t);
        };
        start_panic(pc, r, cx, n, t, ifv::direct(rt.well_known.assertion_error.0, s), false)
    }
}

#[cold]
#[inline(never)]
pub unsafe fn out_of_memory(pc: *const u64, r: *mut u64, cx: *mut Ctx, _n: i64, _t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        fatal(cx, "fatal error: out of memory")
    }
}

#[cold]
#[inline(never)]
pub unsafe fn stack_overflow(pc: *const u64, r: *mut u64, cx: *mut Ctx, _n: i64, _t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        let limit = (*cx).rt().max_stack_slots * 8;
        fatal(cx, &format!("runtime: goroutine stack exceeds {limit}-byte limit\nfatal error: stack overflow"))
    }
}

#[cold]
#[inline(never)]
pub unsafe fn our_bug(pc: *const u64, r: *mut u64, cx: *mut Ctx, _n: i64, _t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        fatal(cx, "gmpl: internal error (this is a bug in gmpl, not in your program): unreachable code was reached")
    }
}
