//! Natives of `runtime` that touch the scheduler.
use crate::value::native::{Cx, GOEXIT, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("runtime.Gosched", |_| Ok(Outcome::Yield)),
    ("runtime.Goexit", |_| Err(Trap::Fatal(GOEXIT.into()))),
    ("runtime.GOMAXPROCS", gomaxprocs),
    ("runtime.NumCPU", num_cpu),
    ("runtime.NumGoroutine", num_goroutine),
    ("runtime.GC", |_| Ok(Outcome::Collect)),
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
