//! How an idle M sleeps: until it is woken, or, one of them, until the next timer or in the netpoller.
use super::Sched;
use super::g::Status;
use super::idle::{NOBODY, Parker};
use super::trace::Cause;
use crate::base::atomics::MutexGuard;
use std::sync::atomic::Ordering::*;
use std::time::{Duration, Instant};

/// The longest sleep until a timer: a bound against clock trouble, not a tick.
const LONGEST_NS: i64 = 3_600_000_000_000;

impl Sched {
    /// See [`Idle::go_idle`](super::idle::Idle::go_idle).
    pub(super) fn go_idle(&self, p: usize, spinning: bool) -> Option<bool> {
        let mut readied = false;
        let woken = self.idle.go_idle(self, p, spinning, |parker, woken| self.doze(p, parker, woken, &mut readied))?;
        if readied && !woken && self.global_len() > 1 && self.someone_should_wake() {
            self.wake_one(None);
        }
        Some(woken)
    }

    /// Sleeps until something may be new. `true`: there is something to do for this M, `readied`: on the global queue.
    fn doze(&self, p: usize, parker: &Parker, woken: &mut MutexGuard<bool>, readied: &mut bool) -> bool {
        if self.done.load(SeqCst) {
            return true;
        }
        let next = self.timers.next();
        let seeded = self.decide.seeded();
        if next != i64::MAX && seeded && self.jobs.in_flight.load(SeqCst) == 0 && self.netpoll.waiting() == 0 {
            self.decide.advance(next);
            return true;
        }
        let polls = self.netpoll.is_open();
        let watch = (next != i64::MAX || polls)
            && p < self.procs()
            && self.timer_sleeper.compare_exchange(NOBODY, p, SeqCst, SeqCst).is_ok();
        if !watch {
            parker.sleep(woken);
            return false;
        }
        let next = self.timers.next();
        let wait = Duration::from_nanos(next.saturating_sub(self.decide.now()).clamp(0, LONGEST_NS) as u64);
        if polls {
            parker.in_poller.store(true, Relaxed);
            *readied = MutexGuard::unlocked(woken, || self.sleep_in_poller((next != i64::MAX).then_some(wait)));
            parker.in_poller.store(false, Relaxed);
        } else if !wait.is_zero() {
            parker.condvar.wait_for(woken, wait);
        }
        let _ = self.timer_sleeper.compare_exchange(p, NOBODY, SeqCst, SeqCst);
        *readied || (!**woken && self.timers.next() <= self.decide.now())
    }

    /// Sleeps in the netpoller. `true`: there are Gs on the global queue for that.
    fn sleep_in_poller(&self, limit: Option<Duration>) -> bool {
        let seeded = self.decide.seeded();
        let mut taken = Default::default();
        if seeded {
            taken = self.netpoll.poll(self, Some(Duration::ZERO));
        }
        if taken.gs().is_empty() && limit != Some(Duration::ZERO) {
            let before = Instant::now();
            taken.readied(self);
            taken = self.netpoll.poll(self, limit);
            if seeded {
                // While the program waits for the world outside, its time is the world's.
                let passed = before.elapsed().min(limit.unwrap_or(Duration::MAX));
                self.decide.advance(self.decide.now().saturating_add(passed.as_nanos() as i64));
            }
        }
        let some = !taken.gs().is_empty();
        for &g in taken.gs() {
            // SAFETY: taken off what it waited on.
            unsafe {
                self.note_readied(g, Cause::Net);
                (*g).set_status(Status::Runnable);
            }
        }
        self.push_global_batch(taken.gs());
        taken.readied(self);
        some
    }

    /// No idle M sleeps until the next timer, or in the netpoller, though there is something to wait for.
    pub(super) fn is_unwatched(&self) -> bool {
        (self.timers.next() != i64::MAX || self.netpoll.waiting() != 0) && self.timer_sleeper.load(SeqCst) == NOBODY
    }

    /// Wakes the M that sleeps until the next timer, because there is an earlier one now.
    pub fn timer_added(&self) {
        let sleeper = self.timer_sleeper.load(SeqCst);
        if sleeper != NOBODY {
            self.have_it_look(sleeper);
        } else if self.someone_should_wake() {
            self.wake_one(None);
        }
    }

    /// If this P's M is the one that sleeps until the next timer, it is so no more.
    pub(super) fn stop_watching_timers(&self, p: usize) {
        if self.timer_sleeper.compare_exchange(p, NOBODY, SeqCst, SeqCst).is_ok() {
            // It sleeps until a timer that is now another's: let it look.
            self.have_it_look(p);
        }
    }

    /// Has this P's M look again, if it sleeps.
    pub(super) fn have_it_look(&self, p: usize) {
        self.idle.have_it_look(self, p);
    }

    /// For an M that was told of a deadlock and has reported it: whether it is now the spinning one.
    pub fn go_on(&self, p: usize) -> bool {
        self.idle.go_on(self, p)
    }
}
