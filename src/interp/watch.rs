//! A thread beside the run, when something is to be done at certain times: its time limit, lines about the scheduler,
//! looking for partial deadlocks. And what others ask of a run from outside: to show its goroutines and end.
use super::ctx::Rt;
use super::{limits, roots, traceback};
use crate::sched::g::Status;
use crate::sched::p::PStatus;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::{Duration, Instant};

/// What a run tells about itself while it goes on.
#[derive(Clone, Copy, Default, Debug)]
pub struct WatchOptions {
    /// Print the scheduler's state so often, to standard error.
    pub trace_every: Option<Duration>,
    /// With a line for each P, M and G.
    pub trace_detail: bool,
    /// End the run as soon as a collection finds goroutines that can never run again.
    pub early_deadlock: bool,
}

/// A collection that looks for partial deadlocks is made so often at least...
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// ...unless that would take more than one part of this.
const LOOK_SHARE: u32 = 20;

/// How long a goroutine that runs may say where it was when the time is over.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How long a dump waits for Ps that are in natives.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the run needs the thread.
pub fn is_needed(rt: &Rt) -> bool {
    rt.limits.options.time.is_some() || rt.watch.trace_every.is_some() || looks(rt)
}

/// With a seed a collection comes where the program makes it come.
fn looks(rt: &Rt) -> bool {
    rt.watch.early_deadlock && !rt.sched.decide.seeded()
}

/// Does what is to be done until the run ends.
pub fn watch(rt: &Rt, ended: &Receiver<()>) {
    let mut limit = rt.limits.options.time.and_then(|t| rt.started.checked_add(t));
    let mut late = None;
    let mut trace = rt.watch.trace_every.map(|_| rt.started);
    let mut look = looks(rt).then(|| rt.started + LOOK_EVERY);
    while let Some(next) = [limit, late, trace, look].into_iter().flatten().min() {
        if ended.recv_deadline(next) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(trace) {
            print_trace(rt);
            trace = rt.watch.trace_every.map(|t| now + t);
        }
        if due(look) {
            rt.sched.stop_within(LOOK_EVERY, |_| {
                // SAFETY: the world is stopped.
                unsafe { roots::collect_stopped(rt) };
            });
            look = Some(Instant::now() + LOOK_EVERY.max(now.elapsed() * LOOK_SHARE));
        }
        if due(limit) {
            limits::run_is_late(rt);
            (limit, late) = (None, Some(now + LAST_WORDS));
        }
        if due(late) {
            limits::end_late(rt);
            return;
        }
    }
}

/// A run as others see it: nothing is done when it has ended or has not begun.
#[derive(Clone, Default)]
pub struct Handle(Arc<Mutex<Option<usize>>>);

impl Handle {
    /// # Safety
    /// The `Rt` lives until [`Handle::forget`].
    pub unsafe fn set(&self, rt: &Rt) {
        *self.0.lock() = Some(rt as *const Rt as usize);
    }

    /// Waits for whoever is looking at the run.
    pub fn forget(&self) {
        *self.0.lock() = None;
    }

    /// The run is ended from outside: writes the profiles that it was asked for.
    pub fn write_profiles(&self) {
        if let Some(rt) = *self.0.lock() {
            // SAFETY: as `set` says; the lock is held.
            crate::value::profiles::finish(&unsafe { &*(rt as *const Rt) }.env);
        }
    }

    /// Calls `f` with the run, if there is one and nobody else is at it: who looks on does not wait.
    pub(super) fn with<R>(&self, f: impl FnOnce(&Rt) -> R) -> Option<R> {
        let rt = self.0.try_lock()?;
        // SAFETY: as `set` says; the lock is held.
        rt.map(|rt| f(unsafe { &*(rt as *const Rt) }))
    }

    /// SIGQUIT: all goroutines are printed, then the run ends with status 2. `false`: there is no run.
    pub fn quit(&self) -> bool {
        let rt = self.0.lock();
        let Some(rt) = *rt else { return false };
        // SAFETY: as `set` says; the lock is held.
        let rt = unsafe { &*(rt as *const Rt) };
        let mut out = b"SIGQUIT: quit\n\n".to_vec();
        let head = out.len();
        rt.sched.stop_within(PATIENCE, |_| {
            // SAFETY: the world is stopped.
            unsafe { traceback::all(rt, std::ptr::null_mut(), &mut out) };
            // Before the others go on: nothing is to be printed after this.
            rt.die(&out, 2);
        });
        if out.len() == head {
            out.extend_from_slice(b"(no tracebacks: a goroutine is in a native function that takes long)\n");
            rt.die(&out, 2);
        }
        true
    }
}

/// Go's `schedtrace` line, and with detail one for each P, M and G. The M of a P has its number.
fn print_trace(rt: &Rt) {
    let sched = &rt.sched;
    let mut text = format!(
        "SCHED {}ms: gomaxprocs={} idleprocs={} threads={} spinningthreads={} needspinning=0 idlethreads={} runqueue={}",
        rt.started.elapsed().as_millis(),
        sched.procs(),
        sched.idle_procs(),
        rt.threads.lock().len() + 1 + sched.jobs.threads(),
        sched.spinning(),
        sched.sleeping_ms() + sched.jobs.idle_threads(),
        sched.global_len(),
    );
    let ps: Vec<(bool, u64, usize)> = sched.ps()[..sched.procs()]
        .iter()
        .map(|&p| {
            // SAFETY: only atomics are read; Ps live as long as the run.
            let (status, picks) = unsafe { ((*p).status.load(Relaxed), (*p).picks.load(Relaxed)) };
            (status == PStatus::Running as u8, picks, unsafe { (*p).runq.len() })
        })
        .collect();
    if !rt.watch.trace_detail {
        let lens: String = ps.iter().map(|p| format!("{} ", p.2)).collect();
        let ticks: String = ps.iter().map(|p| format!("{} ", p.1)).collect();
        text.push_str(&format!(" [ {lens}] schedticks=[ {ticks}]\n"));
    } else {
        text.push_str(&format!(" gcwaiting={} nmidlelocked=0 stopwait=0 sysmonwait=false\n", sched.stop_requested()));
        for (i, &(running, picks, len)) in ps.iter().enumerate() {
            let (status, m) = if running { (1, i.to_string()) } else { (0, "nil".into()) };
            text.push_str(&format!(
                "  P{i}: status={status} schedtick={picks} syscalltick=0 m={m} runqsize={len} gfreecnt=0 timerslen=0\n"
            ));
        }
        let mut locked = vec![None; ps.len()];
        sched.slabs.each(&mut |g| {
            // SAFETY: as below.
            let (id, home) = unsafe { ((*g).id, (*g).home) };
            if let Some(m) = (home as usize).checked_sub(1).and_then(|m| locked.get_mut(m)) {
                m.get_or_insert(id);
            }
        });
        for (i, &(running, ..)) in ps.iter().enumerate().filter(|&(i, _)| sched.started_m(i).load(Relaxed)) {
            let p = if running { i.to_string() } else { "nil".into() };
            text.push_str(&format!(
                "  M{i}: p={p} curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked={} \
                 lockedg={}\n",
                !running,
                locked[i].map_or("nil".into(), |g| g.to_string()),
            ));
        }
        sched.slabs.each(&mut |g| {
            // SAFETY: a G's memory stays a G's; one that changes hands meanwhile may be told wrong, which a trace can bear.
            let (id, status, reason, home) = unsafe { ((*g).id, (*g).status(), (*g).wait_reason(), (*g).home) };
            let (number, reason) = match status {
                Status::Dead => return,
                Status::Runnable => (1, ""),
                Status::Running => (2, ""),
                Status::Waiting => (4, reason.text()),
            };
            let m = home.checked_sub(1).map_or("nil".into(), |m| m.to_string());
            text.push_str(&format!("  G{id}: status={number}({reason}) m=nil lockedm={m}\n"));
        });
    }
    let _ = rt.env.host.stderr(text.as_bytes());
}
