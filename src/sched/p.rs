//! P: a logical processor. All of it but the run queue's shared ends belongs to its M.
use super::Sched;
use super::decide::Rng;
use super::g::{G, Status};
use super::idle::Parker;
use super::inbox::Inbox;
use super::runq::RunQueue;
use super::solo::Solo;
use super::trace::record::Recording;
use super::trace::{Cause, Event, Kind};
use super::wait::WaitReason;
use crate::base::limits::{BUDGET_INSTRUCTIONS, GLOBAL_QUEUE_TICK, HOSTILE};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::*};

/// What a P is doing, for stopping the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PStatus {
    Idle,
    Running,
    /// At a safepoint while the world is stopped.
    Stopped,
}

#[repr(C)]
pub struct P {
    /// The G that a running G readied last: runs next, within the same time slice.
    runnext: *mut G,
    /// Instructions the next G may run.
    pub budget: i64,
    /// Others mark: Gs are looked at before they run. The number of the collection.
    marking: bool,
    pub round: u16,
    /// Choices are seeded.
    pub seeded: bool,
    /// The waits of Gs are noted.
    notes_waits: bool,
    /// One of those, or it is recorded or retired: what is rare is asked for behind this one question.
    pub unusual: bool,
    tick: u32,
    pub id: usize,
    pub sched: *const Sched,
    free: *mut G,
    free_len: usize,
    next_id: u64,
    last_id: u64,
    pub rng: Rng,
    pub solo: Solo,
    pub runq: RunQueue,
    /// Gs that are locked to this P's M, brought by others: nobody steals them.
    pub inbox: Inbox,
    pub status: AtomicU8,
    /// Gs started and ended by this P: their sums over all Ps give the number alive.
    pub started: AtomicU64,
    pub ended: AtomicU64,
    pub picks: AtomicU64,
    pub steals: AtomicU64,
    /// Nanoseconds of the run, when this P last looked.
    pub clock_ns: i64,
    /// Instructions that a G ran, on the average, until it made way for the next.
    run_instructions: AtomicU64,
    /// `used` and `picks` when that was measured.
    measured: (u64, u64),
    /// Of all Ps, when this one began to look for something to steal.
    seen_picks: Vec<u64>,
    scratch: Vec<*mut G>,
    /// Of the hostile build, where each safepoint is reached: how many are left in this slice.
    pub safepoints_left: u32,
    /// Slices so far, the instructions of the last, and instructions used by those before.
    pub slices: u64,
    granted: i64,
    pub used: u64,
    /// Locks found taken in a slice; see [`super::crowd`].
    pub(super) fought: (u64, u32),
    /// The next safepoint is for what others ask of this P; the G then goes on.
    pub look_soon: bool,
    /// The running G was long without a safepoint: it had better come to the next one soon.
    pub late: bool,
    pub parker: Parker,
    /// Its M's thread has been started.
    pub started_m: AtomicBool,
    /// It writes down what it does.
    pub recording: Option<Box<Recording>>,
}

const HOSTILE_SAFEPOINTS: u32 = 1000;

/// Half a time slice: a queue that takes longer is shared with other Ps. In the hostile build any queue that is not empty is.
const STEAL_INSTRUCTIONS: u64 = if HOSTILE { 1 } else { BUDGET_INSTRUCTIONS as u64 / 2 };

/// Gs that run for less cost about as much to move as to run: more of them must wait.
const SHORT_RUN: u64 = 500;
const STEAL_SHORT: u64 = if HOSTILE { 1 } else { 3 * BUDGET_INSTRUCTIONS as u64 };

/// Dead Gs a P keeps before it gives half to the others.
const FREE_MAX: usize = 512;
const IDS_AT_ONCE: u64 = 16;

impl P {
    pub fn new(id: usize, sched: *const Sched, rng: Rng, seeded: bool) -> P {
        // SAFETY: the scheduler outlives its Ps.
        let trace = unsafe { (*sched).trace.as_ref() };
        P {
            runnext: null_mut(),
            budget: BUDGET_INSTRUCTIONS,
            marking: false,
            round: 0,
            seeded,
            notes_waits: false,
            unusual: seeded || trace.is_some(),
            tick: 0,
            id,
            sched,
            free: null_mut(),
            free_len: 0,
            next_id: 0,
            last_id: 0,
            rng,
            solo: Solo::shared(),
            runq: RunQueue::default(),
            inbox: Inbox::default(),
            status: AtomicU8::new(PStatus::Idle as u8),
            started: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            picks: AtomicU64::new(0),
            steals: AtomicU64::new(0),
            clock_ns: 0,
            run_instructions: AtomicU64::new(BUDGET_INSTRUCTIONS as u64),
            measured: (0, 0),
            seen_picks: Vec::new(),
            scratch: Vec::new(),
            safepoints_left: 0,
            slices: 0,
            granted: BUDGET_INSTRUCTIONS,
            used: 0,
            fought: (0, 0),
            look_soon: false,
            late: false,
            parker: Parker::default(),
            started_m: AtomicBool::new(id == 0),
            recording: trace.map(|t| Box::new(Recording::new(t))),
        }
    }

    #[inline(always)]
    pub fn sched(&self) -> &Sched {
        // SAFETY: the scheduler outlives its Ps.
        unsafe { &*self.sched }
    }

    /// Begins anew with all choices, if they follow from a seed.
    pub fn reseed(&mut self) {
        if let Some(rng) = self.sched().decide.reseed() {
            self.rng = rng;
            self.tick = 0;
        }
    }

    #[inline(always)]
    pub fn is_marking(&self) -> bool {
        self.marking
    }

    /// With the world stopped, or before it runs.
    pub fn set_marking(&mut self, on: bool) {
        self.marking = on;
        self.look_for_unusual();
    }

    /// To be called when something has changed that makes a P unusual.
    pub(super) fn look_for_unusual(&mut self) {
        self.unusual = self.marking
            || self.seeded
            || self.notes_waits
            || self.recording.is_some()
            || self.sched().is_retired(self);
    }

    /// Gs in its own queue.
    pub fn waiting(&self) -> usize {
        self.runq.len() + !self.has_no_next() as usize
    }

    pub fn has_no_next(&self) -> bool {
        self.runnext.is_null()
    }

    /// Instructions that this P has run, up to when its budget was last written.
    pub fn instructions(&self) -> u64 {
        self.used.wrapping_add(self.granted.wrapping_sub(self.budget) as u64)
    }

    /// A fresh time slice. Seeded runs vary it, so that seeds explore different interleavings.
    #[inline(always)]
    pub fn slice(&mut self) -> i64 {
        self.slices += 1;
        let slice = self.next_slice();
        self.used = self.instructions();
        self.granted = slice;
        self.budget = slice;
        slice
    }

    #[inline(always)]
    fn next_slice(&mut self) -> i64 {
        if HOSTILE {
            self.safepoints_left =
                HOSTILE_SAFEPOINTS + self.rng.below(if self.seeded { HOSTILE_SAFEPOINTS } else { 1 });
            // Programs that run long have shown enough.
            return if self.slices > 2000 { 10_000 } else { BUDGET_INSTRUCTIONS };
        }
        if self.seeded { 500 + self.rng.below(BUDGET_INSTRUCTIONS as u32) as i64 } else { BUDGET_INSTRUCTIONS }
    }

    /// Readies a G to run next, in the rest of this time slice.
    ///
    /// # Safety
    /// The G has just been taken off a wait queue or made by this M.
    #[inline(always)]
    pub unsafe fn ready(&mut self, g: *mut G) {
        if self.unusual {
            self.note_woken(g);
            self.note_ready(g, Cause::G);
            if self.seeded && self.rng.below(4) == 0 {
                unsafe { (*g).set_status(Status::Runnable) };
                return self.push(g);
            }
        }
        unsafe { (*g).set_status(Status::Runnable) };
        let old = std::mem::replace(&mut self.runnext, g);
        if !old.is_null() {
            self.push(old);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_woken(&mut self, g: *mut G) {
        let sched = self.sched;
        // SAFETY: the G is this M's; the scheduler outlives its Ps.
        if self.notes_waits && unsafe { (*g).status() } == Status::Waiting {
            unsafe { (*sched).hooks().woke(self, g) };
        }
    }

    /// Has the waits of Gs noted, or not.
    pub fn note_waits(&mut self, on: bool) {
        self.notes_waits = on;
        self.look_for_unusual();
    }

    /// Readies a G at the end of the local queue; the cause is recorded.
    ///
    /// # Safety
    /// As [`P::ready`].
    #[inline(always)]
    pub unsafe fn ready_last(&mut self, g: *mut G, cause: Cause) {
        if self.unusual {
            self.note_ready(g, cause);
        }
        unsafe { (*g).set_status(Status::Runnable) };
        self.push(g);
    }

    /// The running G is about to be put on a wait queue: marks it as waiting.
    ///
    /// # Safety
    /// The G runs here.
    #[inline(always)]
    pub unsafe fn park(&self, g: *mut G, reason: WaitReason) {
        if self.unusual {
            self.note_stop(g, Kind::Park, reason);
        }
        unsafe { (*g).set_waiting(reason, self.clock_ns) };
    }

    #[inline(always)]
    fn push(&mut self, g: *mut G) {
        if !self.runq.push(g) {
            self.overflow(g);
        }
        if self.sched().someone_should_wake() && self.is_worth_stealing_from() {
            self.sched().wake_one(Some(self));
        }
    }

    /// Whether those in the local queue would wait so long that another P had better run some of them. Gs that run only
    /// for moments talk to each other most of the time: on another P they would do nothing sooner, and fight for the
    /// channels they share.
    #[inline]
    pub fn is_worth_stealing_from(&self) -> bool {
        let each = self.run_instructions.load(Relaxed);
        let least = if each < SHORT_RUN { STEAL_SHORT } else { STEAL_INSTRUCTIONS };
        self.runq.len() as u64 * each >= least && !self.sched().is_crowded()
    }

    /// The running G is about to be long without a safepoint: what waits here had better run elsewhere, and somebody else
    /// see to timers and descriptors. Go's sysmon takes the P away from such a G, once it is late.
    #[cold]
    #[inline(never)]
    pub fn expect_long(&mut self) {
        if self.seeded {
            return;
        }
        self.late = true;
        if self.sched().procs() == 1 {
            return;
        }
        let next = std::mem::replace(&mut self.runnext, null_mut());
        if !next.is_null() {
            self.push(next);
        }
        if !self.runq.is_empty() {
            self.run_instructions.store(STEAL_INSTRUCTIONS, Relaxed);
        } else if !self.sched().is_unwatched() {
            return;
        }
        if self.sched().someone_should_wake() {
            self.sched().wake_one(Some(self));
        }
    }

    pub fn look_at_clock(&mut self) {
        self.clock_ns = self.sched().decide.now();
    }

    /// At safepoints, and now and then between Gs: takes the measure of what this P runs.
    pub fn measure(&mut self) {
        self.look_at_clock();
        let (used, picks) = (self.used.wrapping_sub(self.measured.0), self.picks.load(Relaxed) - self.measured.1);
        self.measured = (self.used, self.picks.load(Relaxed));
        self.run_instructions.store((used / picks.max(1)).max(1), Relaxed);
        if !self.solo.is_solo() && self.sched().idle_procs() + 1 >= self.sched().procs() {
            self.sched().begin_solo(self);
        }
    }

    /// The local queue is full: its older half and `g` go to the global queue.
    #[cold]
    #[inline(never)]
    fn overflow(&mut self, g: *mut G) {
        let mut half = std::mem::take(&mut self.scratch);
        self.runq.take_half(&mut half);
        half.push(g);
        self.put_global(&half);
        half.clear();
        self.scratch = half;
    }

    fn put_global(&self, gs: &[*mut G]) {
        self.sched().push_global_batch(gs);
        let by = self.sched().global_len() as u64;
        self.note(Event { by, n: gs.len() as u32, ..Event::new(Kind::GlobalPut) });
    }

    /// A G that makes way (`Preempt`, `Yield`) goes to the global queue's end, as Go's, when other Ps may want it; else to the local one's.
    ///
    /// # Safety
    /// The G's state is written back; it is not touched again by this M.
    #[inline(always)]
    pub unsafe fn requeue(&mut self, g: *mut G, kind: Kind) {
        if self.unusual {
            return self.requeue_unusual(g, kind);
        }
        self.put_last(g);
    }

    #[cold]
    #[inline(never)]
    fn requeue_unusual(&mut self, g: *mut G, kind: Kind) {
        self.note_stop(g, kind, WaitReason::None);
        self.put_last(g);
        if self.sched().is_retired(self) {
            self.give_all();
        }
    }

    #[inline(always)]
    fn put_last(&mut self, g: *mut G) {
        // SAFETY: the G is this M's.
        unsafe { (*g).set_status(Status::Runnable) };
        // runnext must not starve the others: its turn ends with the slice.
        let next = std::mem::replace(&mut self.runnext, null_mut());
        if !next.is_null() {
            self.push(next);
        }
        self.push(g);
    }

    /// Of a P that is to run nothing any more: all it has goes to the global queue.
    #[cold]
    #[inline(never)]
    pub fn give_all(&mut self) {
        let mut gs = std::mem::take(&mut self.scratch);
        let next = std::mem::replace(&mut self.runnext, null_mut());
        if !next.is_null() {
            gs.push(next);
        }
        loop {
            let g = self.runq.pop(&self.solo);
            if g.is_null() {
                break;
            }
            gs.push(g);
        }
        if !gs.is_empty() {
            self.put_global(&gs);
            self.sched().wake_for_global();
        }
        gs.clear();
        self.scratch = gs;
    }

    /// Whether a G may not run here: it is locked to another M.
    ///
    /// # Safety
    /// The G was taken off a queue.
    #[inline(always)]
    pub unsafe fn is_away(&self, g: *mut G) -> bool {
        let home = unsafe { (*g).home } as usize;
        home != 0 && home != self.id + 1
    }

    /// Takes a G that has got here to the P whose M it is locked to.
    ///
    /// # Safety
    /// The G was taken off a queue, and has another home.
    #[cold]
    #[inline(never)]
    pub unsafe fn send_home(&self, g: *mut G) {
        let home = unsafe { (*g).home } as usize - 1;
        // SAFETY: as above.
        self.note(Event { g: unsafe { (*g).id }, by: home as u64, ..Event::new(Kind::HandOff) });
        self.sched().inbox(home).push(g);
        self.sched().wake_home(home);
    }

    /// The next G of this P's own queues (and now and then the global one); null: look further.
    #[inline(always)]
    pub fn next_local(&mut self) -> *mut G {
        self.picks.store(self.picks.load(Relaxed).wrapping_add(1), Relaxed);
        let g = self.runnext;
        if !g.is_null() {
            self.runnext = null_mut();
            return g;
        }
        if !self.inbox.is_empty() {
            let g = self.inbox.pop();
            if !g.is_null() {
                self.slice();
                return g;
            }
        }
        self.tick = self.tick.wrapping_add(1);
        if self.tick % GLOBAL_QUEUE_TICK == 0 {
            let g = self.tick_work();
            if !g.is_null() {
                return g;
            }
        }
        self.slice();
        if self.look_soon {
            // Gs that park before their slices end must not keep the P from its safepoint.
            self.granted = 0;
            self.budget = 0;
        }
        if self.seeded {
            return self.next_seeded();
        }
        self.runq.pop(&self.solo)
    }

    /// Every 61st pick: timers, and the global queue first.
    #[cold]
    #[inline(never)]
    fn tick_work(&mut self) -> *mut G {
        self.measure();
        let sched = self.sched;
        // SAFETY: the scheduler outlives its Ps.
        unsafe { (*sched).run_timers(self) };
        let g = self.sched().pop_global(self);
        if !g.is_null() {
            self.slice();
        }
        self.look_soon = true;
        g
    }

    /// With a seed: sometimes the second in line first.
    #[cold]
    #[inline(never)]
    fn next_seeded(&mut self) -> *mut G {
        let g = self.runq.pop(&self.solo);
        if !g.is_null() && self.rng.below(4) == 0 {
            let second = self.runq.pop(&self.solo);
            if !second.is_null() {
                self.runq.push(g);
                return second;
            }
        }
        g
    }

    /// What the Ps have picked so far, for [`P::steal`].
    pub fn note_picks(&mut self) {
        self.seen_picks.clear();
        let sched = self.sched;
        // SAFETY: the scheduler outlives its Ps.
        self.seen_picks.extend(unsafe { &*sched }.picks());
    }

    /// Steals half of another P's queue, if that is worth it or, with `last`, its P has picked nothing since
    /// [`P::note_picks`]; returns one G of them.
    pub fn steal(&mut self, last: bool) -> *mut G {
        // SAFETY: the scheduler outlives its Ps.
        let sched = unsafe { &*self.sched };
        let n = sched.procs();
        let start = self.rng.below(n as u32) as usize;
        for i in 0..n {
            let victim = (start + i) % n;
            if victim == self.id {
                continue;
            }
            let stands = || last && !sched.is_crowded() && self.seen_picks.get(victim) == Some(&sched.picks_of(victim));
            if !sched.is_worth_stealing_from(victim) && !stands() {
                continue;
            }
            let mut taken = std::mem::take(&mut self.scratch);
            sched.with_queue(victim, |q| q.take_half(&mut taken));
            let stolen = taken.len() as u32;
            let g = taken.pop().unwrap_or(null_mut());
            for &other in &taken {
                if !self.runq.push(other) {
                    sched.push_global(other);
                }
            }
            taken.clear();
            self.scratch = taken;
            if !g.is_null() {
                self.steals.fetch_add(1, Relaxed);
                // SAFETY: taken off the victim's queue.
                let id = unsafe { (*g).id };
                self.note(Event { g: id, by: victim as u64, n: stolen, ..Event::new(Kind::Steal) });
                return g;
            }
        }
        null_mut()
    }

    /// A dead G to be made alive; null when there is no memory.
    #[inline(always)]
    pub fn take_free(&mut self) -> *mut G {
        let g = self.free;
        if g.is_null() {
            return self.refill();
        }
        // SAFETY: free Gs belong to the P.
        self.free = unsafe { (*g).link };
        self.free_len -= 1;
        g
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> *mut G {
        let chain = self.sched().take_free_gs();
        if chain.is_null() {
            return chain;
        }
        // SAFETY: the chain belongs to this P now.
        unsafe {
            self.free = (*chain).link;
            let mut n = 0;
            let mut g = self.free;
            while !g.is_null() {
                n += 1;
                g = (*g).link;
            }
            self.free_len = n;
        }
        chain
    }

    /// Takes a G that has ended.
    ///
    /// # Safety
    /// The G is not on any queue and nothing points to it.
    #[inline(always)]
    pub unsafe fn put_free(&mut self, g: *mut G) {
        unsafe {
            (*g).set_status(Status::Dead);
            (*g).link = self.free;
        }
        self.free = g;
        self.free_len += 1;
        if self.free_len >= FREE_MAX {
            self.spill();
        }
    }

    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        let head = self.free;
        let mut tail = head;
        // SAFETY: the chain has FREE_MAX Gs, all this P's.
        unsafe {
            for _ in 1..FREE_MAX / 2 {
                tail = (*tail).link;
            }
            self.free = (*tail).link;
            (*tail).link = null_mut();
        }
        self.free_len -= FREE_MAX / 2;
        self.sched().put_free_gs(head);
    }

    /// A number for a new G, never used before.
    #[inline(always)]
    pub fn new_id(&mut self) -> u64 {
        if self.next_id == self.last_id {
            self.next_id = self.sched().take_ids(IDS_AT_ONCE);
            self.last_id = self.next_id + IDS_AT_ONCE;
        }
        self.next_id += 1;
        self.next_id - 1
    }
}
