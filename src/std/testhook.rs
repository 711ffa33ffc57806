//! Natives of `internal/testhook`: what package testing asks of the scheduler and the collector.
use crate::sched::g::Status;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use std::sync::atomic::Ordering::*;

pub const NATIVES: &[NativeEntry] = &[
    ("internal/testhook.NewGroup", new_group),
    ("internal/testhook.askStuck", ask_stuck),
    ("internal/testhook.takeStuck", take_stuck),
    ("internal/testhook.others", others),
    ("internal/testhook.Reseed", reseed),
];

/// `NewGroup() uint32`: the running G, and what it starts from now on, belong to a group of their own.
fn new_group(cx: &mut Cx) -> NativeResult {
    let group = 1 + cx.side.sched().groups.fetch_add(1, Relaxed);
    // SAFETY: the running G.
    unsafe { (*cx.side.g).group.store(group, Relaxed) };
    cx.set_word(0, group as u64);
    Ok(Outcome::Done)
}

/// `askStuck(group uint32)`
fn ask_stuck(cx: &mut Cx) -> NativeResult {
    *cx.env.leaks.lock() = crate::value::env::Leaks { wanted: Some(cx.word(0) as u32), found: None };
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
