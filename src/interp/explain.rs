//! Why goroutines do not run: who can still be woken, by reachability, and who holds what the others wait for.
//!
//! A G is *stuck* when what it waits on cannot be reached from any G that can still run, from a global or from a timer.
//! The collector answers that exactly: mark from all that can run, then add the waiting Gs whose object is marked, until
//! no more are added. What is left is stuck.
use super::ctx::{Ctx, Rt};
use super::unwind::extra;
use super::{advice, roots, traceback};
use crate::bytecode::live::Live;
use crate::heap::Marker;
use crate::sched::g::{G, Status};
use crate::sched::wait::WaitReason;
use crate::sync::chan::Chan;
use std::sync::atomic::Ordering::*;

/// Goroutines about which more is said than what they wait for: each takes a marking of its own.
const MAX_EXPLAINED: usize = 64;

/// Heaps beyond this are not marked once for each G.
const MAX_EXPLAINED_BYTES: u64 = 64 << 20;

/// Status of a program that ends with leaked goroutines.
pub const LEAK_STATUS: i32 = 3;

/// Whether what the waiting G waits on has been reached. `None`: it waits for something outside the heap.
unsafe fn reached(m: &Marker, g: *mut G) -> Option<bool> {
    unsafe {
        match (*g).wait_reason() {
            WaitReason::Sleep | WaitReason::Native | WaitReason::IoWait | WaitReason::None => None,
            WaitReason::SynctestRun | WaitReason::SynctestWait => None,
            WaitReason::ChanReceiveNil | WaitReason::ChanSendNil | WaitReason::SelectNoCases => Some(false),
            WaitReason::Select => Some(extra(g).waiting.channels().iter().any(|&ch| m.reached(ch as u64))),
            _ => Some(m.reached((*g).node.on as u64)),
        }
    }
}

/// Whether all channels that the G waits on were made in a group.
///
/// # Safety
/// The G waits for a channel or in a select; the world is stopped.
pub unsafe fn waits_on(g: *mut G, group: u32) -> bool {
    unsafe {
        let own = |ch: *const Chan| !ch.is_null() && (*ch).bubble() == group;
        match (*g).wait_reason() {
            WaitReason::Select => extra(g).waiting.channels().iter().all(|&ch| own(ch as *const Chan)),
            _ => own((*g).node.on as *const Chan),
        }
    }
}

/// Marks everything that is alive; returns the Gs that can never run again. The world is stopped.
unsafe fn mark_and_find_stuck(rt: &Rt, m: &mut Marker) -> Vec<*mut G> {
    unsafe {
        let mut waiting = Vec::new();
        let mut live = Live::default();
        roots::mark_shared(rt, m);
        rt.sched.slabs.each(&mut |g| match (*g).status() {
            Status::Dead => {}
            Status::Waiting if reached(m, g).is_some() => waiting.push(g),
            _ => roots::mark_frames(rt, g, m, Some(&mut live)),
        });
        loop {
            m.drain();
            let before = waiting.len();
            waiting.retain(|&g| {
                let alive = reached(m, g) == Some(true);
                if alive {
                    roots::mark_frames(rt, g, m, Some(&mut live));
                }
                !alive
            });
            if waiting.len() == before {
                return waiting;
            }
        }
    }
}

/// `main` has returned: lists the goroutines that can never run again and ends the run.
///
/// # Safety
/// On the M of `cx`, whose running G has nothing left to do.
pub unsafe fn end_with_leaks(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        let main = (*cx).side.g;
        (*main).pc = rt.pc_at(rt.stubs.halt);
        (*main).base = (*main).stack.add(1);
        let mut text = Vec::new();
        rt.gc.abort();
        while !rt.sched.done.load(SeqCst) {
            let stopped = rt.sched.stop_the_world(&mut (*cx).p, |_| {
                let mut stuck = Vec::new();
                roots::flush_caches(rt);
                rt.env.heap.explore(&mut |m| stuck = mark_and_find_stuck(rt, m));
                if !stuck.is_empty() {
                    report_stuck(rt, LEAKED, &stuck, &mut text);
                    advice::add_for_waits(&stuck, &mut text);
                }
            });
            if stopped.is_some() {
                break;
            }
        }
        if text.is_empty() {
            rt.end(0);
        } else {
            rt.die(&text, LEAK_STATUS);
        }
    }
}

/// Marks what is alive, as [`roots::mark_roots`] does; returns the goroutines that can never run again.
///
/// # Safety
/// The world is stopped.
pub unsafe fn mark_roots_and_find_stuck(rt: &Rt, m: &mut Marker) -> Vec<*mut G> {
    unsafe {
        let stuck = mark_and_find_stuck(rt, m);
        // What the stuck ones hold stays.
        roots::mark_roots(rt, m);
        stuck
    }
}

/// Those of a group among the goroutines that can never run again, listed.
///
/// # Safety
/// The world is stopped.
pub unsafe fn leaked(rt: &Rt, stuck: &[*mut G], group: u32) -> Vec<u8> {
    unsafe {
        let own: Vec<*mut G> = stuck.iter().copied().filter(|&g| (*g).group.load(Relaxed) == group).collect();
        let mut text = Vec::new();
        if !own.is_empty() {
            report_stuck(rt, LEAKED, &own, &mut text);
        }
        text
    }
}

const LEAKED: &str = "leaked";

/// Says what the Gs are that can never run again, and lists them.
///
/// # Safety
/// The world is stopped.
unsafe fn report_stuck(rt: &Rt, what: &str, gs: &[*mut G], text: &mut Vec<u8>) {
    let n = gs.len();
    let s = if n == 1 { "" } else { "s" };
    text.extend_from_slice(format!("{what}: {n} goroutine{s} can never run again\n").as_bytes());
    // SAFETY: the caller's.
    unsafe { list(rt, gs, text) }
}

/// Ends the run because of goroutines that can never run again.
///
/// # Safety
/// The world is stopped.
pub unsafe fn end_with_partial_deadlock(rt: &Rt, stuck: Vec<*mut G>) {
    unsafe {
        let mut text = Vec::new();
        report_stuck(rt, "fatal error: partial deadlock", &stuck, &mut text);
        why(rt, stuck, &mut text);
        text.extend_from_slice(b"exit status 2\n");
        rt.die(&text, 2);
    }
}

/// Lists Gs, those at one place together.
unsafe fn list(rt: &Rt, gs: &[*mut G], out: &mut Vec<u8>) {
    unsafe {
        let mut groups: Vec<(String, Vec<u64>, String)> = Vec::new();
        let mut places = rustc_hash::FxHashMap::default();
        for &g in gs {
            let mut text = Vec::new();
            traceback::goroutine(rt, g, false, &mut text);
            let text = String::from_utf8_lossy(&text).into_owned();
            // Behind `goroutine 7 [chan receive]:`.
            let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
            let state = head.find('[').map_or("", |i| &head[i..]).trim_end_matches(':');
            // Which goroutine made them does not tell places apart.
            let key = format!("{state}\n{}", body.replace(&format!(" in goroutine {}\n", (*g).parent), "\n"));
            let at = *places.entry(key).or_insert_with(|| {
                groups.push((state.to_string(), Vec::new(), body.to_string()));
                groups.len() - 1
            });
            groups[at].1.push((*g).id);
        }
        for (state, mut ids, body) in groups {
            ids.sort_unstable();
            let n = ids.len();
            let s = if n == 1 { "" } else { "s" };
            let shown: Vec<String> = ids.iter().take(8).map(u64::to_string).collect();
            let more = if n > 8 { format!(" and {} more", n - 8) } else { String::new() };
            out.extend_from_slice(format!("\n{n} goroutine{s} {state}: {}{more}\n{body}", shown.join(", ")).as_bytes());
        }
    }
}

fn name(id: u64, me: u64) -> String {
    if id == me { "it holds itself".into() } else { format!("goroutine {id} holds") }
}

/// What the G waits for, as far as the words it waits on tell.
unsafe fn waits_for(rt: &Rt, g: *mut G) -> Option<String> {
    unsafe {
        let on = (*g).node.on as *const u64;
        let me = (*g).id;
        let alive = |id: u64| {
            let mut found = false;
            rt.sched.slabs.each(&mut |g| found |= (*g).id == id && (*g).status() != Status::Dead);
            found
        };
        let holder = |what: &str, id: u64| match id {
            0 => format!("a {what} that is locked"),
            id if alive(id) => format!("a {what} that {}", name(id, me)),
            id => format!("a {what} that goroutine {id} locked and never unlocked before it ended"),
        };
        Some(match (*g).wait_reason() {
            WaitReason::MutexLock => holder("sync.Mutex", *on.add(1)),
            WaitReason::RWMutexLock | WaitReason::RWMutexRLock => {
                let state = *on;
                if crate::sync::sema::rw_readers(state) == 0 {
                    holder("sync.RWMutex", *on.add(1))
                } else {
                    let n = crate::sync::sema::rw_readers(state);
                    let s = if n == 1 { "" } else { "s" };
                    format!("a sync.RWMutex that {n} reader{s} hold{}", if n == 1 { "s" } else { "" })
                }
            }
            WaitReason::WaitGroupWait => format!("a sync.WaitGroup whose counter is {}", *on as i32),
            WaitReason::CondWait => "a sync.Cond to be signalled".into(),
            WaitReason::ChanReceiveNil | WaitReason::ChanSendNil => "a nil channel, which never gets ready".into(),
            WaitReason::SelectNoCases => "a select without cases, which never goes on".into(),
            _ => return None,
        })
    }
}

/// What the G waits for, if that is a channel.
unsafe fn channel_wait(g: *mut G) -> Option<&'static str> {
    // SAFETY: the caller's.
    match unsafe { (*g).wait_reason() } {
        WaitReason::ChanReceive => Some("a channel to receive from"),
        WaitReason::ChanSend => Some("a channel to send to"),
        WaitReason::Select => Some("a case of its select"),
        _ => None,
    }
}

/// After a deadlock of a session's input: why its G waits. The heap is not looked through, since the session goes on.
///
/// # Safety
/// No G runs.
pub unsafe fn why_input(rt: &Rt, g: *mut G, out: &mut Vec<u8>) {
    unsafe {
        let what = match channel_wait(g) {
            Some(what) => {
                let mut others: Vec<u64> = waiting(rt).into_iter().filter(|&o| o != g).map(|o| (*o).id).collect();
                others.sort_unstable();
                let ids: Vec<String> = others.iter().map(u64::to_string).collect();
                match ids.len() {
                    0 => format!("{what}: no other goroutine is left"),
                    1 => format!("{what}: the only other goroutine, {}, waits too", ids[0]),
                    2..=8 => format!("{what}: the other goroutines, {}, wait too", ids.join(", ")),
                    n => format!("{what}: all {n} other goroutines wait too"),
                }
            }
            None => match waits_for(rt, g) {
                Some(what) => what,
                None => return,
            },
        };
        out.extend_from_slice(format!("\nwhy:\ngoroutine {} waits for {what}\n", (*g).id).as_bytes());
    }
}

/// The Gs that wait.
///
/// # Safety
/// No G runs.
pub unsafe fn waiting(rt: &Rt) -> Vec<*mut G> {
    let mut gs = Vec::new();
    rt.sched.slabs.each(&mut |g| {
        // SAFETY: a G of a slab.
        if unsafe { (*g).status() } == Status::Waiting {
            gs.push(g);
        }
    });
    gs
}

/// After a deadlock of these Gs: why each waits, with those of them that could have ended it.
///
/// # Safety
/// No G runs, and none will.
pub unsafe fn why(rt: &Rt, mut gs: Vec<*mut G>, out: &mut Vec<u8>) {
    unsafe {
        if gs.is_empty() {
            return;
        }
        gs.sort_by_key(|&g| (*g).id);
        let explore = gs.len() <= MAX_EXPLAINED && rt.env.heap.stats().heap_live_bytes <= MAX_EXPLAINED_BYTES;
        // For each G and each of the others: whether that one can reach what this one waits on.
        let mut reach = vec![Vec::new(); gs.len()];
        let mut by_globals = vec![false; gs.len()];
        if explore {
            rt.env.heap.explore(&mut |m| {
                roots::mark_shared(rt, m);
                m.drain();
                for (i, &g) in gs.iter().enumerate() {
                    by_globals[i] = reached(m, g) == Some(true);
                }
            });
            for &other in &gs {
                rt.env.heap.explore(&mut |m| {
                    roots::mark_g(rt, other, m);
                    m.drain();
                    for (i, &g) in gs.iter().enumerate() {
                        if g != other && reached(m, g) == Some(true) {
                            reach[i].push((*other).id);
                        }
                    }
                });
            }
        }
        out.extend_from_slice(b"\nwhy:\n");
        for (i, &g) in gs.iter().enumerate().take(MAX_EXPLAINED) {
            let what = match channel_wait(g) {
                Some(what) => {
                    let ids: Vec<String> = reach[i].iter().map(u64::to_string).collect();
                    let who = match (explore, by_globals[i], ids.len()) {
                        (false, ..) => String::new(),
                        (_, true, _) if gs.len() == 1 => ": it is global, and no other goroutine is left".into(),
                        (_, true, _) => ": it is global, and all other goroutines wait too".into(),
                        (_, _, 0) => ": no other goroutine holds it".into(),
                        (_, _, 1) => format!(": only goroutine {} holds it too, and waits itself", ids[0]),
                        (_, _, 2..=8) => format!(": goroutines {} hold it too, and wait themselves", ids.join(", ")),
                        (_, _, n) => format!(": {n} other goroutines hold it too, and wait themselves"),
                    };
                    format!("{what}{who}")
                }
                None => match waits_for(rt, g) {
                    Some(what) => what,
                    None => continue,
                },
            };
            out.extend_from_slice(format!("goroutine {} waits for {what}\n", (*g).id).as_bytes());
        }
        if gs.len() > MAX_EXPLAINED {
            out.extend_from_slice(format!("...and {} more\n", gs.len() - MAX_EXPLAINED).as_bytes());
        }
        advice::add_for_waits(&gs, out);
    }
}
