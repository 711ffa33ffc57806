//! Where handlers go when something fails: they write the G's state back, start the panic, and go on wherever it led.
//!
//! Each is entered in tail position and leaves in tail position, so that no native frame stays behind; therefore none
//! of them has a local with a destructor, and all are `extern "C"`, which cannot unwind.
//!
//! # Safety
//! As in `ops`.
use super::ctx::Ctx;
use super::memory;
use super::ops::{H, back};
use super::slow::{self, Sliced};
use super::traceback;
use super::unwind::{self, Then, extra};
use crate::bytecode::op::Op;
use crate::value::native::Trap;
use crate::value::slice_ops::MAX_LEN;
use crate::value::{slice, string};
use crate::{next, resched};

/// Goes on as a [`Then`] says, with the table of handlers that is valid now: the world may have been stopped.
#[macro_export]
macro_rules! then {
    ($cx:expr, $t:expr, $then:expr) => {
        match $then {
            Then::Run => {
                let _ = $t;
                let g = (*$cx).side.g;
                next!((*g).pc, (*g).base, $cx, (*$cx).p.budget, (*$cx).next_table)
            }
            Then::Resched => resched!($cx, (*$cx).next_table),
            Then::Exit => back::EXIT,
        }
    };
}

/// Writes the running G's state back.
#[inline(always)]
pub unsafe fn save(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64) {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        (*cx).p.budget = n;
    }
}

macro_rules! fails {
    ($($(#[$doc:meta])* $name:ident |$pc:ident, $r:ident, $cx:ident| $e:expr;)*) => { $(
        $(#[$doc])*
        #[cold]
        #[inline(never)]
        pub unsafe extern "C" fn $name(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
            #[inline(never)]
            unsafe fn start($pc: *const u64, $r: *mut u64, $cx: *mut Ctx) -> Then {
                unsafe { $e }
            }
            unsafe {
                save(pc, r, cx, n);
                then!(cx, t, start(pc, r, cx))
            }
        }
    )* };
}

/// The slot that a field of the instruction before `pc` names.
unsafe fn slot(pc: *const u64, r: *mut u64, field: usize) -> u64 {
    unsafe { *r.add(*(pc as *const u16).sub(4 - field) as usize) }
}

/// Whether the failing instruction's index has an unsigned 64-bit type.
unsafe fn unsigned_index(cx: *mut Ctx) -> bool {
    // SAFETY: the running G, whose state has been written back.
    unsafe {
        let at = (*cx).rt().index_of((*(*cx).side.g).pc) - 1;
        (*cx).rt().program.func_at(at).is_some_and(|f| f.unsigned_index_at(at))
    }
}

/// An index out of range.
unsafe fn index(cx: *mut Ctx, i: u64, len: u64) -> Then {
    let text = if (i as i64) < 0 && !unsafe { unsigned_index(cx) } {
        format!("index out of range [{}]", i as i64)
    } else {
        format!("index out of range [{i}] with length {len}")
    };
    unsafe { unwind::runtime_error(cx, &text) }
}

fails! {
    divide |_pc, _r, cx| unwind::runtime_error(cx, "integer divide by zero");
    negative_shift |_pc, _r, cx| unwind::runtime_error(cx, "negative shift amount");
    nil_deref |_pc, _r, cx| unwind::nil_deref(cx);
    index_slice |pc, r, cx| index(cx, slot(pc, r, 3), slice::parts(slot(pc, r, 2)).len as u64);
    /// The second index of an `Ix2` op, whose extra word is the one before `pc`: so it has a position of its own.
    index_second |pc, r, cx| {
        let word = pc.sub(1);
        let rows = slice::parts(slot(word, r, 2));
        let row = *(rows.data as *const u64).add(slot(word, r, 3) as usize);
        index(cx, *r.add(*word as usize), slice::parts(row).len as u64)
    };
    index_constant |pc, r, cx| {
        index(cx, *(pc as *const u16).sub(1) as u64, slice::parts(slot(pc, r, 2)).len as u64)
    };
    index_string |pc, r, cx| index(cx, slot(pc, r, 3), string::len(slot(pc, r, 2)) as u64);
    index_checked |pc, r, cx| index(cx, slot(pc, r, 1), slot(pc, r, 2));
    index_checked_k |pc, r, cx| index(cx, slot(pc, r, 1), *(pc as *const u32).sub(1) as u64);
    index_array |pc, r, cx| index(cx, slot(pc, r, 3), *pc >> 32);
    index_array_low |pc, r, cx| index(cx, slot(pc, r, 3), *pc as u32 as u64);
    slice_string |pc, r, cx| {
        let c = *(pc as *const u16).sub(1) as usize;
        let len = string::len(slot(pc, r, 2)) as u64;
        let text = slow::slice_text([*r.add(c), *r.add(c + 1)], None, [unsigned_index(cx); 3], len, len, Sliced::String);
        unwind::runtime_error(cx, &text)
    };
    slice_bounds |pc, r, cx| {
        if slow::slice_bounds_hold(pc, r) {
            return memory::short(cx);
        }
        let text = slow::slice_bounds_text(cx, pc, r);
        unwind::runtime_error(cx, &text)
    };
    slice_to_array |pc, r, cx| {
        let text = format!(
            "cannot convert slice with length {} to array or pointer to array with length {}",
            slice::parts(slot(pc, r, 2)).len,
            *pc
        );
        unwind::runtime_error(cx, &text)
    };
    make_slice |pc, r, cx| {
        if !slow::make_slice_is_bad(cx, pc, r) {
            return memory::short(cx);
        }
        let text = slow::make_slice_text(cx, pc, r);
        unwind::runtime_error(cx, &text)
    };
    append |pc, r, cx| {
        let (base, more) = match *(pc as *const u16).sub(4) as usize {
            op if op == Op::AppendOwn as usize => (1, 1),
            op if op == Op::AppendSlice as usize => (2, slice::parts(slot(pc, r, 3)).len),
            _ => (2, 1),
        };
        if slice::parts(slot(pc, r, base)).len.saturating_add(more) <= MAX_LEN {
            return memory::short(cx);
        }
        unwind::runtime_error(cx, "growslice: len out of range")
    };
    send_closed |_pc, _r, cx| unwind::plain_error(cx, "send on closed channel");
    close_nil |_pc, _r, cx| unwind::plain_error(cx, "close of nil channel");
    close_closed |_pc, _r, cx| unwind::plain_error(cx, "close of closed channel");
    send_foreign |_pc, _r, cx| unwind::fatal(cx, "fatal error: send on synctest channel from outside bubble");
    recv_foreign |_pc, _r, cx| unwind::fatal(cx, "fatal error: receive on synctest channel from outside bubble");
    close_foreign |_pc, _r, cx| unwind::fatal(cx, "fatal error: close of synctest channel from outside bubble");
    select_foreign |_pc, _r, cx| unwind::fatal(cx, "fatal error: select on synctest channel from outside bubble");
    make_chan |_pc, _r, cx| unwind::plain_error(cx, "makechan: size out of range");
    too_many_goroutines |_pc, _r, cx| super::limits::too_many_goroutines(cx);
    go_nil |_pc, _r, cx| unwind::fatal(cx, "fatal error: go of nil func value");
    explicit_panic |pc, r, cx| match slot(pc, r, 1) {
        // Before that release recover gave nil.
        0 if (*cx).rt().program.release >= 21 => unwind::pointer_error(cx, (*cx).rt().well_known.nil_panic.0, None),
        value => unwind::start_panic(cx, value, false),
    };
    /// `PanicRt`: the text is a constant.
    constant_panic |pc, _r, cx| {
        let text = string::bytes(*(*cx).consts.add(*(pc as *const u32).sub(1) as usize));
        let text = String::from_utf8_lossy(text);
        match text.strip_prefix("runtime error: ") {
            Some(rest) => unwind::runtime_error(cx, rest),
            None => unwind::plain_error(cx, &text),
        }
    };
    /// What failed has left its reason in the G's extra state.
    trapped |_pc, _r, cx| match extra((*cx).side.g).trap.take() {
        Some(Trap::OutOfMemory) => memory::short(cx),
        Some(what) => unwind::trap(cx, what),
        None => bug(cx, "a failure without a reason"),
    };
    assertion |pc, r, cx| {
        let text = slow::assertion_text(cx, pc, r);
        unwind::pointer_error(cx, (*cx).rt().well_known.assertion_error.0, Some(&text))
    };
    out_of_memory |_pc, _r, cx| memory::short(cx);
    stack_overflow |pc, _r, cx| {
        let rt = (*cx).rt();
        let limit = rt.stack_limit_bytes();
        let mut out =
            format!("runtime: goroutine stack exceeds {limit}-byte limit\nfatal error: stack overflow\n\n").into_bytes();
        // The frame that found no room is the callee's.
        let word = *pc.sub(1);
        let callee = (word as u16 == Op::Call as u16).then(|| pc.offset((word >> 32) as i32 as isize));
        let callee = callee.and_then(|entry| rt.program.func_at(rt.index_of(entry)));
        traceback::below(rt, (*cx).side.g, callee, true, &mut out);
        super::session::die(cx, out)
    };
    our_bug |_pc, _r, cx| bug(cx, "unreachable code was reached");
    /// `RetDefer`.
    return_defers |_pc, _r, cx| unwind::return_defers(cx);
    /// `PanicRet`.
    panic_ret |_pc, _r, cx| unwind::panic_ret(cx);
    /// `PanicText`.
    panic_text |_pc, _r, cx| unwind::panic_text(cx);
}

unsafe fn bug(cx: *mut Ctx, what: &str) -> Then {
    unsafe { unwind::fatal(cx, &format!("gmpl: internal error (this is a bug in gmpl, not in your program): {what}")) }
}
