//! Natives of `iter`: a coroutine's two sides hand control to each other. The first word of the `coroutine` struct is the G
//! that waits for its turn, or 0. A G is in at most one such word, and parked while it is there; whoever takes it out
//! by an exchange readies it. So a program that races on an iterator mixes up turns, and nothing worse.
use crate::sched::g::{G, Status};
use crate::sched::wait::WaitReason;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::sync::atomic::{AtomicU64, Ordering::*};

pub const NATIVES: &[NativeEntry] =
    &[("iter.handOver", hand_over), ("iter.await", wait_for_starter), ("iter.leave", leave)];

fn word<'a>(cx: &Cx) -> Result<&'a AtomicU64, Trap> {
    let p = cx.word(0) as *const AtomicU64;
    if p.is_null() {
        return Err(Trap::Runtime("invalid memory address or nil pointer dereference".into()));
    }
    // SAFETY: the compiler passes a pointer to a live coroutine.
    Ok(unsafe { &*p })
}

/// Marks the running G as waiting on the coroutine.
fn park(cx: &mut Cx) {
    let on = cx.word(0) as *mut u64;
    // SAFETY: the running G, not published yet.
    unsafe { (*cx.side.g).node.on = on };
    cx.side.park(WaitReason::Coroutine, false)();
}

fn hand_over(cx: &mut Cx) -> NativeResult {
    let w = word(cx)?;
    let me = cx.side.g;
    park(cx);
    // From here on the G may be taken by the other side.
    let other = w.swap(me as u64, AcqRel) as *mut G;
    if !other.is_null() {
        cx.side.ready(other);
    }
    Ok(Outcome::Parked)
}

fn wait_for_starter(cx: &mut Cx) -> NativeResult {
    let w = word(cx)?;
    if w.load(Acquire) != 0 {
        return Ok(Outcome::Done);
    }
    let me = cx.side.g;
    // SAFETY: the running G.
    let pc = unsafe { (*me).pc };
    park(cx);
    if w.compare_exchange(0, me as u64, AcqRel, Acquire).is_ok() {
        return Ok(Outcome::Parked);
    }
    // The starter came first: nobody has seen this G, which goes on.
    // SAFETY: as above.
    unsafe {
        (*me).pc = pc;
        (*me).set_status(Status::Running);
    }
    Ok(Outcome::Done)
}

fn leave(cx: &mut Cx) -> NativeResult {
    let other = word(cx)?.swap(0, AcqRel) as *mut G;
    if !other.is_null() {
        cx.side.ready(other);
    }
    Ok(Outcome::Done)
}
