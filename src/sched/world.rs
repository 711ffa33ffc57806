//! Stopping the world.
//!
//! The stopper sets `stopping`, then waits until no other P is `Running`. A P sets `Running` first and looks at
//! `stopping` after (both sequentially consistent), so it cannot slip through. Running Ps look at every safepoint. There is
//! one stopper at a time, who holds `lock`; a P that would be a second one is stopped by the first instead of waiting for it.
use super::Sched;
use super::p::{P, PStatus};
use super::timer::Action;
use super::trace::{Event, Kind};
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct World {
    stopping: AtomicBool,
    lock: Mutex<()>,
    resume: (Mutex<()>, Condvar),
}

/// While this can be had, no G runs.
pub struct Stopped<'a> {
    pub(super) sched: &'a Sched,
}

/// Lets the world go on.
struct Resume<'a>(&'a Sched);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        let world = &self.0.world;
        self.0.note(Event::new(Kind::StopEnd));
        let _resume = world.resume.0.lock();
        world.stopping.store(false, SeqCst);
        world.resume.1.notify_all();
    }
}

impl Sched {
    #[inline(always)]
    pub fn stop_requested(&self) -> bool {
        self.world.stopping.load(Relaxed)
    }

    /// The run has ended: nobody waits for the world to go on.
    pub(super) fn resume_all(&self) {
        let _resume = self.world.resume.0.lock();
        self.world.resume.1.notify_all();
    }

    pub(super) fn set_running(&self, p: &mut P) {
        loop {
            p.status.store(PStatus::Running as u8, SeqCst);
            if !self.world.stopping.load(SeqCst) || self.done.load(SeqCst) {
                return;
            }
            self.wait_stopped(p);
        }
    }

    /// At a safepoint: waits until the world goes on.
    pub fn wait_stopped(&self, p: &mut P) {
        let world = &self.world;
        loop {
            p.status.store(PStatus::Stopped as u8, SeqCst);
            {
                let mut resume = world.resume.0.lock();
                while world.stopping.load(SeqCst) && !self.done.load(SeqCst) {
                    world.resume.1.wait(&mut resume);
                }
            }
            p.status.store(PStatus::Running as u8, SeqCst);
            // The next stop may have begun already, and have taken this P for stopped.
            if !world.stopping.load(SeqCst) || self.done.load(SeqCst) {
                return;
            }
        }
    }

    /// Stops all Ps from a thread without one, runs `f`, lets them go on. `false`: the run has ended.
    pub fn stop_from_outside(&self, f: impl FnOnce(&Stopped)) -> bool {
        let _guard = self.world.lock.lock();
        self.while_stopped(self.ps(), &|_| false, f).is_some()
    }

    /// As [`Sched::stop_from_outside`], unless `give_up` says so before all Ps have stopped. Returns how long they were
    /// stopped, with the time it took to stop them.
    pub fn stop_unless(&self, give_up: &dyn Fn() -> bool, f: impl FnOnce(&Stopped)) -> Option<Duration> {
        let _guard = loop {
            if give_up() {
                return None;
            }
            if let Some(guard) = self.world.lock.try_lock_for(Duration::from_millis(1)) {
                break guard;
            }
        };
        self.while_stopped(self.ps(), &|_| give_up(), f)
    }

    /// While `f` waits for something, the P counts as stopped.
    pub fn while_resting(&self, p: &mut P, f: impl FnOnce()) {
        p.status.store(PStatus::Stopped as u8, SeqCst);
        f();
        self.set_running(p);
    }

    /// Has a P call what a collection has found to be called.
    pub fn call_ready(&self) {
        self.timers.start(self.decide.now(), Action::CallReady);
        self.timer_added();
    }

    /// As [`Sched::stop_from_outside`], but gives up, `false`, when the Ps have not stopped in time: a native may run for long.
    pub fn stop_within(&self, patience: Duration, f: impl FnOnce(&Stopped)) -> bool {
        let until = Instant::now() + patience;
        let Some(_guard) = self.world.lock.try_lock_until(until) else { return false };
        self.while_stopped(self.ps(), &|tries| tries % 64 == 0 && Instant::now() >= until, f).is_some()
    }

    /// Has these Ps stop, runs `f`, lets them go on; returns how long that took. `None`: the run has ended, or `late` after
    /// so many tries. The caller holds the stop lock.
    fn while_stopped(&self, ps: Vec<*mut P>, late: &dyn Fn(u32) -> bool, f: impl FnOnce(&Stopped)) -> Option<Duration> {
        let start = Instant::now();
        self.note(Event::new(Kind::StopBegin));
        self.world.stopping.store(true, SeqCst);
        let mut tries = 0u32;
        let mut is_late = false;
        // SAFETY: the status is atomic.
        while ps.iter().any(|&p| unsafe { (*p).status.load(SeqCst) == PStatus::Running as u8 }) {
            tries += 1;
            if tries < 100 {
                std::hint::spin_loop()
            } else {
                std::thread::yield_now()
            }
            is_late = late(tries);
            if is_late || self.done.load(SeqCst) {
                break;
            }
        }
        // Also when `f` panics: that is to end the run, not to keep it.
        let _resume = Resume(self);
        let alive = !is_late && !self.done.load(SeqCst);
        if alive {
            f(&Stopped { sched: self });
        }
        let took = start.elapsed();
        if alive {
            self.stops.count(took);
        }
        alive.then_some(took)
    }

    /// Stops all other Ps, runs `f`, lets them go on; returns how long that took. `None`: another P was stopping the world;
    /// this one has waited for it instead.
    pub fn stop_the_world(&self, p: &mut P, f: impl FnOnce(&Stopped)) -> Option<Duration> {
        let Some(_guard) = self.world.lock.try_lock() else {
            // Somebody else is at it: be stopped.
            if self.world.stopping.load(SeqCst) {
                self.wait_stopped(p);
            } else {
                std::thread::yield_now();
            }
            return None;
        };
        let others = self.ps().into_iter().filter(|&o| o != p as *mut P).collect();
        // The run may have ended meanwhile: that ends this stop as well.
        Some(self.while_stopped(others, &|_| false, f).unwrap_or_default())
    }
}
