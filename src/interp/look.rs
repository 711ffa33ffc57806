//! A look at a run from outside, while it goes on: what a live view shows. Nobody is stopped for it, so numbers that are read one after the
//! other need not agree.
use super::ctx::Rt;
use super::watch::Handle;
use crate::sched::g::Status;
use crate::sched::p::PStatus;
use crate::sched::wait::WaitReason;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A P and its M, which have the same number.
pub struct PLook {
    /// The goroutine that runs, if this is recorded; 0: none.
    pub running: u64,
    pub is_idle: bool,
    pub queue: usize,
    pub ticks: u64,
    pub steals: u64,
    pub has_thread: bool,
}

pub struct Look {
    pub time: Duration,
    pub ps: Vec<PLook>,
    pub global: usize,
    pub spinning: usize,
    pub sleeping_ms: usize,
    /// Threads for blocking calls, and how many of them have nothing to do.
    pub job_threads: (usize, usize),
    pub running: usize,
    pub ready: usize,
    /// Goroutines that wait, by reason, the most first.
    pub waiting: Vec<(&'static str, usize)>,
    pub heap_bytes: u64,
    pub next_collection: u64,
    pub collections: u64,
}

impl Handle {
    /// `None`: there is no run, or none any more.
    pub fn look(&self) -> Option<Look> {
        self.with(look)
    }
}

fn look(rt: &Rt) -> Look {
    let sched = &rt.sched;
    let ps = sched.ps().into_iter().take(sched.procs()).enumerate().map(|(i, p)| {
        // SAFETY: only what is atomic is read; Ps live as long as the run.
        unsafe {
            PLook {
                running: (*p).recording.as_ref().map_or(0, |r| r.running_id()),
                is_idle: (*p).status.load(Relaxed) == PStatus::Idle as u8,
                queue: (*p).runq.len(),
                ticks: (*p).picks.load(Relaxed),
                steals: (*p).steals.load(Relaxed),
                has_thread: sched.started_m(i).load(Relaxed),
            }
        }
    });
    let (mut running, mut ready) = (0, 0);
    let mut waiting: BTreeMap<u8, usize> = BTreeMap::new();
    sched.slabs.each_unlocked(&mut |g| {
        // SAFETY: a G of a slab; its state is atomic.
        match unsafe { ((*g).status(), (*g).wait_reason()) } {
            (Status::Dead, _) => {}
            (Status::Running, _) => running += 1,
            (Status::Runnable, _) => ready += 1,
            (Status::Waiting, reason) => *waiting.entry(reason as u8).or_default() += 1,
        }
    });
    let mut waiting: Vec<_> = waiting.into_iter().map(|(r, n)| (WaitReason::from_u8(r).text(), n)).collect();
    waiting.sort_by_key(|w| std::cmp::Reverse(w.1));
    let heap = rt.env.heap.stats();
    Look {
        time: Duration::from_nanos(sched.decide.now().max(0) as u64),
        ps: ps.collect(),
        global: sched.global_len(),
        spinning: sched.spinning(),
        sleeping_ms: sched.sleeping_ms(),
        job_threads: (sched.jobs.threads(), sched.jobs.idle_threads()),
        running,
        ready,
        waiting,
        heap_bytes: heap.heap_live_bytes,
        next_collection: heap.next_gc,
        collections: heap.num_gc,
    }
}
