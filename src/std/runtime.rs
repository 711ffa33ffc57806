//! Natives of `runtime` that touch the scheduler.
use crate::value::native::{Cx, GOEXIT, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("runtime.Gosched", |_| Ok(Outcome::Yield)),
    ("runtime.Goexit", |_| Err(Trap::Fatal(GOEXIT.into()))),
    ("runtime.GOMAXPROCS", gomaxprocs),
    ("runtime.NumCPU", num_cpu),
    ("runtime.NumGoroutine", num_goroutine),
    ("runtime.GC", |_| Ok(Outcome::Collect)),
    ("runtime.memStats", mem_stats),
];

fn gomaxprocs(cx: &mut Cx) -> NativeResult {
    let n = cx.side.sched().procs();
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

fn num_cpu(cx: &mut Cx) -> NativeResult {
    let n = std::thread::available_parallelism().map_or(1, |n| n.get());
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

fn num_goroutine(cx: &mut Cx) -> NativeResult {
    let n = cx.side.sched().alive();
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

/// `memStats() (alloc, total, sys, mallocs, frees, next, pauses, gcs uint64)`
fn mem_stats(cx: &mut Cx) -> NativeResult {
    let s = cx.env.heap.stats();
    let figures = [
        s.heap_live_bytes,
        s.total_alloc_bytes,
        s.heap_sys_bytes,
        s.mallocs,
        s.frees,
        s.next_gc,
        s.pause_total_ns,
        s.num_gc,
    ];
    for (i, v) in figures.into_iter().enumerate() {
        cx.set_word(i, v);
    }
    Ok(Outcome::Done)
}
