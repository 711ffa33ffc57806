//! Idle Ps: how an M that found nothing goes to sleep, and who wakes it. This file is modelled (`tests/loom`): what it needs of
//! the Ps and of the queues it asks through [`Ps`].
//!
//! # No lost wakeups
//! A P that goes idle (1) puts itself on the idle list under its lock, (2) issues a full fence, (3) looks at every queue
//! again. A waker from outside (jobs, signals) (1) pushes, (2) issues a full fence, (3) looks at the idle list. So one
//! of the two sees the other. A P that pushes to its own queue looks at the idle count without a fence: if it misses a
//! sleeper, the work is still its own, and the next safepoint looks again. Likewise a queue that is not worth
//! stealing from wakes nobody and is not seen by who is about to sleep: its P runs, and measures it at each safepoint.
//!
//! # Spinning
//! An M that looks for work is *spinning*; while one spins, nobody else is woken. A woken M spins. A spinning M that finds work
//! wakes the next if there may be more; one that finds none is counted off before the fence of (2). At most half of the busy Ps'
//! number spin. The count rises for an M that is to be woken only under the lock of the list and with a P in hand: a waker
//! that counted itself first and then found the list empty would for a moment keep others from waking who had just come to it.
//!
//! # Leaving
//! Whoever takes a P off the list, under its lock, decides who wakes its M: a waker, who has counted it as spinning
//! and says so through its [`Parker`], or the M itself. An M that wants to leave but is not on the list any more waits for its waker.
//!
//! # Deadlock
//! An M that has gone idle may find that all have, and, having looked at every queue, that nothing else can ready a G. Several may
//! at once; the first of them decides, and nobody else until it has acted on that. What is outside (jobs, pollers) is counted;
//! it is counted off after its G has been pushed, and then looks at the idle list like any waker, so that an M that went idle
//! before looks again. Rejected: that only the last to enter the list decides; a waker may rely on one that spun, which has
//! entered before and looks after.
use super::solo::Solo;
use crate::base::atomics::{AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, fence};
use std::sync::atomic::Ordering::*;

pub(super) const NOBODY: usize = usize::MAX;

/// What the protocol asks of the scheduler.
pub trait Ps {
    /// How many there are.
    fn made(&self) -> usize;
    /// How many may run: those before this one.
    fn procs(&self) -> usize;
    fn solo(&self, p: usize) -> &Solo;
    fn parker(&self, p: usize) -> &Parker;
    /// Whether the P's M has been started.
    fn started_m(&self, p: usize) -> &AtomicBool;
    /// Starts it. `false`: the system gives no thread.
    fn start_m(&self, p: usize) -> bool;
    /// Wakes the M that sleeps in the poller.
    fn notify_poller(&self);
    /// Something came that only this P may run.
    fn has_own(&self, p: usize) -> bool;
    /// There is work that any P may run.
    fn has_work(&self) -> bool;
    /// With all Ps idle, no G can ever run again. Looks at what is outside before it looks at queues.
    fn is_over(&self) -> bool;
}

/// Where a P's M sleeps.
#[derive(Default)]
pub struct Parker {
    pub(super) woken: Mutex<bool>,
    pub(super) condvar: Condvar,
    /// It sleeps in the netpoller; changed under the lock of `woken`.
    pub(super) in_poller: AtomicBool,
}

impl Parker {
    /// Sleeps until the M is woken or is to look again.
    pub fn sleep(&self, woken: &mut MutexGuard<bool>) {
        self.condvar.wait(woken);
    }
}

/// Ps whose Ms sleep or were never started.
struct Lists {
    /// They have nothing to run.
    idle: Vec<usize>,
    /// GOMAXPROCS is too low for them.
    resting: Vec<usize>,
    /// An M has decided that no G can ever run again, and acts on it.
    decided: bool,
    /// All others are here, and this P is solo; or `NOBODY`.
    solo: usize,
}

pub struct Idle {
    lists: Mutex<Lists>,
    /// Length of the list of idle Ps.
    len: AtomicUsize,
    spinning: AtomicUsize,
    /// The system lets us end a P's being solo; see `solo`.
    can_solo: AtomicBool,
}

impl Default for Idle {
    fn default() -> Idle {
        Idle {
            lists: Mutex::new(Lists { idle: Vec::new(), resting: Vec::new(), decided: false, solo: NOBODY }),
            len: AtomicUsize::new(0),
            spinning: AtomicUsize::new(0),
            can_solo: AtomicBool::new(true),
        }
    }
}

impl Idle {
    /// Idle Ps; a hint.
    pub fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Spinning Ms; a hint.
    pub fn spinning(&self) -> usize {
        self.spinning.load(Relaxed)
    }

    /// Calls `f` on each P that is idle or rests.
    pub fn each(&self, f: impl FnMut(&usize)) {
        let lists = self.lists.lock();
        lists.idle.iter().chain(&lists.resting).for_each(f);
    }

    // ---- going idle

    /// An M that found nothing: returns when it is to look again, with whether it is spinning. `None`: no G can ever run again;
    /// its P stays on the list, and unless the run ends it is to [go on](Idle::go_on). `doze` is called with the parker's lock; it sleeps until something may be new, and says whether
    /// the M has found by itself that it has something to do.
    pub fn go_idle(
        &self,
        ps: &impl Ps,
        p: usize,
        spinning: bool,
        doze: impl FnMut(&Parker, &mut MutexGuard<bool>) -> bool,
    ) -> Option<bool> {
        self.enter(ps, p);
        if spinning {
            self.end_spinning();
        }
        fence(SeqCst);
        let own = ps.has_own(p);
        if own || ps.has_work() {
            if own || p < ps.procs() {
                return Some(!self.leave_or_be_woken(ps, p));
            }
            self.wake_for_others(ps);
        }
        if self.is_deadlocked(ps) {
            return None;
        }
        Some(self.park(ps, p, doze))
    }

    /// The P's M is about to sleep, or does not run yet.
    pub fn enter(&self, ps: &impl Ps, p: usize) {
        let mut lists = self.lists.lock();
        if lists.solo == p {
            lists.solo = NOBODY;
            ps.solo(p).end_own();
        }
        if p < ps.procs() {
            lists.idle.push(p);
        } else {
            lists.resting.push(p);
        }
        self.len.store(lists.idle.len(), SeqCst);
    }

    /// Takes the P off the list; `false`: a waker has.
    pub fn leave(&self, ps: &impl Ps, p: usize) -> bool {
        let mut lists = self.lists.lock();
        if let Some(i) = lists.idle.iter().position(|&x| x == p) {
            lists.idle.swap_remove(i);
            self.len.store(lists.idle.len(), SeqCst);
        } else if let Some(i) = lists.resting.iter().position(|&x| x == p) {
            lists.resting.swap_remove(i);
        } else {
            return false;
        }
        self.joins(ps, &mut lists, p, None);
        true
    }

    /// Leaves the idle list, `true`, unless a waker has taken this P off it at the same moment: then its wake-up is
    /// awaited, since it makes this M the spinning one, and one that came later would be taken for another.
    fn leave_or_be_woken(&self, ps: &impl Ps, p: usize) -> bool {
        if self.leave(ps, p) {
            return true;
        }
        let parker = ps.parker(p);
        let mut woken = parker.woken.lock();
        while !*woken {
            parker.sleep(&mut woken);
        }
        *woken = false;
        false
    }

    /// The M that decided that no G can ever run again has done what follows from that. Returns as [`Idle::go_idle`].
    pub fn go_on(&self, ps: &impl Ps, p: usize) -> bool {
        self.lists.lock().decided = false;
        !self.leave_or_be_woken(ps, p)
    }

    /// Parks the M of a P on the list; returns whether it was woken as the spinning one (else it left the list by itself).
    pub fn park(&self, ps: &impl Ps, p: usize, mut doze: impl FnMut(&Parker, &mut MutexGuard<bool>) -> bool) -> bool {
        let parker = ps.parker(p);
        let mut woken = parker.woken.lock();
        while !*woken {
            if doze(parker, &mut woken) {
                drop(woken);
                return !self.leave_or_be_woken(ps, p);
            }
        }
        *woken = false;
        true
    }

    /// Looks under the lock, without which a P could meanwhile be woken and take the last G off its queue.
    fn is_deadlocked(&self, ps: &impl Ps) -> bool {
        let mut lists = self.lists.lock();
        let all = lists.idle.len() + lists.resting.len() == ps.made();
        let decides = all && !lists.decided && ps.is_over();
        lists.decided |= decides;
        decides
    }

    // ---- waking

    #[inline(always)]
    pub fn someone_should_wake(&self) -> bool {
        self.len.load(Relaxed) != 0 && self.spinning.load(Relaxed) == 0
    }

    /// By a waker from outside, after it has pushed.
    pub fn wake_for_others(&self, ps: &impl Ps) {
        fence(SeqCst);
        if self.len.load(SeqCst) != 0 {
            self.wake_one(ps, None);
        }
    }

    /// Something outside has pushed the last G that it readies; it is counted off before an M is woken, so that some M looks
    /// for a deadlock later.
    pub fn leave_outside(&self, ps: &impl Ps, count: &AtomicUsize) {
        count.fetch_sub(1, SeqCst);
        self.wake_for_others(ps);
    }

    /// Has another M look for work, unless one does. `by` is the P of the M that calls, if it has one.
    #[cold]
    #[inline(never)]
    pub fn wake_one(&self, ps: &impl Ps, by: Option<usize>) {
        while let Some(p) = self.take_to_wake(ps, by) {
            if self.wake(ps, p) || !self.prefer_started(ps) {
                return;
            }
        }
    }

    /// Takes a P off the idle list, whose M is from now on the spinning one.
    fn take_to_wake(&self, ps: &impl Ps, by: Option<usize>) -> Option<usize> {
        if self.spinning.load(SeqCst) != 0 {
            return None;
        }
        let mut lists = self.lists.lock();
        let &p = lists.idle.last()?;
        self.spinning.compare_exchange(0, 1, SeqCst, SeqCst).ok()?;
        lists.idle.pop();
        self.len.store(lists.idle.len(), SeqCst);
        self.joins(ps, &mut lists, p, by);
        Some(p)
    }

    /// Something came that only this P may run: its M is to look.
    pub fn wake_this(&self, ps: &impl Ps, p: usize) {
        fence(SeqCst);
        if self.leave(ps, p) {
            // As if it were woken to spin.
            self.spinning.fetch_add(1, SeqCst);
            self.wake(ps, p);
        }
    }

    /// Wakes the M of a P that was taken off the list. `false`: it has none, and there is no thread to be had; then its P is
    /// idle again.
    fn wake(&self, ps: &impl Ps, p: usize) -> bool {
        if !ps.started_m(p).swap(true, SeqCst) {
            let started = ps.start_m(p);
            if !started {
                ps.started_m(p).store(false, SeqCst);
                self.enter(ps, p);
                self.end_spinning();
            }
            return started;
        }
        let parker = ps.parker(p);
        let mut woken = parker.woken.lock();
        *woken = true;
        self.kick(ps, parker);
        true
    }

    /// After a thread could not be had: an M that has one is to be woken next. `false`: all of them run.
    #[cold]
    fn prefer_started(&self, ps: &impl Ps) -> bool {
        let mut lists = self.lists.lock();
        let started = lists.idle.iter().rposition(|&p| ps.started_m(p).load(SeqCst));
        if let Some(i) = started {
            let p = lists.idle.remove(i);
            lists.idle.push(p);
        }
        started.is_some()
    }

    /// Has a sleeping M look again. The caller holds the lock of `woken`.
    fn kick(&self, ps: &impl Ps, parker: &Parker) {
        if parker.in_poller.load(Relaxed) {
            ps.notify_poller();
        } else {
            parker.condvar.notify_one();
        }
    }

    /// Has this P's M look again, if it sleeps.
    pub fn have_it_look(&self, ps: &impl Ps, p: usize) {
        let parker = ps.parker(p);
        let _woken = parker.woken.lock();
        self.kick(ps, parker);
    }

    // ---- spinning

    /// An M without work may spin unless enough do.
    pub fn begin_spinning(&self, ps: &impl Ps) -> bool {
        let may = 2 * self.spinning.load(Relaxed) < ps.procs().saturating_sub(self.len.load(Relaxed));
        if may {
            self.spinning.fetch_add(1, SeqCst);
        }
        may
    }

    pub fn end_spinning(&self) {
        self.spinning.fetch_sub(1, SeqCst);
    }

    /// A spinning M has found work; `more` says whether there may be more.
    pub fn found(&self, ps: &impl Ps, more: impl FnOnce() -> bool) {
        self.end_spinning();
        if self.someone_should_wake() && more() {
            self.wake_one(ps, None);
        }
    }

    // ---- being solo

    /// A P has been taken off the idle list: whoever was solo is so no more.
    fn joins(&self, ps: &impl Ps, lists: &mut Lists, p: usize, by: Option<usize>) {
        let solo = std::mem::replace(&mut lists.solo, NOBODY);
        match by {
            _ if solo == NOBODY => self.begin_solo_locked(ps, lists, p),
            Some(by) if by == solo => ps.solo(by).end_own(),
            _ => ps.solo(solo).end(),
        }
    }

    /// The P is solo, if all others are idle.
    fn begin_solo_locked(&self, ps: &impl Ps, lists: &mut Lists, p: usize) {
        if lists.idle.len() + lists.resting.len() + 1 == ps.made() && self.can_solo.load(Relaxed) {
            lists.solo = p;
            ps.solo(p).begin();
        }
    }

    /// A running P finds that the others may all be idle.
    #[cold]
    #[inline(never)]
    pub fn begin_solo(&self, ps: &impl Ps, p: usize) {
        if let Some(mut lists) = self.lists.try_lock()
            && lists.solo == NOBODY
        {
            self.begin_solo_locked(ps, &mut lists, p);
        }
    }

    /// Nobody is solo from now on; whoever is stands at a safepoint, or has not begun.
    pub(super) fn forbid_solo(&self, ps: &impl Ps) {
        self.can_solo.store(false, SeqCst);
        let mut lists = self.lists.lock();
        let solo = std::mem::replace(&mut lists.solo, NOBODY);
        if solo != NOBODY {
            ps.solo(solo).end_own();
        }
    }

    // ---- GOMAXPROCS

    /// With the world stopped: the number of Ps that may run has changed.
    pub(super) fn resize(&self, procs: usize) {
        let mut lists = self.lists.lock();
        let sleeping: Vec<usize> = std::mem::take(&mut lists.idle).into_iter().chain(lists.resting.drain(..)).collect();
        (lists.idle, lists.resting) = sleeping.into_iter().partition(|&p| p < procs);
        self.len.store(lists.idle.len(), SeqCst);
    }
}
