//! The scheduler: goroutines (G), logical processors (P) and the OS threads that run them (M), as in Go.
//!
//! A G is a header with a stack of slots; what the slots mean is the interpreter's business. A P holds a run queue and
//! belongs to one M for life; an M whose P has nothing to do looks for work elsewhere (`find`), then parks (`idle`, `park`).
//! Natives that block run on extra threads (`jobs`) while their G is parked, so no P is ever held up and none has to be
//! retaken: that is Go's hand-off with the thread, instead of the P, changing hands.
//!
//! Rejected: handing the P from M to M (each hand-off moves the hot state to another core, and nothing but blocking
//! natives needs it); counting Ms apart from Ps; freeing Ps when their number falls (others may be looking at them).
pub mod bubble;
mod crowd;
pub mod decide;
pub mod find;
pub mod g;
pub mod global;
pub mod idle;
pub mod inbox;
pub mod jobs;
pub mod netpoll;
pub mod p;
pub mod park;
pub mod procs;
pub mod runq;
pub mod solo;
pub mod stops;
pub mod timer;
pub mod trace;
pub mod wait;
pub mod world;

use crate::base::limits::MAX_PROCS;
use bubble::Bubbles;
use decide::Decide;
use g::{G, Slabs};
use global::Global;
use idle::{Idle, NOBODY};
use jobs::Jobs;
use netpoll::Netpoll;
use p::P;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, OnceLock};
use stops::Stops;
use timer::Timers;
use trace::record::{Trace, Wanted};
use world::World;

/// What the interpreter does for the scheduler.
pub trait Hooks: Sync {
    /// Makes a runnable G that calls a closure, on the P's own queue.
    fn start_closure(&self, p: &mut P, closure: u64, group: u32);
    /// The M of a P that has not run yet is needed: start its thread. `false`: the system gives none.
    fn start_m(&self, p: usize) -> bool;
    /// Starts what a collection has found to be called, on the P's own queue.
    fn call_ready(&self, p: &mut P);
    /// A G that has waited is about to be readied by the P, whose waits are noted.
    fn woke(&self, p: &mut P, g: *mut G);
    /// Whether the G waits on channels of this group only.
    fn waits_on(&self, g: *mut G, group: u32) -> bool;
    /// The code index at which the G stands, in the program's own text if it is called from there.
    fn place(&self, g: *mut G) -> u32;
    fn code_index(&self, pc: *const u64) -> u32;
    /// Makes a P, which stays where it is until the run has ended.
    fn make_p(&self, id: usize) -> *mut P;
}

/// What the Ps of a VM share. Its methods stand with what they are about.
pub struct Sched {
    /// The Ps made so far; `MAX_PROCS` places.
    ps: Vec<AtomicPtr<P>>,
    made: AtomicUsize,
    /// The Ps that may run: those before this one.
    procs: AtomicUsize,
    /// What GOMAXPROCS says.
    asked: AtomicUsize,
    /// What it said at the start.
    pub cpus: usize,
    global: Global,
    idle: Idle,
    /// The idle P whose M sleeps until the next timer.
    timer_sleeper: AtomicUsize,
    world: World,
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
    hooks: OnceLock<*const (dyn Hooks + 'static)>,
    /// Something from outside that may still ready a G (a signal handler, a poller).
    pub outside: AtomicUsize,
    crowd: crowd::Crowd,
    /// Who records what happens, if anybody does.
    pub trace: Option<Arc<Trace>>,
}

// SAFETY: Ps are reached through their shared parts only (see `runq`), or with the world stopped.
unsafe impl Send for Sched {}
unsafe impl Sync for Sched {}

impl Sched {
    /// `asked`: what GOMAXPROCS says; with a seed it is the program's business only. `wanted`: what is recorded.
    pub fn new(asked: usize, decide: Decide, wanted: Option<Wanted>) -> Sched {
        let asked = asked.clamp(1, MAX_PROCS);
        let procs = if decide.seeded() { 1 } else { asked };
        Sched {
            ps: (0..MAX_PROCS).map(|_| Default::default()).collect(),
            made: AtomicUsize::new(0),
            procs: AtomicUsize::new(procs),
            asked: AtomicUsize::new(asked),
            cpus: asked,
            global: Global::default(),
            idle: Idle::default(),
            timer_sleeper: AtomicUsize::new(NOBODY),
            world: World::default(),
            stops: Stops::default(),
            done: AtomicBool::new(false),
            slabs: Slabs::default(),
            free: Mutex::new(Vec::new()),
            ids: AtomicU64::new(1),
            timers: Timers::default(),
            jobs: Jobs::default(),
            netpoll: Netpoll::default(),
            trace: wanted.map(|w| Trace::new(w, decide.seeded(), decide.started())),
            decide,
            groups: AtomicU32::new(0),
            bubbles: Bubbles::default(),
            hooks: OnceLock::new(),
            outside: AtomicUsize::new(0),
            crowd: Default::default(),
        }
    }

    fn hooks(&self) -> &dyn Hooks {
        // SAFETY: attached before anything runs, outlives us.
        unsafe { &**self.hooks.get().expect("attached") }
    }

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

    /// Ends the run: every M returns as soon as it looks.
    pub fn finish(&self) {
        self.done.store(true, SeqCst);
        if let Some(steps) = self.trace.as_ref().and_then(|t| t.steps.as_ref()) {
            steps.open();
        }
        for p in 0..self.made() {
            self.have_it_look(p);
        }
        self.resume_all();
    }
}
