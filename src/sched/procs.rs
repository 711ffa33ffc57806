//! The Ps: how many there are, and how their number changes while they run (`runtime.GOMAXPROCS`).
//!
//! A P is made once and stays until the run has ended. Ps whose numbers are too high for GOMAXPROCS are *retired*: at
//! its next safepoint such a P gives what it has to the global queue, and its M sleeps on the list of resting Ps, where
//! no waker looks. Raising the number moves them to the idle list again, or makes new ones. Only a stopper of the
//! world changes the number, so a running P sees one number from safepoint to safepoint.
use super::idle::{Hooks, NOBODY, Parker, Sched, Stopped};
use super::inbox::Inbox;
use super::p::P;
use super::runq::RunQueue;
use super::solo::{self, Solo};
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
        let mut idle = self.idle.lock();
        idle.list.retain(|&p| p != 0);
        self.idle_len.store(idle.list.len(), SeqCst);
        self.begin_solo_locked(&mut idle, 0);
    }

    /// Makes Ps until there are `n`; they are idle.
    fn make_ps(&self, n: usize) {
        let old = self.made();
        if old <= 1 && n > 1 && !solo::can_end() {
            // Nobody is solo from now on; its P stands at a safepoint, or has not begun.
            self.can_solo.store(false, SeqCst);
            let mut idle = self.idle.lock();
            if std::mem::replace(&mut idle.solo, NOBODY) != NOBODY {
                self.solo(0).end_own();
            }
        }
        for id in old..n {
            self.ps[id].store(self.hooks().make_p(id), SeqCst);
        }
        self.made.fetch_max(n, SeqCst);
        // The lower ones are woken first.
        (old..n).rev().for_each(|id| self.enter_idle(id));
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

    /// If this P's M is the one that sleeps until the next timer, it is so no more.
    pub(super) fn stop_watching_timers(&self, p: usize) {
        if self.timer_sleeper.compare_exchange(p, NOBODY, SeqCst, SeqCst).is_ok() {
            // It sleeps until a timer that is now another's: let it look.
            self.have_it_look(p);
        }
    }

    // SAFETY of these: a P is made before its number is known to anybody, and lives as long as the run. What is handed
    // out is made for being shared.

    pub(super) fn solo(&self, p: usize) -> &Solo {
        unsafe { &(*self.ps[p].load(Relaxed)).solo }
    }

    pub(super) fn inbox(&self, p: usize) -> &Inbox {
        unsafe { &(*self.ps[p].load(Relaxed)).inbox }
    }

    pub(super) fn parker(&self, p: usize) -> &Parker {
        unsafe { &(*self.ps[p].load(Relaxed)).parker }
    }

    /// Ms that sleep.
    pub fn sleeping_ms(&self) -> usize {
        let idle = self.idle.lock();
        idle.list.iter().chain(&idle.resting).filter(|&&p| self.started_m(p).load(Relaxed)).count()
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

impl Stopped<'_> {
    /// Changes the number of Ps that may run.
    pub fn resize(&self, n: usize) {
        let sched = self.sched;
        let n = n.clamp(1, MAX_PROCS);
        sched.ask_procs(n);
        sched.procs.store(n, SeqCst);
        sched.make_ps(n);
        for p in sched.ps() {
            // SAFETY: no P runs.
            let p = unsafe { &mut *p };
            p.look_soon = true;
            if sched.is_retired(p) {
                p.give_all();
                sched.stop_watching_timers(p.id);
            }
        }
        {
            let mut idle = sched.idle.lock();
            let sleeping: Vec<usize> =
                std::mem::take(&mut idle.list).into_iter().chain(idle.resting.drain(..)).collect();
            (idle.list, idle.resting) = sleeping.into_iter().partition(|&p| p < n);
            sched.idle_len.store(idle.list.len(), SeqCst);
        }
        // Somebody is to watch the timers, and to run what the retired ones had.
        sched.wake_for_global();
    }
}
