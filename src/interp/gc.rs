//! Concurrent collections: a thread of their own that stops the world for a moment, marks while the program runs, stops it
//! again for a moment, and sweeps. `heap::cycle` says why nothing is missed.
//!
//! # Stacks
//! In the first stop only the stacks of running Gs are looked at. Every other G's stack is looked at by the collector's
//! thread, or by the M that is about to run the G, whoever claims it first through `G::scanned`: it holds the number of
//! the last round in which the stack was looked at, with `BUSY` while somebody does. New Gs count as looked at.
//!
//! # The handlers' table
//! While marking is on the Ms run with a second table, whose storing handlers shade what they overwrite (`marking`).
//! It is exchanged in the stops; whoever goes on after a safepoint takes the table from the context.
use super::ctx::{Ctx, Rt};
use super::unwind::Extra;
use super::{marking, roots};
use crate::heap::{Marker, Progress};
use crate::sched::g::{G, Status};
use crate::sched::trace::Phase;
use crate::value::slice;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::*};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Somebody looks at the G's stack.
const BUSY: u16 = 1 << 15;

/// What is left to mark in the last stop takes no longer, or the program runs on for a while...
const LAST_WORK: Duration = Duration::from_micros(150);
/// ...but not more often than this.
const MAX_LAST_STOPS: u32 = 8;
/// Time for giving back what parked Gs do not use of their stacks, in the last stop.
const SHRINK_TIME: Duration = Duration::from_micros(100);
/// Gs whose stacks may be worth shrinking, remembered.
const MAX_SHRUNK: usize = 1 << 16;
/// Objects looked into before the collector's thread looks around.
const QUANTUM: usize = 4096;

#[derive(Default)]
pub struct Gc {
    /// A concurrent collection goes on, from its decision to the end of its sweep.
    active: AtomicBool,
    give_up: AtomicBool,
    /// Number of concurrent collections, without `BUSY`.
    round: AtomicU16,
    thread: Mutex<Option<JoinHandle<()>>>,
    ended: (Mutex<()>, Condvar),
}

impl Gc {
    pub fn is_active(&self) -> bool {
        self.active.load(SeqCst)
    }

    pub fn round(&self) -> u16 {
        self.round.load(Relaxed)
    }

    /// The collection that goes on, if any, is to leave; waits until it has.
    pub fn abort(&self) {
        self.give_up.store(true, SeqCst);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// At a safepoint: a collection is due.
///
/// # Safety
/// As [`roots::collect`].
pub unsafe fn due(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        if rt.gc.is_active() {
            // It will be due again soon enough.
            rt.env.heap.unwant();
            return keep_pace(cx);
        }
        if !(rt.env.heap.suits_concurrent() && start(rt)) {
            roots::collect(cx);
        }
    }
}

/// Waits for the concurrent collection that goes on, if there is one.
///
/// # Safety
/// As [`roots::collect`].
pub unsafe fn wait(cx: *mut Ctx) {
    unsafe { wait_while(cx, || true) }
}

/// Waits as long as the program has outrun the concurrent collection that goes on.
///
/// # Safety
/// As [`roots::collect`].
pub unsafe fn keep_pace(cx: *mut Ctx) {
    unsafe { wait_while(cx, || (*cx).rt().env.heap.is_outrun()) }
}

unsafe fn wait_while(cx: *mut Ctx, needed: impl Fn() -> bool) {
    unsafe {
        let rt = (*cx).rt();
        while rt.gc.is_active() && needed() && !rt.sched.done.load(SeqCst) {
            rt.sched.while_resting(&mut (*cx).p, || {
                let mut ended = rt.gc.ended.0.lock();
                if rt.gc.is_active() {
                    rt.gc.ended.1.wait_for(&mut ended, Duration::from_millis(1));
                }
            });
        }
    }
}

/// Starts a concurrent collection unless one goes on. `false`: there is no thread to be had.
pub(super) fn start(rt: &Rt) -> bool {
    let mut thread = rt.gc.thread.lock();
    if rt.gc.give_up.load(SeqCst) || rt.gc.active.swap(true, SeqCst) {
        return true;
    }
    rt.env.heap.unwant();
    // Until it has ended nobody may say that no G can ever run again: cleanups may start some.
    rt.sched.outside.fetch_add(1, SeqCst);
    if let Some(old) = thread.take() {
        let _ = old.join();
    }
    let at = rt as *const Rt as usize;
    let spawned = std::thread::Builder::new().name("gmpl-gc".into()).stack_size(1 << 20).spawn(move || {
        // SAFETY: the run joins the thread before `Rt` goes.
        let rt = unsafe { &*(at as *const Rt) };
        unsafe { cycle(rt) };
        leave(rt);
    });
    match spawned {
        Ok(handle) => {
            *thread = Some(handle);
            true
        }
        Err(_) => {
            drop(thread);
            leave(rt);
            false
        }
    }
}

fn leave(rt: &Rt) {
    rt.gc.active.store(false, SeqCst);
    {
        let _ended = rt.gc.ended.0.lock();
        rt.gc.ended.1.notify_all();
    }
    // Somebody is to find out whether that was all.
    rt.sched.leave_outside(&rt.sched.outside);
}

/// A whole collection, on a thread of its own.
unsafe fn cycle(rt: &Rt) {
    let heap = &rt.env.heap;
    let give_up = || rt.gc.give_up.load(Relaxed) || rt.sched.done.load(Relaxed);
    heap.prepare_marking(&give_up);
    // SAFETY: the world is stopped.
    let Some(first) = rt.sched.stop_unless(&give_up, |_| unsafe { begin(rt) }) else { return };
    let begun = Instant::now();
    let mut last = None;
    heap.mark_with(&mut |m| {
        // SAFETY: what the Gs' stacks, objects and variables hold is read word by word, as `heap::cycle` says.
        unsafe {
            let sleepers = mark_roots(rt, m);
            let mut stops = 0;
            while !give_up() && last.is_none() {
                match heap.mark_some(m, QUANTUM) {
                    Progress::More => {}
                    Progress::Waiting => std::thread::yield_now(),
                    Progress::Done => {
                        stops += 1;
                        let mut done = false;
                        let took = rt.sched.stop_unless(&give_up, |_| {
                            done = end(rt, m, stops, begun, &sleepers);
                        });
                        if done {
                            last = took;
                        }
                    }
                }
            }
        }
    });
    let Some(last) = last else { return };
    let parts = [first, begun.elapsed().saturating_sub(last), last].map(|d| d.as_nanos() as u64);
    heap.count_pause(parts[0] + parts[2], parts);
    if rt.gctrace {
        roots::trace(rt);
    }
    if heap.has_ready() {
        rt.sched.call_ready();
    }
    heap.sweep_all(&give_up);
}

/// In the first stop.
unsafe fn begin(rt: &Rt) {
    unsafe {
        roots::flush_caches(rt);
        let heap = &rt.env.heap;
        heap.begin_marking();
        rt.sched.note_collection(Phase::Mark);
        let round = (rt.gc.round() + 1) & !BUSY;
        rt.gc.round.store(round, Relaxed);
        heap.mark_with(&mut |m| {
            for &cx in rt.ctxs.lock().iter() {
                let cx = cx as *mut Ctx;
                set_marking(cx, true);
                let g = (*cx).side.g;
                if !g.is_null() && (*g).status() == Status::Running {
                    roots::mark_g(rt, g, m);
                    (*g).scanned.store(round, Release);
                }
            }
        });
    }
}

/// Has the M of a context run as marking demands.
///
/// # Safety
/// The world is stopped, or the context is new.
pub unsafe fn set_marking(cx: *mut Ctx, on: bool) {
    unsafe {
        let rt = (*cx).rt();
        (*cx).p.set_marking(on);
        (*cx).p.round = rt.gc.round();
        (*cx).table = match &(*cx).sampler {
            Some(sampler) => sampler.table(on),
            None if on => marking::TABLE.as_ptr(),
            None => super::ops::TABLE.as_ptr(),
        };
        (*cx).next_table = if rt.portable { super::run::RETURNING.as_ptr() } else { (*cx).table };
    }
}

/// Marks variables, timers, what cleanups hold, and the stacks of Gs that have not run since the first stop. Returns the
/// Gs whose stacks may be worth shrinking.
unsafe fn mark_roots(rt: &Rt, m: &mut Marker) -> Vec<usize> {
    unsafe {
        let heap = &rt.env.heap;
        for i in rt.program.global_ptrs.iter() {
            m.place(|| format!("global word {i}"));
            m.word(slice::load(rt.globals.as_ptr().add(i)));
        }
        m.place(|| "a timer".into());
        rt.sched.timers.each_closure(&mut |w| m.word(w));
        heap.mark_watches(m);
        let round = rt.gc.round();
        let mut sleepers = Vec::new();
        let (mut extras, mut n) = (0, 0);
        rt.sched.slabs.each_unlocked(&mut |g| {
            if (*g).status() == Status::Dead || !claim(g, round) {
                return;
            }
            if !(*g).extra.is_null() {
                extras += (*((*g).extra as *mut Extra)).bytes();
            }
            if roots::may_shrink(g) && sleepers.len() < MAX_SHRUNK {
                sleepers.push(g as usize);
            }
            roots::mark_g(rt, g, m);
            (*g).scanned.store(round, Release);
            n += 1;
            if n % 64 == 0 {
                heap.mark_some(m, QUANTUM);
            }
        });
        heap.set_extras(extras);
        sleepers
    }
}

/// Claims a G's stack for being looked at. `false`: it has been looked at, or another is at it.
unsafe fn claim(g: *mut G, round: u16) -> bool {
    unsafe {
        let seen = (*g).scanned.load(Acquire);
        seen & !BUSY != round && (*g).scanned.compare_exchange(seen, round | BUSY, AcqRel, Acquire).is_ok()
    }
}

/// The M of a P that is unusual is about to run a G. While marking is on, its stack is looked at first.
///
/// # Safety
/// The G is runnable and the M's.
#[cold]
#[inline(never)]
pub unsafe fn before_run(cx: *mut Ctx, g: *mut G) {
    unsafe {
        (*cx).p.note_start(g);
        if !(*cx).p.is_marking() {
            return;
        }
        let round = (*cx).p.round;
        let scanned = &(*g).scanned;
        if scanned.load(Acquire) == round {
            return;
        }
        let rt = (*cx).rt();
        if claim(g, round) {
            rt.env.heap.mark_with(&mut |m| roots::mark_g(rt, g, m));
            scanned.store(round, Release);
            return;
        }
        let mut tries = 0u32;
        while scanned.load(Acquire) != round {
            tries += 1;
            if tries < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

/// In a stop, nothing being left to mark a moment before. `false`: now there is, more than may be done in a stop.
unsafe fn end(rt: &Rt, m: &mut Marker, stops: u32, begun: Instant, sleepers: &[usize]) -> bool {
    unsafe {
        let heap = &rt.env.heap;
        let start = Instant::now();
        while heap.mark_some(m, QUANTUM / 8) != Progress::Done {
            if stops < MAX_LAST_STOPS && start.elapsed() > LAST_WORK {
                return false;
            }
        }
        heap.settle(m);
        roots::flush_caches(rt);
        heap.end_marking(begun.elapsed());
        rt.sched.note_collection(Phase::End);
        for &cx in rt.ctxs.lock().iter() {
            set_marking(cx as *mut Ctx, false);
        }
        let start = Instant::now();
        for (i, &g) in sleepers.iter().enumerate() {
            if i % 16 == 15 && start.elapsed() > SHRINK_TIME {
                break;
            }
            let g = g as *mut G;
            if (*g).status() == Status::Waiting {
                roots::shrink(rt, g);
            }
        }
        true
    }
}
