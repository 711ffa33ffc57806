//! Natives of `time` that touch the scheduler: sleeping and timers.
use crate::sched::bubble::Bubble;
use crate::sched::timer::Action;
use crate::sched::wait::WaitReason;
use crate::sync::chan::Chan;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub const NATIVES: &[NativeEntry] = &[
    ("time.Sleep", sleep),
    ("time.runtimeNow", now),
    ("time.startTimer", start_timer),
    ("time.stopTimer", stop_timer),
    ("time.hideBuffer", hide_buffer),
];

fn sleep(cx: &mut Cx) -> NativeResult {
    let d = cx.int(0);
    if d <= 0 {
        return Ok(Outcome::Yield);
    }
    let sched: *const _ = cx.side.sched();
    let g = cx.side.g;
    if let Some(bubble) = bubble(cx) {
        cx.side.park(WaitReason::Sleep, false)();
        bubble.start_timer(bubble.now().saturating_add(d), Action::Ready(g));
        return Ok(Outcome::Parked);
    }
    let when = cx.side.sched().decide.now().saturating_add(d);
    cx.side.park(WaitReason::Sleep, false)();
    // SAFETY: the scheduler outlives its Gs; the G is not touched once it is on the timer.
    let sched = unsafe { &*sched };
    let (_, first) = sched.timers.start(when, Action::Ready(g));
    if first {
        sched.timer_added();
    }
    Ok(Outcome::Parked)
}

/// The bubble that the running G is in.
pub fn bubble(cx: &Cx) -> Option<Arc<Bubble>> {
    let sched = cx.side.sched();
    // SAFETY: the running G.
    sched.bubbles.any().then(|| sched.bubbles.of(unsafe { (*cx.side.g).group.load(Relaxed) }))?
}

/// `runtimeNow() (wall int64, mono int64)`: a bubble's time has no monotonic part of its own.
fn now(cx: &mut Cx) -> NativeResult {
    let (wall, mono) = match bubble(cx) {
        Some(bubble) => (bubble.now(), bubble.now()),
        None => (cx.env.clock)(),
    };
    cx.set_int(0, wall);
    cx.set_int(1, mono);
    Ok(Outcome::Done)
}

/// `startTimer(when, period int64, f func()) (id int64)`; times in nanoseconds of the monotonic clock.
fn start_timer(cx: &mut Cx) -> NativeResult {
    let (when, period, closure) = (cx.int(0), cx.int(1), cx.word(2));
    // SAFETY: the running G.
    let group = unsafe { (*cx.side.g).group.load(Relaxed) };
    let action = Action::Start { closure, period, group };
    if let Some(bubble) = bubble(cx) {
        let id = bubble.start_timer(when, action);
        cx.set_int(0, id);
        return Ok(Outcome::Done);
    }
    let (id, first) = cx.side.sched().timers.start(when, action);
    if first {
        cx.side.sched().timer_added();
    }
    cx.set_int(0, id);
    Ok(Outcome::Done)
}

/// `stopTimer(id int64, reset bool) bool`: whether it was pending; `reset`: it is to start again.
fn stop_timer(cx: &mut Cx) -> NativeResult {
    let (sched, id) = (cx.side.sched(), cx.int(0));
    let was = match sched.bubbles.of_timer(id) {
        Some((group, id)) => match bubble(cx).filter(|b| b.group == group) {
            Some(bubble) => bubble.timers.stop(id),
            None => {
                let what = if cx.bool(1) { "reset" } else { "stop" };
                return Err(Trap::Fatal(format!("{what} of synctest timer from outside bubble")));
            }
        },
        None => sched.timers.stop(id),
    };
    cx.set_bool(0, was);
    Ok(Outcome::Done)
}

/// `hideBuffer(c chan Time)`: a new channel.
fn hide_buffer(cx: &mut Cx) -> NativeResult {
    let c = cx.word(0) as *const Chan;
    if !c.is_null() {
        // SAFETY: the compiler passes a channel.
        unsafe { (*c).hide_buffer() };
    }
    Ok(Outcome::Done)
}
