//! The Ps: how many there are, and how their number changes while they run (`runtime.GOMAXPROCS`).
//!
//! A P is made once and stays until the run has ended. Ps whose numbers are too high for GOMAXPROCS are *retired*: at
//! its next safepoint such a P gives what it has to the global queue, and its M sleeps on the list of resting Ps, where
//! no waker looks. Raising the number moves them to the idle list again, or makes new ones. Only a stopper of the
//! world changes the number, so a running P sees one number from safepoint to safepoint.
use super::idle::{Parker, Ps};
use super::inbox::Inbox;
use super::p::P;
use super::runq::RunQueue;
use super::solo::{self, Solo};
use super::trace::{Event, Kind};
use super::world::Stopped;
use super::{Hooks, Sched};
use crate::base::limits::MAX_PROCS;
use std::sync::atomic::{AtomicBool, Ordering::*};

impl Sched {
    /// Gives the scheduler the interpreter's hooks and makes its Ps, once, before anything runs.
    ///
    /// # Safety
    /// The hooks outlive every use of the scheduler.
    pub unsafe fn attach(&self, hooks: *const dyn Hooks) {
        // SAFETY: only the lifetime is changed; the caller vouches for it.
        let hooks: *const (dyn Hooks + 'static) = unsafe { std::mem::transmute(hooks) };
        let _ = self.hooks.set(hooks);
        self.make_ps(self.procs());
        self.idle.leave(self, 0);
    }

    /// Makes Ps until there are `n`; they are idle.
    fn make_ps(&self, n: usize) {
        let old = self.made();
        if old <= 1 && n > 1 && !solo::can_end() {
            self.idle.forbid_solo(self);
        }
        for id in old..n {
            self.ps[id].store(self.hooks().make_p(id), SeqCst);
        }
        self.made.fetch_max(n, SeqCst);
        // The lower ones are woken first.
        (old..n).rev().for_each(|id| self.idle.enter(self, id));
    }

    /// Ps that may run.
    #[inline]
    pub fn procs(&self) -> usize {
        self.procs.load(Relaxed)
    }

    /// Ps that exist.
    pub fn made(&self) -> usize {
        self.made.load(SeqCst)
    }

    /// What GOMAXPROCS says: with a seed not the number of Ps.
    pub fn asked_procs(&self) -> usize {
        self.asked.load(Relaxed)
    }

    pub fn ask_procs(&self, n: usize) {
        self.asked.store(n.min(MAX_PROCS), Relaxed);
    }

    #[inline]
    pub fn is_retired(&self, p: &P) -> bool {
        p.id >= self.procs()
    }

    // SAFETY of these: a P is made before its number is known to anybody, and lives as long as the run. What is handed
    // out is made for being shared.

    pub(super) fn inbox(&self, p: usize) -> &Inbox {
        unsafe { &(*self.ps[p].load(Relaxed)).inbox }
    }

    /// Ms that sleep.
    pub fn sleeping_ms(&self) -> usize {
        let mut n = 0;
        self.idle.each(|&p| n += self.started_m(p).load(Relaxed) as usize);
        n
    }

    /// Ms that have Ps.
    pub fn started_ms(&self) -> usize {
        (0..self.made()).filter(|&p| self.started_m(p).load(Relaxed)).count()
    }

    pub fn started_m(&self, p: usize) -> &AtomicBool {
        unsafe { &(*self.ps[p].load(Relaxed)).started_m }
    }

    /// A run queue may be used by anyone as `runq` says.
    pub fn with_queue<R>(&self, p: usize, f: impl FnOnce(&RunQueue) -> R) -> R {
        f(unsafe { &(*self.ps[p].load(Relaxed)).runq })
    }

    /// How often a P has picked a G.
    pub fn picks_of(&self, p: usize) -> u64 {
        unsafe { (*self.ps[p].load(Relaxed)).picks.load(Relaxed) }
    }

    /// Likewise for all that may run.
    pub fn picks(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.procs()).map(|p| self.picks_of(p))
    }

    /// See [`P::is_worth_stealing_from`].
    pub fn is_worth_stealing_from(&self, p: usize) -> bool {
        unsafe { (*self.ps[p].load(Relaxed)).is_worth_stealing_from() }
    }

    /// Gs that are alive.
    pub fn alive(&self) -> u64 {
        self.ps().into_iter().fold(0, |n, p| {
            let (started, ended) = unsafe { ((*p).started.load(Relaxed), (*p).ended.load(Relaxed)) };
            n.wrapping_add(started).wrapping_sub(ended)
        })
    }

    /// The Ps made so far, in order; plain access only with the world stopped.
    pub fn ps(&self) -> Vec<*mut P> {
        self.ps[..self.made()].iter().map(|p| p.load(Relaxed)).collect()
    }
}

impl Ps for Sched {
    fn made(&self) -> usize {
        self.made()
    }

    fn procs(&self) -> usize {
        self.procs()
    }

    fn solo(&self, p: usize) -> &Solo {
        // SAFETY: as above.
        unsafe { &(*self.ps[p].load(Relaxed)).solo }
    }

    fn parker(&self, p: usize) -> &Parker {
        // SAFETY: as above.
        unsafe { &(*self.ps[p].load(Relaxed)).parker }
    }

    fn started_m(&self, p: usize) -> &AtomicBool {
        self.started_m(p)
    }

    fn start_m(&self, p: usize) -> bool {
        self.hooks().start_m(p)
    }

    fn notify_poller(&self) {
        self.netpoll.notify();
    }

    fn has_own(&self, p: usize) -> bool {
        !self.inbox(p).is_empty()
    }

    fn has_work(&self) -> bool {
        !self.global_is_empty()
            || self.done.load(SeqCst)
            || (0..self.made()).any(|p| self.is_worth_stealing_from(p))
            || (self.timers.next() != i64::MAX && self.timers.next() <= self.decide.now())
    }

    fn is_over(&self) -> bool {
        self.timers.is_empty()
            && self.jobs.in_flight.load(SeqCst) == 0
            && self.outside.load(SeqCst) == 0
            && self.global_is_empty()
            && (0..self.made()).all(|p| self.with_queue(p, |q| q.is_empty()) && self.inbox(p).is_empty())
            && !self.done.load(SeqCst)
    }
}

impl Stopped<'_> {
    /// Changes the number of Ps that may run.
    pub fn resize(&self, n: usize) {
        let sched = self.sched;
        let n = n.clamp(1, MAX_PROCS);
        sched.ask_procs(n);
        sched.procs.store(n, SeqCst);
        sched.make_ps(n);
        sched.note(Event { n: n as u32, ..Event::new(Kind::Procs) });
        for p in sched.ps() {
            // SAFETY: no P runs.
            let p = unsafe { &mut *p };
            p.look_soon = true;
            p.look_for_unusual();
            if sched.is_retired(p) {
                p.give_all();
                sched.stop_watching_timers(p.id);
            }
        }
        sched.idle.resize(n);
        // Somebody is to watch the timers, and to run what the retired ones had.
        sched.wake_for_global();
    }
}
