//! What the collector starts from: globals, the stacks of all Gs, timers. The world is stopped.
use super::ctx::{Ctx, Rt};
use super::unwind::Extra;
use super::{call, explain, sampling, traceback};
use crate::base::limits::HOSTILE;
use crate::bytecode::live::Live;
use crate::bytecode::op::{self, Op};
use crate::bytecode::program::{Function, Kind, iface};
use crate::heap::{Call, Marker};
use crate::profile::record::Table;
use crate::sched::g::{G, Status};
use crate::sched::trace::Phase;
use crate::value::make_type::slots;
use std::time::Duration;

/// Smaller stacks are left as they are, and in the hostile build larger ones.
const MIN_SHRUNK_SLOTS: usize = 256;
const MAX_MOVED_SLOTS: usize = if HOSTILE { 1 << 10 } else { usize::MAX };

/// Collects, unless another P is at it.
///
/// # Safety
/// At a safepoint of `cx`'s M, with the running G's state written back.
pub unsafe fn collect(cx: *mut Ctx) {
    unsafe { collect_after(cx, |_| {}) }
}

/// As [`collect`], for a program that asks: what no variable is needed for any more goes, too.
///
/// # Safety
/// As [`collect`].
pub unsafe fn collect_asked(cx: *mut Ctx) {
    unsafe { collect_after(cx, |rt| clear_dead_slots(rt)) }
}

unsafe fn collect_after(cx: *mut Ctx, prepare: impl FnOnce(&Rt)) {
    unsafe {
        let rt = (*cx).rt();
        let mut collected = None;
        let stopped = rt.sched.stop_the_world(&mut (*cx).p, |_| {
            prepare(rt);
            collected = collect_stopped(rt).then_some(());
        });
        if let (Some(took), Some(())) = (stopped, collected) {
            count_pause(rt, took);
            call_ready(cx);
        }
    }
}

/// How long the world was stopped for a collection.
fn count_pause(rt: &Rt, took: Duration) {
    let took = took.as_nanos() as u64;
    rt.env.heap.count_pause(took, [0, took, 0]);
    if rt.gctrace {
        trace(rt);
    }
}

/// Starts Gs for what is to be called since something has died.
///
/// # Safety
/// As [`collect`].
pub unsafe fn call_ready(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        for what in rt.env.heap.take_ready() {
            match what {
                Call::Cleanup(closure) => call::start_timer_closure(cx, closure, 0),
                Call::Finalizer(function, object) => finalize(cx, function, object),
            }
        }
    }
}

/// Collects, unless a concurrent collection goes on; what is to be called for things that have gone is left to a P.
///
/// # Safety
/// The world is stopped.
pub unsafe fn collect_stopped(rt: &Rt) -> bool {
    unsafe {
        if rt.gc.is_active() {
            return false;
        }
        rt.sched.note_collection(Phase::Begin);
        flush_caches(rt);
        let mut stuck = Vec::new();
        let (query, profile) = {
            let mut leaks = rt.env.leaks.lock();
            (leaks.wanted.take(), std::mem::take(&mut leaks.profile_wanted))
        };
        rt.env.heap.collect(&mut |m| match rt.watch.early_deadlock || query.is_some() || profile {
            true => stuck = explain::mark_roots_and_find_stuck(rt, m),
            false => mark_roots(rt, m),
        });
        rt.sched.note_collection(Phase::End);
        if let Some(group) = query {
            let found = explain::leaked(rt, &stuck, group);
            rt.env.leaks.lock().found = Some(found);
        }
        if profile {
            let mut table = Table::default();
            for &g in &stuck {
                table.add(sampling::waiting(rt, g), [1, 0, 0, 0]);
            }
            rt.env.leaks.lock().profile = Some(table);
        }
        if !rt.watch.early_deadlock {
            stuck.clear();
        }
        if !stuck.is_empty() {
            explain::end_with_partial_deadlock(rt, stuck);
            return true;
        }
        rt.sched.slabs.each(&mut |g| {
            if (*g).status() == Status::Waiting {
                shrink(rt, g);
            }
        });
        true
    }
}

/// Starts a G that calls a finalizer.
unsafe fn finalize(cx: *mut Ctx, function: u64, object: u64) {
    unsafe {
        let rt = (*cx).rt();
        let t = &rt.program.types[iface::type_of(function) as usize];
        let results = t.results.iter().map(|&id| slots(rt.program.ty(id))).sum();
        let whole = t.params.first().is_some_and(|p| rt.program.ty(*p).kind == Kind::Interface);
        let argument = if whole { object } else { object & iface::PAYLOAD };
        call::go_closure(cx, function & iface::PAYLOAD, &argument, results, 1, rt.pc_at(1));
    }
}

/// Clears the variables that no instruction ahead of them mentions.
unsafe fn clear_dead_slots(rt: &Rt) {
    let mut live = Live::default();
    rt.sched.slabs.each(&mut |g| unsafe {
        if (*g).status() == Status::Dead {
            return;
        }
        // The innermost frame of a native that is not done.
        let mut midway = (*g).midway;
        traceback::walk(rt, g, &mut |func, at, base| {
            if std::mem::take(&mut midway) {
                return;
            }
            let pointers = live.pointers(&rt.program, func, ahead(func, at));
            for i in func.ptr_map.iter().filter(|&i| !pointers.get(i)) {
                // SAFETY: a slot of a frame; the world is stopped, and the frame goes on without reading it.
                *(base as *mut u64).add(i) = 0;
            }
        });
    });
}

/// The instruction with which a frame goes on that stands at a code index.
fn ahead(func: &Function, at: u32) -> u32 {
    if at == func.entry { at } else { at + 1 }
}

/// Whether a G's stack is much larger than what it uses, at first sight.
///
/// # Safety
/// The G does not run.
pub unsafe fn may_shrink(g: *mut G) -> bool {
    unsafe {
        let (old, end) = ((*g).stack, (*g).stack_end);
        let slots = end.offset_from(old) as usize;
        HOSTILE || (slots >= MIN_SHRUNK_SLOTS && (*g).base.offset_from(old) as usize <= slots / 4)
    }
}

/// A parked G gives most of a stack back that it does not use any more.
///
/// # Safety
/// The world is stopped; the G waits.
pub unsafe fn shrink(rt: &Rt, g: *mut G) {
    unsafe {
        if !may_shrink(g) {
            return;
        }
        let (old, end) = ((*g).stack, (*g).stack_end);
        let slots = end.offset_from(old) as usize;
        let mut top = None;
        traceback::walk(rt, g, &mut |func, _, base| {
            top.get_or_insert((base, func.frame_slots as usize));
        });
        let Some((base, frame)) = top else { return };
        let used = base.offset_from(old) as usize + frame;
        let new = if HOSTILE { slots } else { 2 * used };
        if used > slots || (!HOSTILE && new > slots / 2) || slots > MAX_MOVED_SLOTS {
            return;
        }
        let Some(by) = G::resettle(g, used, new) else { return };
        if !(*g).extra.is_null() {
            (*((*g).extra as *mut Extra)).waiting.resettle(old, end, by);
        }
        let before = if old == G::first_stack(g) { 0 } else { slots * 8 };
        let after = if G::has_first_stack(g) { 0 } else { new * 8 };
        if after <= before {
            rt.env.heap.give_outside(before - after);
        } else {
            rt.env.heap.take_outside(after - before);
        }
    }
}

/// The line that `GMPLDEBUG=gctrace=1` asks for, in Go's form.
pub fn trace(rt: &Rt) {
    let s = rt.env.heap.stats();
    let now = rt.started.elapsed();
    let ms = |ns: u64| ns as f64 / 1e6;
    let [first, mark, last] = s.last_parts_ns.map(ms);
    let share = s.pause_total_ns as f64 / now.as_nanos().max(1) as f64 * 100.0;
    let mb = |b: u64| b >> 20;
    let procs = rt.sched.procs();
    let text = format!(
        "gc {} @{:.3}s {share:.0}%: {first:.3}+{mark:.3}+{last:.3} ms clock, {:.3}+0/{mark:.3}/0+{:.3} ms cpu, {}->{}->{} MB, {} MB goal, {} \
         MB stacks, {} MB globals, {procs} P\n",
        s.num_gc,
        now.as_secs_f64(),
        first * procs as f64,
        last * procs as f64,
        mb(s.before_gc),
        mb(s.marked_at),
        mb(s.live_bytes),
        mb(s.old_goal),
        mb(rt.env.heap.outside() as u64),
        mb(rt.globals.len() as u64 * 8),
    );
    let _ = rt.env.host.stderr(text.as_bytes());
}

/// # Safety
/// The world is stopped.
pub unsafe fn mark_roots(rt: &Rt, m: &mut Marker) {
    unsafe {
        mark_shared(rt, m);
        let mut extras = 0;
        rt.sched.slabs.each(&mut |g| {
            if !(*g).extra.is_null() {
                extras += (*((*g).extra as *mut Extra)).bytes();
            }
            m.looked();
            if (*g).status() != Status::Dead {
                mark_g(rt, g, m);
            }
        });
        rt.env.heap.set_extras(extras);
    }
}

/// # Safety
/// The world is stopped.
pub unsafe fn flush_caches(rt: &Rt) {
    for &other in rt.ctxs.lock().iter() {
        // SAFETY: no M runs.
        unsafe {
            (*(other as *mut Ctx)).cache.flush();
            // Its table may be freed, and its address be another's.
            (*(other as *mut Ctx)).map_memos = Default::default();
        }
    }
}

/// What does not belong to a G.
///
/// # Safety
/// The world is stopped.
pub unsafe fn mark_shared(rt: &Rt, m: &mut Marker) {
    for i in rt.program.global_ptrs.iter() {
        m.place(|| format!("global word {i}"));
        m.word(rt.globals[i]);
    }
    m.place(|| "a timer".into());
    rt.sched.timers.each_closure(&mut |w| m.word(w));
    rt.sched.bubbles.each_closure(&mut |w| m.word(w));
}

/// # Safety
/// The world is stopped; the G is alive.
pub unsafe fn mark_g(rt: &Rt, g: *mut G, m: &mut Marker) {
    unsafe { mark_frames(rt, g, m, None) }
}

/// As [`mark_g`]; with `live` only what the G may still look at.
///
/// # Safety
/// The world is stopped; the G is alive.
pub unsafe fn mark_frames(rt: &Rt, g: *mut G, m: &mut Marker, mut live: Option<&mut Live>) {
    unsafe {
        if !(*g).extra.is_null() {
            m.place(|| "a deferred call or panic".into());
            (*((*g).extra as *mut Extra)).roots(&mut |w| m.word(w));
        }
        m.word((*g).labels);
        // What it waited on last is nothing to it any more, when it is asked what it may still look at.
        if live.is_none() || (*g).status() == Status::Waiting {
            m.conservative((*g).node.on as u64);
        }
        // The innermost frame may wait in a native, whose window nobody else looks at.
        for at in [(*g).pc, (*g).pc.sub(1)] {
            let w = *at;
            if rt.program.func_at(rt.index_of(at)).is_some() && Op::from_word(w).is_some_and(Op::calls_native) {
                // The word may be another instruction's extra word that only looks like a call.
                let Some(native) = rt.program.natives.get(op::b(w) as usize) else { continue };
                let window = (*g).base.wrapping_add(op::a(w) as usize);
                let room = ((*g).stack_end as usize).saturating_sub(window as usize) / 8;
                for i in 0..room.min((native.results + native.params) as usize) {
                    m.conservative(*window.add(i));
                }
            }
        }
        let mut midway = (*g).midway;
        traceback::walk(rt, g, &mut |func, at, base| {
            if std::mem::take(&mut midway) {
                let room = (*g).stack_end.offset_from(base).max(0) as usize;
                for i in 0..room.min(func.frame_slots as usize) {
                    m.conservative(*base.add(i));
                }
            }
            m.looked();
            m.place(|| format!("a slot of {} at {}", func.name, at - func.entry));
            let pointers = match &mut live {
                Some(live) => live.pointers(&rt.program, func, ahead(func, at)),
                None => &func.ptr_map,
            };
            m.range(base, pointers)
        });
    }
}
