//! What the Ps share: the global queue, idle Ps, waking and parking Ms, stopping the world, the end of a run.
//!
//! # No lost wakeups
//! A P that goes idle (1) puts itself on the idle list under its lock, (2) issues a full fence, (3) looks at every queue
//! again. A waker from outside (jobs, signals) (1) pushes, (2) issues a full fence, (3) looks at the idle list. So one
//! of the two sees the other. A P that pushes to its own queue looks at the idle count without a fence: if it misses a
//! sleeper, the work is still its own, and the next safepoint looks again. Likewise a queue that is not worth
//! stealing from wakes nobody and is not seen by who is about to sleep: its P runs, and measures it at each safepoint.
//!
//! # Spinning
//! An M that looks for work is *spinning*; while one spins, nobody else is woken. A spinning M that finds work wakes the
//! next if there may be more. At most half of the busy Ps' number spin.
//!
//! # Stopping the world
//! The stopper sets `stopping`, then waits until no other P is `Running`. A P sets `Running` first and looks at
//! `stopping` after (both sequentially consistent), so it cannot slip through. Running Ps look at every safepoint.
use super::bubble::Bubbles;
use super::decide::Decide;
use super::g::{G, Slabs, Status};
use super::jobs::Jobs;
use super::netpoll::Netpoll;
use super::p::{P, PStatus};
use super::stops::Stops;
use super::timer::{Action, Timers};
use crate::base::limits::{MAX_PROCS, RUN_QUEUE_CAPACITY};
use crossbeam_deque::{Injector, Steal};
use parking_lot::{Condvar, Mutex};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*, fence};
use std::time::{Duration, Instant};

/// How often a spinning M looks at all queues, some microseconds in all.
const SPIN_ROUNDS: u32 = 30;

/// What the interpreter does for the scheduler.
pub trait Hooks: Sync {
    /// Makes a runnable G that calls a closure, on the P's own queue.
    fn start_closure(&self, p: &mut P, closure: u64, group: u32);
    /// The M of a P that has not run yet is needed: start its thread. `false`: the system gives none.
    fn start_m(&self, p: usize) -> bool;
    /// Starts what a collection has found to be called, on the P's own queue.
    fn call_ready(&self, p: &mut P);
    /// Whether the G waits on channels of this group only.
    fn waits_on(&self, g: *mut G, group: u32) -> bool;
    /// Makes a P, which stays where it is until the run has ended.
    fn make_p(&self, id: usize) -> *mut P;
}

/// Where a P's M sleeps.
#[derive(Default)]
pub struct Parker {
    pub(super) woken: Mutex<bool>,
    pub(super) condvar: Condvar,
    /// It sleeps in the netpoller; changed under the lock of `woken`.
    in_poller: AtomicBool,
}

/// Ps whose Ms sleep or were never started.
pub(super) struct Idle {
    /// They have nothing to run.
    pub list: Vec<usize>,
    /// GOMAXPROCS is too low for them.
    pub resting: Vec<usize>,
    /// All others are here, and this P is solo; or `NOBODY`.
    pub solo: usize,
}

pub struct Sched {
    /// The Ps made so far; `MAX_PROCS` places.
    pub(super) ps: Vec<AtomicPtr<P>>,
    pub(super) made: AtomicUsize,
    /// The Ps that may run: those before this one.
    pub(super) procs: AtomicUsize,
    /// What GOMAXPROCS says.
    pub(super) asked: AtomicUsize,
    /// What it said at the start.
    pub cpus: usize,
    global: Injector<usize>,
    global_len: AtomicUsize,
    pub(super) idle: Mutex<Idle>,
    pub(super) idle_len: AtomicUsize,
    /// The system lets us end it; see `solo`.
    pub(super) can_solo: AtomicBool,
    spinning: AtomicUsize,
    /// The idle P whose M sleeps until the next timer.
    pub(super) timer_sleeper: AtomicUsize,
    stopping: AtomicBool,
    stop_lock: Mutex<()>,
    resume: (Mutex<u64>, Condvar),
    pub stops: Stops,
    pub done: AtomicBool,
    pub slabs: Slabs,
    free: Mutex<Vec<usize>>,
    ids: AtomicU64,
    pub timers: Timers,
    pub jobs: Jobs,
    pub netpoll: Netpoll,
    pub decide: Decide,
    /// The last number given to a group of Gs.
    pub groups: AtomicU32,
    pub bubbles: Bubbles,
    pub(super) hooks: std::sync::OnceLock<*const (dyn Hooks + 'static)>,
    /// Something from outside that may still ready a G (a signal handler, a poller).
    pub outside: AtomicUsize,
}

// SAFETY: Ps are reached through their shared parts only (see `runq`), or with the world stopped.
unsafe impl Send for Sched {}
unsafe impl Sync for Sched {}

pub(super) const NOBODY: usize = usize::MAX;

/// While this can be had, no G runs.
pub struct Stopped<'a> {
    pub(super) sched: &'a Sched,
}

/// Lets the world go on.
struct Resume<'a>(&'a Sched);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        let _epoch = self.0.resume.0.lock();
        self.0.stopping.store(false, SeqCst);
        self.0.resume.1.notify_all();
    }
}

/// What an M that found nothing is to do.
pub enum Found {
    Run(*mut G),
    Done,
    /// No G can ever run again.
    Deadlock,
}

impl Sched {
    /// `asked`: what GOMAXPROCS says; with a seed it is the program's business only.
    pub fn new(asked: usize, decide: Decide) -> Sched {
        let asked = asked.clamp(1, MAX_PROCS);
        let procs = if decide.seeded() { 1 } else { asked };
        Sched {
            ps: (0..MAX_PROCS).map(|_| Default::default()).collect(),
            made: AtomicUsize::new(0),
            procs: AtomicUsize::new(procs),
            asked: AtomicUsize::new(asked),
            cpus: asked,
            global: Injector::new(),
            global_len: AtomicUsize::new(0),
            idle: Mutex::new(Idle { list: Vec::new(), resting: Vec::new(), solo: NOBODY }),
            can_solo: AtomicBool::new(true),
            idle_len: AtomicUsize::new(0),
            spinning: AtomicUsize::new(0),
            timer_sleeper: AtomicUsize::new(NOBODY),
            stopping: AtomicBool::new(false),
            stop_lock: Mutex::new(()),
            resume: (Mutex::new(0), Condvar::new()),
            stops: Stops::default(),
            done: AtomicBool::new(false),
            slabs: Slabs::default(),
            free: Mutex::new(Vec::new()),
            ids: AtomicU64::new(1),
            timers: Timers::default(),
            jobs: Jobs::default(),
            netpoll: Netpoll::default(),
            decide,
            groups: AtomicU32::new(0),
            bubbles: Bubbles::default(),
            hooks: std::sync::OnceLock::new(),
            outside: AtomicUsize::new(0),
        }
    }

    pub(super) fn hooks(&self) -> &dyn Hooks {
        // SAFETY: attached before anything runs, outlives us.
        unsafe { &**self.hooks.get().expect("attached") }
    }

    // ---- Gs

    pub fn take_free_gs(&self) -> *mut G {
        if let Some(chain) = self.free.lock().pop() {
            return chain as *mut G;
        }
        self.slabs.take(64)
    }

    pub fn put_free_gs(&self, chain: *mut G) {
        self.free.lock().push(chain as usize);
    }

    pub fn take_ids(&self, n: u64) -> u64 {
        self.ids.fetch_add(n, Relaxed)
    }

    // ---- the global queue

    pub fn push_global(&self, g: *mut G) {
        self.push_global_batch(&[g]);
    }

    /// An entry of the global queue is a chain of Gs: they come in lots, and go so.
    pub fn push_global_batch(&self, gs: &[*mut G]) {
        for lot in gs.chunks(RUN_QUEUE_CAPACITY / 2) {
            self.global_len.fetch_add(lot.len(), SeqCst);
            let chain = lot.iter().rev().fold(null_mut(), |next, &g| {
                // SAFETY: who puts Gs on a queue owns them.
                unsafe { (*g).link = next };
                g
            });
            self.global.push(chain as usize);
        }
    }

    /// The first G of the global queue; those it is chained to go to the P's own, as far as that is not half full.
    #[inline]
    pub fn pop_global(&self, p: &P) -> *mut G {
        if self.global_len.load(Relaxed) == 0 { null_mut() } else { self.pop_chain(p) }
    }

    #[cold]
    #[inline(never)]
    fn pop_chain(&self, p: &P) -> *mut G {
        let first = loop {
            match self.global.steal() {
                Steal::Success(g) => break g as *mut G,
                Steal::Empty => return null_mut(),
                Steal::Retry => std::hint::spin_loop(),
            }
        };
        let mut taken = 1;
        // SAFETY: a chain belongs to whoever took it off; a G on another queue is not touched again.
        unsafe {
            let mut g = (*first).link;
            while !g.is_null() {
                let next = (*g).link;
                if p.runq.len() >= RUN_QUEUE_CAPACITY / 2 || !p.runq.push(g) {
                    self.global.push(g as usize);
                    break;
                }
                taken += 1;
                g = next;
            }
        }
        self.global_len.fetch_sub(taken, SeqCst);
        first
    }

    pub fn global_len(&self) -> usize {
        self.global_len.load(Relaxed)
    }

    /// Readies a G from a thread without a P, which has counted it among those that something outside may ready. It is
    /// counted off before an M is woken, so that some M looks for a deadlock later.
    ///
    /// # Safety
    /// The caller has taken the G off what it waited on.
    pub unsafe fn ready_outside(&self, g: *mut G, count: &AtomicUsize) {
        unsafe { (*g).set_status(Status::Runnable) };
        self.push_global(g);
        count.fetch_sub(1, SeqCst);
        self.wake_for_global();
    }

    /// After the global queue has got Gs from somebody who will not run them.
    pub(super) fn wake_for_global(&self) {
        fence(SeqCst);
        if self.idle_len.load(SeqCst) != 0 {
            self.wake_one(None);
        }
    }

    // ---- waking

    #[inline(always)]
    pub fn someone_should_wake(&self) -> bool {
        self.idle_len.load(Relaxed) != 0 && self.spinning.load(Relaxed) == 0
    }

    /// Has another M look for work, unless one does. `by` is the P of the M that calls, if it has one.
    #[cold]
    #[inline(never)]
    pub fn wake_one(&self, by: Option<&P>) {
        if self.spinning.compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
            return;
        }
        let p = {
            let mut idle = self.idle.lock();
            let p = idle.list.pop();
            self.idle_len.store(idle.list.len(), SeqCst);
            if let Some(p) = p {
                self.joins(&mut idle, p, by);
            }
            p
        };
        // The woken M is the spinning one.
        match p {
            Some(p) => self.wake(p),
            None => {
                self.spinning.fetch_sub(1, SeqCst);
            }
        }
    }

    /// Has this P's M look into its inbox.
    pub(super) fn wake_home(&self, p: usize) {
        fence(SeqCst);
        if self.leave_idle(p) {
            // As if it were woken to spin.
            self.spinning.fetch_add(1, SeqCst);
            self.wake(p);
        }
    }

    fn wake(&self, p: usize) {
        if !self.started_m(p).swap(true, SeqCst) {
            if !self.hooks().start_m(p) {
                // No thread to be had: the P stays idle, the others go on.
                self.started_m(p).store(false, SeqCst);
                self.enter_idle(p);
                self.spinning.fetch_sub(1, SeqCst);
            }
            return;
        }
        let parker = self.parker(p);
        let mut woken = parker.woken.lock();
        *woken = true;
        self.kick(parker);
    }

    /// Has a sleeping M look again. The caller holds the lock of `woken`.
    fn kick(&self, parker: &Parker) {
        if parker.in_poller.load(Relaxed) {
            self.netpoll.notify();
        } else {
            parker.condvar.notify_one();
        }
    }

    /// Has this P's M look again, if it sleeps.
    pub(super) fn have_it_look(&self, p: usize) {
        let parker = self.parker(p);
        let _woken = parker.woken.lock();
        self.kick(parker);
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

    /// Ends the run: every M returns as soon as it looks.
    pub fn finish(&self) {
        self.done.store(true, SeqCst);
        for p in 0..self.made() {
            self.have_it_look(p);
        }
        let _epoch = self.resume.0.lock();
        self.resume.1.notify_all();
    }

    // ---- finding work

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
            self.netpoll.poll(self, Some(Duration::ZERO)).ready_on(p);
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
        match action {
            // SAFETY: the timer was the G's wait queue.
            Action::Ready(g) => unsafe { p.ready_last(g) },
            Action::Start { closure, group, .. } => self.hooks().start_closure(p, closure, group),
            Action::Expire { shared, side, round } => shared.expire(side, round).ready_on(p),
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
                        self.spinning.fetch_sub(1, SeqCst);
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
            // Nothing: go idle, then look again (see the file's head).
            p.status.store(PStatus::Idle as u8, SeqCst);
            self.enter_idle(p.id);
            if spinning {
                self.spinning.fetch_sub(1, SeqCst);
            }
            fence(SeqCst);
            if self.work_anywhere() || !p.inbox.is_empty() {
                if !self.is_retired(p) || !p.inbox.is_empty() {
                    spinning = !self.leave_idle_or_be_woken(p.id);
                    continue;
                }
                self.wake_for_global();
            }
            if self.is_deadlocked() {
                return Found::Deadlock;
            }
            spinning = self.park(p);
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
                self.netpoll.poll(self, Some(Duration::ZERO)).ready_on(p);
                g = p.next_local();
            }
        }
        if g.is_null() && self.made() > 1 {
            if !*spinning && 2 * self.spinning.load(Relaxed) < self.procs().saturating_sub(self.idle_len.load(Relaxed))
            {
                *spinning = true;
                self.spinning.fetch_add(1, SeqCst);
            }
            if *spinning {
                g = self.spin(p);
            }
        }
        if !g.is_null() {
            if *spinning {
                self.spinning.fetch_sub(1, SeqCst);
                if self.someone_should_wake() && (self.global_len() > 0 || p.is_worth_stealing_from()) {
                    self.wake_one(None);
                }
            }
            return Some(g);
        }
        None
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
            if self.done.load(Relaxed) || self.stopping.load(Relaxed) || self.timers.next() <= self.decide.now() {
                break;
            }
            for _ in 0..30 {
                std::hint::spin_loop();
            }
        }
        null_mut()
    }

    fn work_anywhere(&self) -> bool {
        self.global_len.load(SeqCst) != 0
            || self.done.load(SeqCst)
            || (0..self.made()).any(|p| self.is_worth_stealing_from(p))
            || (self.timers.next() != i64::MAX && self.timers.next() <= self.decide.now())
    }

    /// The P's M is about to sleep, or does not run yet.
    pub(super) fn enter_idle(&self, p: usize) {
        let mut idle = self.idle.lock();
        if idle.solo == p {
            idle.solo = NOBODY;
            self.solo(p).end_own();
        }
        if p < self.procs() {
            idle.list.push(p);
        } else {
            idle.resting.push(p);
        }
        self.idle_len.store(idle.list.len(), SeqCst);
    }

    fn leave_idle(&self, p: usize) -> bool {
        let mut idle = self.idle.lock();
        if let Some(i) = idle.list.iter().position(|&x| x == p) {
            idle.list.swap_remove(i);
            self.idle_len.store(idle.list.len(), SeqCst);
        } else if let Some(i) = idle.resting.iter().position(|&x| x == p) {
            idle.resting.swap_remove(i);
        } else {
            return false;
        }
        self.joins(&mut idle, p, None);
        true
    }

    /// A P has been taken off the idle list: whoever was solo is so no more.
    fn joins(&self, idle: &mut Idle, p: usize, by: Option<&P>) {
        let solo = std::mem::replace(&mut idle.solo, NOBODY);
        match by {
            _ if solo == NOBODY => self.begin_solo_locked(idle, p),
            Some(by) if by.id == solo => by.solo.end_own(),
            _ => self.solo(solo).end(),
        }
    }

    /// The P is solo, if all others are idle.
    pub(super) fn begin_solo_locked(&self, idle: &mut Idle, p: usize) {
        if idle.list.len() + idle.resting.len() + 1 == self.made() && self.can_solo.load(Relaxed) {
            idle.solo = p;
            self.solo(p).begin();
        }
    }

    /// A running P finds that the others may all be idle.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_solo(&self, p: &P) {
        if let Some(mut idle) = self.idle.try_lock()
            && idle.solo == NOBODY
        {
            self.begin_solo_locked(&mut idle, p.id);
        }
    }

    /// Leaves the idle list, `true`, unless a waker has taken this P off it at the same moment: then its wake-up is
    /// awaited, since it makes this M the spinning one, and one that came later would be taken for another.
    pub fn leave_idle_or_be_woken(&self, p: usize) -> bool {
        if self.leave_idle(p) {
            return true;
        }
        let parker = self.parker(p);
        let mut woken = parker.woken.lock();
        while !*woken {
            parker.condvar.wait(&mut woken);
        }
        *woken = false;
        false
    }

    /// Parks the M; returns whether it was woken as the spinning one (else it left the idle list by itself).
    fn park(&self, p: &mut P) -> bool {
        let parker = self.parker(p.id);
        let mut woken = parker.woken.lock();
        loop {
            if *woken {
                *woken = false;
                return true;
            }
            if self.done.load(SeqCst) {
                drop(woken);
                return !self.leave_idle_or_be_woken(p.id);
            }
            let next = self.timers.next();
            let seeded = self.decide.seeded();
            if next != i64::MAX && seeded && self.jobs.in_flight.load(SeqCst) == 0 && self.netpoll.waiting() == 0 {
                self.decide.advance(next);
                drop(woken);
                return !self.leave_idle_or_be_woken(p.id);
            }
            let polls = self.netpoll.is_open();
            let watch = (next != i64::MAX || polls)
                && !self.is_retired(p)
                && self.timer_sleeper.compare_exchange(NOBODY, p.id, SeqCst, SeqCst).is_ok();
            if watch {
                let next = self.timers.next();
                let wait = next.saturating_sub(self.decide.now());
                // At most an hour at once: a bound against clock trouble, not a tick.
                let wait = Duration::from_nanos(wait.clamp(0, 3_600_000_000_000) as u64);
                let mut readied = false;
                if polls {
                    parker.in_poller.store(true, Relaxed);
                    drop(woken);
                    readied = self.sleep_in_poller((next != i64::MAX).then_some(wait));
                    woken = parker.woken.lock();
                    parker.in_poller.store(false, Relaxed);
                } else if !wait.is_zero() {
                    parker.condvar.wait_for(&mut woken, wait);
                }
                let _ = self.timer_sleeper.compare_exchange(p.id, NOBODY, SeqCst, SeqCst);
                if readied {
                    drop(woken);
                    let woken = !self.leave_idle_or_be_woken(p.id);
                    if !woken && self.global_len() > 1 && self.someone_should_wake() {
                        self.wake_one(None);
                    }
                    return woken;
                }
                if !*woken && self.timers.next() <= self.decide.now() {
                    drop(woken);
                    if self.leave_idle(p.id) {
                        return false;
                    }
                    woken = parker.woken.lock();
                }
            } else {
                parker.condvar.wait(&mut woken);
            }
        }
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
            unsafe { (*g).set_status(Status::Runnable) };
        }
        self.push_global_batch(taken.gs());
        taken.readied(self);
        some
    }

    /// All Ps are idle and nothing from outside can ready a G.
    fn is_deadlocked(&self) -> bool {
        let idle = self.idle.lock();
        idle.list.len() + idle.resting.len() == self.made()
            && self.timers.is_empty()
            && self.jobs.in_flight.load(SeqCst) == 0
            && self.outside.load(SeqCst) == 0
            && self.global_len.load(SeqCst) == 0
            && (0..self.made()).all(|p| self.with_queue(p, |q| q.is_empty()) && self.inbox(p).is_empty())
            && !self.done.load(SeqCst)
    }

    // ---- stopping the world

    #[inline(always)]
    pub fn stop_requested(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    pub fn spinning(&self) -> usize {
        self.spinning.load(Relaxed)
    }

    pub fn idle_procs(&self) -> usize {
        self.idle_len.load(Relaxed)
    }

    fn set_running(&self, p: &mut P) {
        loop {
            p.status.store(PStatus::Running as u8, SeqCst);
            if !self.stopping.load(SeqCst) || self.done.load(SeqCst) {
                return;
            }
            self.wait_stopped(p);
        }
    }

    /// At a safepoint: waits until the world goes on.
    pub fn wait_stopped(&self, p: &mut P) {
        loop {
            p.status.store(PStatus::Stopped as u8, SeqCst);
            {
                let mut epoch = self.resume.0.lock();
                while self.stopping.load(SeqCst) && !self.done.load(SeqCst) {
                    self.resume.1.wait(&mut epoch);
                }
            }
            p.status.store(PStatus::Running as u8, SeqCst);
            // The next stop may have begun already, and have taken this P for stopped.
            if !self.stopping.load(SeqCst) || self.done.load(SeqCst) {
                return;
            }
        }
    }

    /// Stops all Ps from a thread without one, runs `f`, lets them go on. `false`: the run has ended.
    pub fn stop_from_outside(&self, f: impl FnOnce(&Stopped)) -> bool {
        let _guard = self.stop_lock.lock();
        self.while_stopped(self.ps(), &|_| false, f).is_some()
    }

    /// As [`Sched::stop_from_outside`], unless `give_up` says so before all Ps have stopped. Returns how long they were
    /// stopped, with the time it took to stop them.
    pub fn stop_unless(&self, give_up: &dyn Fn() -> bool, f: impl FnOnce(&Stopped)) -> Option<Duration> {
        let _guard = loop {
            if give_up() {
                return None;
            }
            if let Some(guard) = self.stop_lock.try_lock_for(Duration::from_millis(1)) {
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
        let Some(_guard) = self.stop_lock.try_lock_until(until) else { return false };
        self.while_stopped(self.ps(), &|tries| tries % 64 == 0 && Instant::now() >= until, f).is_some()
    }

    /// Has these Ps stop, runs `f`, lets them go on; returns how long that took. `None`: the run has ended, or `late` after
    /// so many tries. The caller holds the stop lock.
    fn while_stopped(&self, ps: Vec<*mut P>, late: &dyn Fn(u32) -> bool, f: impl FnOnce(&Stopped)) -> Option<Duration> {
        let start = Instant::now();
        self.stopping.store(true, SeqCst);
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
        let Some(_guard) = self.stop_lock.try_lock() else {
            // Somebody else is at it: be stopped.
            if self.stopping.load(SeqCst) {
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
