//! Limits of a run beside memory: goroutines, instructions, wall time, output. Each ends the run with a fatal error of its
//! own; what was printed before is kept.
use super::ctx::{Ctx, Rt};
use super::traceback;
use super::unwind::{self, Then};
use crate::sched::g::G_BYTES;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::time::Duration;

/// What a run may use; `None`: as much as there is.
#[derive(Clone, Debug, Default)]
pub struct LimitOptions {
    pub goroutines: Option<u64>,
    pub instructions: Option<u64>,
    pub time: Option<Duration>,
    /// Bytes of standard output and standard error together.
    pub output: Option<u64>,
}

pub struct Limits {
    pub options: LimitOptions,
    many: AtomicBool,
    /// Gs whose memory is accounted for.
    counted: AtomicUsize,
    /// Instructions that Ps have reported.
    instructions: AtomicU64,
    pub late: AtomicBool,
    /// The output's guard has refused bytes.
    pub output_full: Arc<AtomicBool>,
}

impl Limits {
    pub fn new(options: LimitOptions, output_full: Arc<AtomicBool>) -> Limits {
        Limits {
            options,
            many: AtomicBool::new(false),
            counted: AtomicUsize::new(0),
            instructions: AtomicU64::new(0),
            late: AtomicBool::new(false),
            output_full,
        }
    }

    /// No goroutine could be made because there are as many as there may be.
    pub fn goroutines_are_many(&self) -> bool {
        self.many.load(Relaxed)
    }

    /// Whether one more goroutine may be made; `made`: how many there have been at one time at most.
    #[inline]
    pub fn allows_goroutine(&self, rt: &Rt, made: usize) -> bool {
        if made > self.counted.load(Relaxed) {
            let new = made.saturating_sub(self.counted.fetch_max(made, Relaxed));
            if !rt.env.heap.take_outside(new * G_BYTES) {
                self.counted.fetch_sub(new, Relaxed);
                return false;
            }
        }
        match self.options.goroutines {
            Some(max) if made as u64 > max && rt.sched.alive() >= max => {
                self.many.store(true, Relaxed);
                false
            }
            _ => true,
        }
    }
}

pub unsafe fn too_many_goroutines(cx: *mut Ctx) -> Then {
    unsafe {
        let max = (*cx).rt().limits.options.goroutines.unwrap_or(0);
        unwind::fatal(cx, &format!("fatal error: too many goroutines (limit {max})"))
    }
}

/// At a safepoint: whether the run goes on. If not, its last words have been said.
///
/// # Safety
/// As in `ops`; the running G's state is written back.
#[inline]
pub unsafe fn hold(cx: *mut Ctx) -> bool {
    unsafe {
        let limits = &(*(*cx).rt).limits;
        if let Some(max) = limits.options.instructions {
            let used = std::mem::take(&mut (*cx).p.used);
            if limits.instructions.fetch_add(used, Relaxed).saturating_add(used) > max {
                return end(cx, &format!("instruction limit reached (limit {max})"));
            }
        }
        if limits.late.load(Relaxed) {
            let limit = limits.options.time.unwrap_or_default();
            return end(cx, &format!("time limit reached (limit {limit:?})"));
        }
        if limits.output_full.load(Relaxed) {
            let max = limits.options.output.unwrap_or(0);
            return end(cx, &format!("output limit reached (limit {max} bytes)"));
        }
        true
    }
}

#[cold]
#[inline(never)]
unsafe fn end(cx: *mut Ctx, text: &str) -> bool {
    unsafe {
        let rt = (*cx).rt();
        let mut out = format!("fatal error: {text}\n\n").into_bytes();
        if !(*cx).side.g.is_null() {
            traceback::goroutine(rt, (*cx).side.g, true, &mut out);
        }
        out.extend_from_slice(b"exit status 2\n");
        rt.die(&out, 2);
        false
    }
}

/// The run's time is over: a running goroutine is to say where it was. Where none runs, [`end_late`] is to follow.
pub fn run_is_late(rt: &Rt) {
    rt.limits.late.store(true, SeqCst);
}

/// No goroutine has ended a run that is late.
pub fn end_late(rt: &Rt) {
    let limit = rt.limits.options.time.unwrap_or_default();
    rt.die(format!("fatal error: time limit reached (limit {limit:?})\n\nexit status 2\n").as_bytes(), 2);
}
