//! Natives of `internal/testhook`: what package testing asks of the scheduler and the collector.
use super::timers::bubble;
use crate::sched::bubble::IN_BUBBLE;
use crate::sched::g::Status;
use crate::sched::wait::WaitReason;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::sync::atomic::Ordering::*;

pub const NATIVES: &[NativeEntry] = &[
    ("internal/testhook.NewGroup", new_group),
    ("internal/testhook.askStuck", ask_stuck),
    ("internal/testhook.takeStuck", take_stuck),
    ("internal/testhook.others", others),
    ("internal/testhook.Reseed", reseed),
    ("internal/testhook.CoverMode", cover_mode),
    ("internal/testhook.Covered", covered),
    ("internal/testhook.CoverProfile", cover_profile),
    ("internal/testhook.enterBubble", enter_bubble),
    ("internal/testhook.leaveBubble", leave_bubble),
    ("internal/testhook.InBubble", in_bubble),
    ("internal/testhook.mainEnds", main_ends),
    ("internal/testhook.waitForEnd", wait_for_end),
    ("internal/testhook.verdict", verdict),
    ("internal/testhook.waitForOthers", wait_for_others),
];

/// `NewGroup() uint32`: the running G, and what it starts from now on, belong to a group of their own.
fn new_group(cx: &mut Cx) -> NativeResult {
    let group = 1 + cx.side.sched().groups.fetch_add(1, Relaxed);
    join(cx, group);
    cx.set_word(0, group as u64);
    Ok(Outcome::Done)
}

/// `askStuck(group uint32)`
fn ask_stuck(cx: &mut Cx) -> NativeResult {
    *cx.env.leaks.lock() = crate::value::env::Leaks { wanted: Some(cx.word(0) as u32), ..Default::default() };
    Ok(Outcome::Collect)
}

/// `takeStuck() (text string, done bool)`
fn take_stuck(cx: &mut Cx) -> NativeResult {
    let found = cx.env.leaks.lock().found.take();
    cx.set_str(0, found.as_deref().unwrap_or_default())?;
    cx.set_bool(1, found.is_some());
    Ok(Outcome::Done)
}

/// `others(group uint32) (some, run bool)`: whether a G of the group is alive besides the running one, and whether one of
/// them can run.
fn others(cx: &mut Cx) -> NativeResult {
    let group = cx.word(0) as u32;
    let (mut some, mut run) = (false, false);
    let me = cx.side.g;
    cx.side.sched().slabs.each_unlocked(&mut |g| {
        // SAFETY: a G of a slab; only what is atomic is read.
        let (status, own) = unsafe { ((*g).status(), (*g).group.load(Relaxed) == group) };
        if own && g != me && status != Status::Dead {
            some = true;
            run |= status != Status::Waiting;
        }
    });
    cx.set_bool(0, some);
    cx.set_bool(1, run);
    Ok(Outcome::Done)
}

/// `Reseed()`: the G goes on with a time slice that follows from the seed.
fn reseed(cx: &mut Cx) -> NativeResult {
    if !cx.side.sched().decide.seeded() {
        return Ok(Outcome::Done);
    }
    // SAFETY: the P of the running native.
    unsafe { (*cx.side.p).reseed() };
    Ok(Outcome::Yield)
}

/// `CoverMode() string`: how blocks are counted; empty if they are not.
fn cover_mode(cx: &mut Cx) -> NativeResult {
    let mode = cx.env.program.coverage.as_ref().map_or("", |c| c.mode.name());
    cx.set_str(0, mode.as_bytes())?;
    Ok(Outcome::Done)
}

fn counts(cx: &Cx) -> Vec<u64> {
    cx.env.tracer.get().map_or(Vec::new(), |t| (t.counts)(t.rt))
}

/// `Covered() (all, ran int)`: the statements of the package that is tested.
fn covered(cx: &mut Cx) -> NativeResult {
    let counts = counts(cx);
    let (all, ran) = cx.env.program.coverage.as_ref().map_or((0, 0), |c| c.statements(&counts));
    cx.set_int(0, all as i64);
    cx.set_int(1, ran as i64);
    Ok(Outcome::Done)
}

/// `CoverProfile() string`: the lines of the blocks.
fn cover_profile(cx: &mut Cx) -> NativeResult {
    let counts = counts(cx);
    let text = cx.env.program.coverage.as_ref().map_or(String::new(), |c| c.profile(&counts));
    cx.set_str(0, text.as_bytes())?;
    Ok(Outcome::Done)
}

/// The running G belongs to another group from now on.
fn join(cx: &Cx, group: u32) {
    // SAFETY: the running G.
    unsafe { (*cx.side.g).group.store(group, Relaxed) };
}

fn group(cx: &Cx) -> u32 {
    // SAFETY: the running G.
    unsafe { (*cx.side.g).group.load(Relaxed) }
}

/// `enterBubble() (before uint32)`: the running G begins a bubble; it gets back the group that it was in.
fn enter_bubble(cx: &mut Cx) -> NativeResult {
    let before = group(cx);
    let sched = cx.side.sched();
    let own = IN_BUBBLE | 1 + sched.groups.fetch_add(1, Relaxed);
    sched.bubbles.begin(own);
    join(cx, own);
    cx.set_word(0, before as u64);
    Ok(Outcome::Done)
}

/// `leaveBubble(before uint32)`
fn leave_bubble(cx: &mut Cx) -> NativeResult {
    cx.side.sched().bubbles.end(group(cx));
    join(cx, cx.word(0) as u32);
    Ok(Outcome::Done)
}

/// `InBubble() bool`
fn in_bubble(cx: &mut Cx) -> NativeResult {
    let is = bubble(cx).is_some();
    cx.set_bool(0, is);
    Ok(Outcome::Done)
}

/// `mainEnds()`
fn main_ends(cx: &mut Cx) -> NativeResult {
    if let Some(bubble) = bubble(cx) {
        bubble.main_has_ended();
    }
    Ok(Outcome::Done)
}

/// `waitForEnd()`: until all Gs of the bubble have ended, or will never run again.
fn wait_for_end(cx: &mut Cx) -> NativeResult {
    let Some(bubble) = bubble(cx) else { return Ok(Outcome::Done) };
    bubble.wait_for_end(cx.side.g);
    cx.side.park(WaitReason::SynctestRun, false)();
    Ok(Outcome::Parked)
}

/// `verdict() int`: how that came.
fn verdict(cx: &mut Cx) -> NativeResult {
    let verdict = bubble(cx).map_or(0, |b| b.verdict() as i64);
    cx.set_int(0, verdict);
    Ok(Outcome::Done)
}

/// `waitForOthers()`: until all other Gs of the bubble wait.
fn wait_for_others(cx: &mut Cx) -> NativeResult {
    let Some(bubble) = bubble(cx) else { return Err(Trap::Panic("goroutine is not in a bubble".into())) };
    if !bubble.wait_for_others(cx.side.g) {
        return Err(Trap::Panic("wait already in progress".into()));
    }
    cx.side.park(WaitReason::SynctestWait, false)();
    Ok(Outcome::Parked)
}
