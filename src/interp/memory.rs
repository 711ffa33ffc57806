//! What happens when memory is short: an allocation that failed is tried again after a collection; only then the run ends.
//!
//! The instruction that failed has changed nothing yet, so it is run again from its start. It stands in the middle of its
//! statement: temporaries and call windows may hold pointers that no map knows, so the G is marked *midway*, and
//! whoever collects looks at every slot of its innermost frame.
//!
//! # Safety
//! As in `ops`; the running G's state is written back.
use super::ctx::{Ctx, Rt};
use super::roots;
use super::unwind::{self, Then};
use crate::bytecode::op::Op;
use crate::heap::Cache;
use crate::sched::g::G;
use std::sync::atomic::Ordering::*;

/// Where an allocation failed although a collection had been made for it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Failed {
    g: u64,
    pc: usize,
    /// The budget the instruction fails with when it is run again.
    budget: i64,
    slices: u64,
}

/// Collects at once, wherever the running G stands.
pub unsafe fn collect_midway(cx: *mut Ctx) {
    unsafe {
        let g = (*cx).side.g;
        let rt = (*cx).rt();
        (*g).midway = true;
        super::gc::wait(cx);
        let epoch = rt.env.heap.epoch();
        while rt.env.heap.epoch() == epoch && !rt.sched.done.load(SeqCst) {
            roots::collect(cx);
            super::gc::wait(cx);
        }
        (*g).midway = false;
    }
}

/// The instruction before the G's pc found no memory.
#[cold]
#[inline(never)]
pub unsafe fn short(cx: *mut Ctx) -> Then {
    unsafe {
        let g = (*cx).side.g;
        let pc = (*g).pc.sub(1);
        let refused = std::mem::take(&mut (*cx).cache.refused);
        let p = &(*cx).p;
        let failed = Failed { g: (*g).id, pc: pc as usize, budget: p.budget, slices: p.slices };
        if !refused && failed == (*cx).failed {
            return out_of_memory(cx);
        }
        // A native's handler has counted its cost before it failed.
        let cost = if Op::from_word(*pc).is_some_and(Op::calls_native) { 8 } else { 0 };
        (*cx).failed = if refused { Failed::default() } else { Failed { budget: p.budget - cost, ..failed } };
        collect_midway(cx);
        (*g).pc = pc;
        if (*cx).rt().sched.done.load(SeqCst) { Then::Exit } else { Then::Run }
    }
}

/// Too much was allocated by the instruction before the G's pc: collects before it goes on. Or it took long: the time slice
/// is over.
#[cold]
#[inline(never)]
pub unsafe fn overdue(cx: *mut Ctx) -> Then {
    unsafe {
        let rt = (*cx).rt();
        (*cx).cache.overdue = false;
        if std::mem::take(&mut (*cx).p.late) {
            (*cx).p.budget = (*cx).p.budget.min(-1);
            if !rt.env.heap.is_overdue() {
                return Then::Run;
            }
        }
        if rt.gc.is_active() || rt.env.heap.suits_concurrent() && super::gc::start(rt) {
            (*(*cx).side.g).midway = true;
            super::gc::keep_pace(cx);
            (*(*cx).side.g).midway = false;
        } else if rt.env.heap.is_overdue() {
            collect_midway(cx);
        }
        if (*cx).rt().sched.done.load(SeqCst) { Then::Exit } else { Then::Run }
    }
}

/// An allocation that cannot be left to a second run of its instruction: collects if need be.
pub unsafe fn must<T>(cx: *mut Ctx, mut alloc: impl FnMut(&mut Cache) -> Option<T>) -> Option<T> {
    unsafe {
        let before = std::mem::replace(&mut (*cx).cache.may_refuse, false);
        let mut got = alloc(&mut (*cx).cache);
        if got.is_none() {
            collect_midway(cx);
            got = alloc(&mut (*cx).cache);
        }
        (*cx).cache.may_refuse = before;
        got
    }
}

/// The end: even after a collection there is no room.
pub unsafe fn out_of_memory(cx: *mut Ctx) -> Then {
    unsafe {
        let text = no_memory((*cx).rt());
        unwind::fatal(cx, &format!("fatal error: {text}"))
    }
}

/// Why a run without memory ends.
pub fn no_memory(rt: &Rt) -> String {
    format!("out of memory (limit {})", size_text(rt.env.heap.max_bytes()))
}

/// A size as flags take it: `64M`.
pub fn size_text(bytes: usize) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    match units.iter().find(|(shift, _)| bytes >> shift > 0 && bytes % (1 << shift) == 0) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => match units.iter().find(|(shift, _)| bytes >> shift > 9) {
            Some((shift, unit)) => format!("about {}{unit}", bytes >> shift),
            None => bytes.to_string(),
        },
    }
}

/// Moves a G's stack to a larger one and accounts for it. `false`: no memory.
pub unsafe fn grow_stack(cx: *mut Ctx, g: *mut G, slots: usize) -> bool {
    unsafe {
        let heap = &(*cx).rt().env.heap;
        let old = stack_bytes(g);
        if !heap.take_outside(slots * 8) {
            return false;
        }
        if !G::grow(g, slots) {
            heap.give_outside(slots * 8);
            return false;
        }
        heap.give_outside(old);
        true
    }
}

/// Gives a grown stack back.
pub unsafe fn drop_stack(cx: *mut Ctx, g: *mut G) {
    unsafe {
        let old = stack_bytes(g);
        G::reset_stack(g);
        (*cx).rt().env.heap.give_outside(old);
    }
}

/// Bytes of a stack that does not lie behind its G.
unsafe fn stack_bytes(g: *mut G) -> usize {
    unsafe { if G::has_first_stack(g) { 0 } else { (*g).stack_end.offset_from((*g).stack) as usize * 8 } }
}
