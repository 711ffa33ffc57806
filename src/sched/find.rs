//! Finding work: how an M looks at all queues, timers and the network, spins, steals, and goes idle when there is nothing.
use super::Sched;
use super::g::G;
use super::p::{P, PStatus};
use super::timer::Action;
use super::trace::{Cause, Event, Kind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::time::Duration;

/// How often a spinning M looks at all queues, some microseconds in all.
const SPIN_ROUNDS: u32 = 30;

/// What an M that found nothing is to do.
pub enum Found {
    Run(*mut G),
    Done,
    /// No G can ever run again.
    Deadlock,
}

impl Sched {
    /// A preempted G of this P may go on at once: nothing else waits to run here.
    #[inline]
    pub fn nothing_waits(&self, p: &P) -> bool {
        p.has_no_next() && self.idle_soon(p)
    }

    /// The P has nothing of its own to run: a good moment to show buffered output.
    pub fn idle_soon(&self, p: &P) -> bool {
        p.runq.is_empty() && self.global_len() == 0
    }

    /// Runs due timers, and sees to the network if nobody else does.
    pub fn run_timers(&self, p: &mut P) {
        if self.bubbles.any() {
            self.settle(p);
        }
        if self.netpoll.waiting() != 0 && self.netpoll.is_due(self.decide.now()) {
            self.netpoll.poll(self, Some(Duration::ZERO)).ready_on(p, Cause::Net);
        }
        if self.timers.next() == i64::MAX {
            return;
        }
        let now = self.decide.now();
        while let Some(action) = self.timers.take_due(now) {
            self.act(p, action);
        }
    }

    /// Does what a timer is for.
    pub(super) fn act(&self, p: &mut P, action: Action) {
        p.note(Event::new(Kind::Timer));
        match action {
            // SAFETY: the timer was the G's wait queue.
            Action::Ready(g) => unsafe { p.ready_last(g, Cause::Timer) },
            Action::Start { closure, group, .. } => self.hooks().start_closure(p, closure, group),
            Action::Expire { shared, side, round } => shared.expire(side, round).ready_on(p, Cause::Timer),
            Action::CallReady => self.hooks().call_ready(p),
        }
    }

    /// Blocks until this P has a G to run. `fresh`: the M was just started or woken as the spinning one.
    pub fn find(&self, p: &mut P, fresh: bool) -> Found {
        let mut spinning = fresh;
        loop {
            self.set_running(p);
            if self.done.load(SeqCst) {
                return Found::Done;
            }
            if self.is_retired(p) {
                p.give_all();
                // Only this M may run those.
                let g = p.inbox.pop();
                if !g.is_null() {
                    if spinning {
                        self.idle.end_spinning();
                    }
                    p.slice();
                    return Found::Run(g);
                }
            } else if let Some(g) = self.look_for_work(p, &mut spinning) {
                return Found::Run(g);
            }
            if self.done.load(SeqCst) {
                return Found::Done;
            }
            // Those that others keep from looking now look later: whoever parks the last G of a bubble comes by here.
            if self.bubbles.any() && !self.is_retired(p) && self.settle(p) {
                continue;
            }
            p.status.store(PStatus::Idle as u8, SeqCst);
            p.note_idle();
            match self.go_idle(p.id, spinning) {
                Some(woken) => spinning = woken,
                None => return Found::Deadlock,
            }
            p.note(Event::new(Kind::Wake));
        }
    }

    /// One look at every queue. `spinning` stays set as long as the M found nothing.
    fn look_for_work(&self, p: &mut P, spinning: &mut bool) -> Option<*mut G> {
        p.look_at_clock();
        self.run_timers(p);
        let mut g = p.next_local();
        if g.is_null() {
            g = self.pop_global(p);
        }
        if g.is_null() && self.made() > 1 {
            if self.netpoll.waiting() != 0 {
                self.netpoll.poll(self, Some(Duration::ZERO)).ready_on(p, Cause::Net);
                g = p.next_local();
            }
        }
        if g.is_null() && self.made() > 1 {
            *spinning = *spinning || self.idle.begin_spinning(self);
            if *spinning {
                g = self.spin(p);
            }
        }
        if g.is_null() {
            return None;
        }
        if *spinning {
            self.idle.found(self, || self.global_len() > 0 || p.is_worth_stealing_from());
        }
        Some(g)
    }

    fn spin(&self, p: &mut P) -> *mut G {
        p.note_picks();
        for round in (0..SPIN_ROUNDS).rev() {
            let g = p.steal(round == 0);
            if !g.is_null() {
                return g;
            }
            if self.global_len() != 0 {
                let g = self.pop_global(p);
                if !g.is_null() {
                    return g;
                }
            }
            if self.done.load(Relaxed) || self.stop_requested() || self.timers.next() <= self.decide.now() {
                break;
            }
            for _ in 0..30 {
                std::hint::spin_loop();
            }
        }
        null_mut()
    }

    // ---- what others do for or with Ms that look for work

    #[inline(always)]
    pub fn someone_should_wake(&self) -> bool {
        self.idle.someone_should_wake()
    }

    /// Has another M look for work, unless one does. `by` is the P of the M that calls, if it has one.
    pub fn wake_one(&self, by: Option<&P>) {
        self.idle.wake_one(self, by.map(|p| p.id));
    }

    /// After the global queue has got Gs from somebody who will not run them.
    pub(super) fn wake_for_global(&self) {
        self.idle.wake_for_others(self);
    }

    /// Has this P's M look into its inbox.
    pub(super) fn wake_home(&self, p: usize) {
        self.idle.wake_this(self, p);
    }

    /// Something outside that was counted (`outside`, `jobs.in_flight`) will ready no more Gs than it has pushed.
    pub fn leave_outside(&self, count: &AtomicUsize) {
        self.idle.leave_outside(self, count);
    }

    /// A running P finds that the others may all be idle.
    pub(super) fn begin_solo(&self, p: &P) {
        self.idle.begin_solo(self, p.id);
    }

    pub fn spinning(&self) -> usize {
        self.idle.spinning()
    }

    pub fn idle_procs(&self) -> usize {
        self.idle.len()
    }
}
