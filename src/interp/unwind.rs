//! Panics: defers, recover, Goexit, run-time errors, fatal errors.
//!
//! A panicking G runs its deferred closures on top of the frame that panicked, so that a traceback shows both; each
//! returns to the `PanicRet` stub, which goes on to the next one or, after a `recover`, cuts the stack back to the
//! frame that deferred the recovering call and goes on at its `RetDefer`.
//!
//! Everything here is an ordinary function that leaves the G's state in the G and says how the M goes on ([`Then`]):
//! no native frame stays behind, however often a program panics and recovers.
//!
//! # Safety
//! As in `ops`.
use super::ctx::{Ctx, Rt};
use super::memory;
use super::traceback;
use crate::bytecode::program::{FrameHeader, Kind, iface};
use crate::sched::g::G;
use crate::sched::world::Stopped;
use crate::sync::select::Waiting;
use crate::value::native::{Finish, GOEXIT, Trap};
use crate::value::{iface as ifv, number, string};
use std::sync::atomic::Ordering::*;

/// How an M goes on after something slow.
pub enum Then {
    /// The running G at its pc and base, with the P's budget.
    Run,
    /// The G does not run any more: the next one.
    Resched,
    /// The run has ended.
    Exit,
}

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
    /// The same value was panicked again while this one was handled.
    repanicked: bool,
    /// What the value's method said, once it is printed.
    text: Option<Vec<u8>>,
}

/// Rare state of a G, made when first needed.
#[derive(Default)]
pub struct Extra {
    pub defers: Vec<Defer>,
    pub panics: Vec<PanicRec>,
    pub waiting: Waiting,
    pub finish: Option<Finish>,
    pub job: Option<Box<dyn FnOnce() -> Finish + Send>>,
    pub stopped_job: Option<Box<dyn FnOnce(&Stopped) -> Finish + Send>>,
    pub trap: Option<Trap>,
    /// CPU time of the job whose `finish` this is, if the run is profiled.
    pub job_ns: i64,
    /// Nobody recovers: the panics are being printed, and this one's value is asked for its text.
    printing: Option<usize>,
}

impl PanicRec {
    /// Code index behind the instruction that panicked.
    pub fn resume_at(&self) -> u32 {
        self.at + 1
    }

    /// Whether the deferred call that it runs has its frame at this slot.
    pub fn calls_at(&self, slot: usize) -> bool {
        self.call_base == slot
    }
}

impl Extra {
    pub fn clear(&mut self) {
        self.defers.clear();
        self.panics.clear();
        self.finish = None;
        self.job = None;
        self.stopped_job = None;
        self.trap = None;
        self.printing = None;
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        size_of::<Extra>() + self.defers.capacity() * size_of::<Defer>() + self.waiting.bytes()
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

/// `false`: no memory.
#[inline(never)]
pub unsafe fn push_defer(cx: *mut Ctx, r: *mut u64, closure: u64) -> bool {
    unsafe {
        let g = (*cx).side.g;
        let base = r.offset_from((*g).stack) as usize;
        let defers = &mut extra(g).defers;
        if defers.len() == defers.capacity() && !(*cx).rt().env.heap.has_room(3 * size_of::<Defer>() * defers.len()) {
            return false;
        }
        defers.push(Defer { base, closure });
        true
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

/// Makes the running G, whose frame is the one at its base, call a closure `above` slots higher, returning to `link`.
unsafe fn enter_closure(cx: *mut Ctx, above: usize, closure: u64, link: *const u64) -> Then {
    unsafe {
        let entry = *(closure as *const u64) as *const u64;
        if !enter(cx, above, entry, link) {
            return memory::out_of_memory(cx);
        }
        *(*(*cx).side.g).base = closure;
        Then::Run
    }
}

/// As [`enter_closure`] for a function, whose parameters are still to be written. `false`: no memory.
unsafe fn enter(cx: *mut Ctx, above: usize, entry: *const u64, link: *const u64) -> bool {
    unsafe {
        let g = (*cx).side.g;
        let header = FrameHeader::unpack(*entry.sub(1));
        let need = (*g).base.offset_from((*g).stack) as usize + above + header.slots as usize + 1;
        // Unwinding may go beyond the stack limit by a little: it frees more than it takes.
        if need > (*g).stack_end.offset_from((*g).stack) as usize && !memory::grow_stack(cx, g, need + need / 2 + 64) {
            return false;
        }
        (*cx).stack_end = (*g).stack_end;
        let base = (*g).base.add(above);
        *base.sub(1) = link as u64 | (above as u64) << 48;
        for i in 0..header.zero_len as usize {
            *base.add(header.zero_start as usize + i) = 0;
        }
        (*g).pc = entry;
        (*g).base = base;
        true
    }
}

/// Slots of the frame in which `pc` lies.
unsafe fn frame_slots(rt: &Rt, pc: *const u64) -> usize {
    let at = rt.index_of(pc);
    rt.program.func_at(at).or_else(|| rt.program.func_at(at - 1)).map_or(64, |f| f.frame_slots as usize)
}

/// `RetDefer` (behind which the G's pc stands): runs the frame's deferred closures, each returning to this instruction.
#[inline(never)]
pub unsafe fn return_defers(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let base = (*g).base.offset_from((*g).stack) as usize;
        let defers = &mut extra(g).defers;
        let Some(d) = defers.pop_if(|d| d.base == base) else { return Then::Run };
        if d.closure == 0 {
            return nil_deref(cx);
        }
        let pc = (*g).pc;
        enter_closure(cx, frame_slots((*cx).rt(), pc) + 1, d.closure, pc.sub(1))
    }
}

/// `recover()` as called by the frame at `r`, which stands behind the call.
#[inline(never)]
pub unsafe fn recover(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> u64 {
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
        // The deferred call itself, or one that the compiler wrapped in a hidden closure. Of `defer recover()` there is only
        // the closure: whoever runs its deferred calls calls `recover`.
        let is_hidden = |at: u32| rt.program.func_at(at).is_some_and(|f| f.hidden);
        let wrapped = is_hidden(rt.index_of(pc) - 1);
        if wrapped || p.call_base != base {
            let link = *r.sub(1);
            let caller = rt.index_of((link & iface::PAYLOAD) as *const u64);
            let caller_base = base - (link >> 48) as usize;
            if caller_base != p.call_base || !(wrapped || is_hidden(caller)) {
                return 0;
            }
        }
        p.recovered = true;
        p.value
    }
}

/// Starts a panic of the running G, whose pc is behind the instruction that panics.
#[cold]
#[inline(never)]
pub unsafe fn start_panic(cx: *mut Ctx, value: u64, goexit: bool) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let top_base = (*g).base.offset_from((*g).stack) as usize;
        let at = (*cx).rt().index_of((*g).pc) - 1;
        extra(g).panics.push(PanicRec {
            value,
            goexit,
            recovered: false,
            call_base: usize::MAX,
            frame_base: usize::MAX,
            at,
            top_base,
            repanicked: false,
            text: None,
        });
        run_defer(cx)
    }
}

/// The panicking G (which stands in the panicking frame) runs its next deferred closure, or dies.
unsafe fn run_defer(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(d) = x.defers.pop() else { return last_words(cx) };
        let above = frame_slots(rt, (*g).pc) + 1;
        let Some(p) = x.panics.last_mut() else { return lost(cx) };
        p.frame_base = d.base;
        p.call_base = p.top_base + above;
        if d.closure == 0 {
            return nil_deref(cx);
        }
        enter_closure(cx, above, d.closure, rt.pc_at(rt.stubs.panic_ret))
    }
}

#[cold]
unsafe fn lost(cx: *mut Ctx) -> Then {
    unsafe { fatal(cx, "gmpl: internal error (this is a bug in gmpl, not in your program): lost panic") }
}

/// A deferred closure that a panic ran has returned; the G stands in the panicking frame.
#[inline(never)]
pub unsafe fn panic_ret(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(p) = x.panics.last() else { return lost(cx) };
        let (at, frame_base) = (p.at, p.frame_base);
        (*g).pc = rt.pc_at(at + 1);
        if !p.recovered {
            return run_defer(cx);
        }
        // Find the deferring frame and where in it the calls above stand.
        let mut pc = (*g).pc;
        let mut base = (*g).base;
        let slot = |base: *mut u64| base.offset_from((*g).stack) as usize;
        while slot(base) > frame_base {
            let link = *base.sub(1);
            pc = (link & iface::PAYLOAD) as *const u64;
            if rt.index_of(pc) == rt.stubs.panic_ret {
                let Some(p) = x.panics.iter().find(|p| p.call_base == slot(base)) else { return lost(cx) };
                pc = rt.pc_at(p.at + 1);
            }
            base = base.sub((link >> 48) as usize);
        }
        // Panics whose deferred calls lie above the recovering frame are over as well. A Goexit goes on.
        x.panics.pop();
        let mut goexit = false;
        while let Some(p) = x.panics.pop_if(|p| p.call_base != usize::MAX && p.call_base > frame_base) {
            goexit |= p.goexit;
        }
        let at = rt.index_of(pc);
        let Some(f) = rt.program.func_at(at).or_else(|| rt.program.func_at(at - 1)) else { return lost(cx) };
        (*g).base = base;
        if goexit {
            (*g).pc = rt.pc_at(f.defer_return + 1);
            return start_panic(cx, 0, true);
        }
        (*g).pc = rt.pc_at(f.defer_return);
        Then::Run
    }
}

/// A panic that nobody recovered, or a Goexit whose deferred calls are done.
unsafe fn last_words(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let Some(p) = x.panics.last() else { return lost(cx) };
        if p.goexit {
            x.panics.clear();
            if (*g).id == 1 && rt.session.is_none() {
                // main has gone: the others go on, and may end in a deadlock.
                rt.main_exited.store(true, SeqCst);
            }
            super::call::end_g(cx);
            return Then::Resched;
        }
        if x.printing.is_some() {
            let what = match p.value {
                v if rt.program.types[iface::type_of(v) as usize].kind == Kind::String => {
                    format!(": {}", String::from_utf8_lossy(string::bytes(v & iface::PAYLOAD)))
                }
                v => format!(": type {}", rt.program.types[iface::type_of(v) as usize].name),
            };
            return fatal(cx, &format!("fatal error: panic while printing panic value{what}"));
        }
        // A value that is panicked again is shown once.
        for i in (1..x.panics.len()).rev() {
            if x.panics[i].value == x.panics[i - 1].value && !x.panics[i].goexit && !x.panics[i - 1].goexit {
                x.panics[i - 1].repanicked = true;
            }
        }
        ask_for_texts(cx, x.panics.len())
    }
}

/// Asks the values of the panics below `end`, newest first, for their texts; when none is left, the run ends.
unsafe fn ask_for_texts(cx: *mut Ctx, end: usize) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        for i in (0..end).rev() {
            let value = x.panics[i].value;
            let ty = iface::type_of(value);
            if ty == 0 || (i > 0 && x.panics[i - 1].repanicked) {
                continue;
            }
            let found = ["Error", "String"].iter().find_map(|name| {
                rt.program.types[ty as usize].methods.iter().find(|m| {
                    let method = &rt.program.methods[m.id.0 as usize];
                    method.name == *name && method.sig == "func() string"
                })
            });
            let Some(m) = found else { continue };
            // The call lies above the newest panic's frame.
            x.printing = Some(i);
            let Some(top) = x.panics.last() else { return lost(cx) };
            (*g).pc = rt.pc_at(top.at + 1);
            (*g).base = (*g).stack.add(top.top_base);
            let entry = rt.pc_at(rt.program.funcs[m.func.0 as usize].entry);
            let above = frame_slots(rt, (*g).pc) + 1;
            if !enter(cx, above, entry, rt.pc_at(rt.stubs.panic_text)) {
                return memory::out_of_memory(cx);
            }
            *(*g).base = 0;
            *(*g).base.add(1) = if m.direct { value & iface::PAYLOAD } else { value };
            return Then::Run;
        }
        die(cx)
    }
}

/// The method called for the last words has returned its text.
#[cold]
#[inline(never)]
pub unsafe fn panic_text(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let (Some(i), Some(top)) = (x.printing.take(), x.panics.last()) else { return lost(cx) };
        let above = frame_slots(rt, rt.pc_at(top.at + 1)) + 1;
        let text = string::bytes(*(*g).stack.add(top.top_base + above)).to_vec();
        x.panics[i].text = Some(text);
        ask_for_texts(cx, i)
    }
}

/// Prints the panics and the traceback, and ends the run with status 2.
unsafe fn die(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        let x = extra(g);
        let mut out = Vec::new();
        let mut before: Option<&PanicRec> = None;
        for p in &x.panics {
            let shown = before.is_some_and(|b| b.repanicked);
            let indent = before.is_some_and(|b| !b.goexit);
            before = Some(p);
            if p.goexit || shown {
                continue;
            }
            if indent {
                out.push(b'\t');
            }
            out.extend_from_slice(b"panic: ");
            match &p.text {
                Some(text) => indented(text, &mut out),
                None => print_value(rt, p.value, &mut out),
            }
            match (p.recovered, p.repanicked) {
                (true, true) => out.extend_from_slice(b" [recovered, repanicked]"),
                (true, false) => out.extend_from_slice(b" [recovered]"),
                _ => {}
            }
            out.push(b'\n');
        }
        if let Some(p) = x.panics.last() {
            if p.text.as_ref().is_some_and(|t| t.ends_with(b"nil pointer dereference")) {
                out.extend_from_slice(b"[signal SIGSEGV: segmentation violation]\n");
            }
            (*g).pc = rt.pc_at(p.at + 1);
            (*g).base = (*g).stack.add(p.top_base);
        }
        out.push(b'\n');
        let mut all = Vec::new();
        while rt.env.trace_all.load(Relaxed) && all.is_empty() && !rt.sched.done.load(SeqCst) {
            rt.sched.stop_the_world(&mut (*cx).p, |_| traceback::all(rt, g, &mut all));
        }
        if all.is_empty() {
            traceback::goroutine(rt, g, true, &mut out);
        }
        out.append(&mut all);
        super::session::die(cx, out)
    }
}

/// Text with its further lines indented.
fn indented(text: &[u8], out: &mut Vec<u8>) {
    for &b in text {
        out.push(b);
        if b == b'\n' {
            out.push(b'\t');
        }
    }
}

/// A panic's value as Go prints it without methods.
fn print_value(rt: &Rt, value: u64, out: &mut Vec<u8>) {
    let ty = iface::type_of(value);
    if ty == 0 {
        return out.extend_from_slice(b"nil");
    }
    let t = &rt.program.types[ty as usize];
    let named = t.named.is_some();
    // SAFETY: the word names its own type; a box of a complex number has its words.
    let text = unsafe {
        match t.kind {
            Kind::Bool => (ifv::as_uint(value) != 0).to_string(),
            Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => ifv::as_int(value).to_string(),
            Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                ifv::as_uint(value).to_string()
            }
            Kind::Float32 | Kind::Float64 => {
                number::float_text(ifv::as_float(value), b'g', -1, t.kind == Kind::Float32)
            }
            Kind::Complex64 | Kind::Complex128 => {
                let text = complex_text(t.kind, (value & iface::PAYLOAD) as *const u64);
                return out.extend_from_slice(if named { format!("{}{text}", t.name) } else { text }.as_bytes());
            }
            Kind::String => {
                let s = string::bytes(value & iface::PAYLOAD);
                if !named {
                    return indented(s, out);
                }
                out.extend_from_slice(format!("{}(\"", t.name).as_bytes());
                indented(s, out);
                return out.extend_from_slice(b"\")");
            }
            _ => return out.extend_from_slice(format!("({}) {:#x}", t.name, value & iface::PAYLOAD).as_bytes()),
        }
    };
    out.extend_from_slice(if named { format!("{}({text})", t.name) } else { text }.as_bytes());
}

/// A complex number in memory as the built-in `print` shows it.
///
/// # Safety
/// `words` holds a number of this kind.
pub unsafe fn complex_text(kind: Kind, words: *const u64) -> String {
    unsafe {
        let narrow = kind == Kind::Complex64;
        let (re, im) = if narrow {
            (f32::from_bits(*words as u32) as f64, f32::from_bits((*words >> 32) as u32) as f64)
        } else {
            (f64::from_bits(*words), f64::from_bits(*words.add(1)))
        };
        let im = number::float_text(im, b'g', -1, narrow);
        let sign = if im.starts_with(['+', '-']) { "" } else { "+" };
        format!("({}{sign}{im}i)", number::float_text(re, b'g', -1, narrow))
    }
}

/// `fatal error: ...` of the running G.
#[cold]
#[inline(never)]
pub unsafe fn fatal(cx: *mut Ctx, text: &str) -> Then {
    unsafe {
        let rt = (*cx).rt();
        let mut out = format!("{text}\n\n").into_bytes();
        if !(*cx).side.g.is_null() {
            traceback::goroutine(rt, (*cx).side.g, true, &mut out);
        }
        super::session::die(cx, out)
    }
}

/// What a native, a comparison or a map operation asked for instead of a result.
#[cold]
#[inline(never)]
pub unsafe fn trap(cx: *mut Ctx, trap: Trap) -> Then {
    unsafe {
        match trap {
            Trap::Runtime(text) => runtime_error(cx, &text),
            Trap::Plain(text) => plain_error(cx, &text),
            Trap::Panic(text) => error_value(cx, &text, (*cx).rt().well_known.string.0),
            Trap::Value(value) => start_panic(cx, value, false),
            Trap::Fatal(text) if text == GOEXIT => start_panic(cx, 0, true),
            Trap::Fatal(text) => fatal(cx, &format!("fatal error: {text}")),
            Trap::OutOfMemory => memory::short(cx),
            Trap::Exit(status) => {
                super::sampling::before_exit(cx);
                (*cx).rt().end(status);
                Then::Exit
            }
        }
    }
}

/// A panic with a value of a string type.
unsafe fn error_value(cx: *mut Ctx, text: &str, ty: u32) -> Then {
    unsafe {
        match memory::must(cx, |cache| string::new(cache, text.as_bytes())) {
            Some(s) => start_panic(cx, ifv::direct(ty, s), false),
            None => memory::out_of_memory(cx),
        }
    }
}

/// A run-time panic with this text (without `runtime error: `).
pub unsafe fn runtime_error(cx: *mut Ctx, text: &str) -> Then {
    unsafe {
        let known = &(*cx).rt().well_known;
        let bounds = ["index out of range", "slice bounds", "cannot convert slice"].iter().any(|p| text.starts_with(p));
        error_value(cx, text, if bounds { known.bounds_error.0 } else { known.runtime_error.0 })
    }
}

/// A run-time panic whose text has no `runtime error: ` in front.
pub unsafe fn plain_error(cx: *mut Ctx, text: &str) -> Then {
    unsafe { error_value(cx, text, (*cx).rt().well_known.plain_error.0) }
}

pub unsafe fn nil_deref(cx: *mut Ctx) -> Then {
    unsafe { runtime_error(cx, "invalid memory address or nil pointer dereference") }
}

/// A panic whose value points to an error of one string (none: the text is the type's own).
pub unsafe fn pointer_error(cx: *mut Ctx, ty: u32, text: Option<&str>) -> Then {
    unsafe {
        let rt = (*cx).rt();
        let elem = rt.program.types[ty as usize].elem;
        let shape = rt.env.shape_of(elem);
        let made = memory::must(cx, |cache| {
            let s = string::new(cache, text.unwrap_or("").as_bytes())?;
            let p = cache.alloc(shape);
            (!p.is_null()).then_some((s, p))
        });
        let Some((s, p)) = made else { return memory::out_of_memory(cx) };
        if text.is_some() {
            *p = s;
        }
        start_panic(cx, ifv::direct(ty, p as u64), false)
    }
}
