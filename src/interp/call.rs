//! Calls that are not a plain jump: growing the stack, safepoints, natives, starting and ending Gs, parking.
//!
//! # Safety
//! As in `ops`: entered from handlers with their state. Once a G is on a wait queue and the queue is unlocked, nothing
//! here touches it again.
use super::ctx::{Ctx, Entry, Rt};
use super::fail;
use super::limits;
use super::memory;
use super::ops::{H, back};
use super::sampling::thread_cpu_ns;
use super::unwind::{self, Then, extra};
use crate::base::limits::{BUDGET_INSTRUCTIONS, HOSTILE};
use crate::bytecode::program::FrameHeader;
use crate::sched::g::{G, Status};
use crate::sched::trace::{Cause, Event, Kind};
use crate::sched::wait::WaitReason;
use crate::sync::select::{Case, Selected};
use crate::value::native::{Cx, Finish, Outcome, Trap, resume};
use crate::value::reflect::Callee;
use crate::value::slice;
use crate::{next, resched, then};
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

/// Stacks grow in these steps at least.
const MIN_GROWN_SLOTS: usize = 64;

/// A dead G keeps a grown stack up to this many slots for the next.
const KEPT_STACK_SLOTS: usize = 128;

/// The call at `pc - 1` needs `slots` more than the stack has: grows it and runs the call again.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn grow(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H, slots: usize) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).base = r;
        let need = r.offset_from((*g).stack) as usize + slots;
        let max = (*cx).rt().stack_limit_bytes() / 8;
        if need > max {
            return fail::stack_overflow(pc, r, cx, n, t);
        }
        let old = (*g).stack_end.offset_from((*g).stack) as usize;
        if !memory::grow_stack(cx, g, (2 * old).min(max).max(need).max(MIN_GROWN_SLOTS)) {
            return fail::out_of_memory(pc, r, cx, n, t);
        }
        (*cx).stack_end = (*g).stack_end;
        next!(pc.sub(1), (*g).base, cx, n, t)
    }
}

/// The budget has run out: the one safepoint. The instruction at `pc` is the next to run.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn safepoint(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*cx).p.budget = n;
        (*g).pc = pc;
        (*g).base = r;
        if HOSTILE {
            move_stack(cx);
        }
        (*cx).rt().lasts();
        if (*cx).sampler.is_some() {
            super::sampling::at_safepoint(cx);
        }
        if !pause(cx) {
            return back::EXIT;
        }
        let _ = t;
        let t = (*cx).next_table;
        if let Some(session) = &(*cx).rt().session
            && session.is_doomed(g)
        {
            return then!(cx, t, super::session::interrupt_running(cx));
        }
        if (*cx).rt().sched.is_retired(&(*cx).p) {
            (*cx).p.requeue(g, Kind::Preempt);
            resched!(cx, t)
        }
        // With a seed, what runs takes time, so that loops that wait for a time end.
        (*cx).rt().sched.decide.tick();
        if std::mem::take(&mut (*cx).p.look_soon) {
            let budget = (*cx).p.slice();
            next!((*g).pc, (*g).base, cx, budget, t)
        }
        if HOSTILE && (*cx).p.safepoints_left > 0 {
            (*cx).p.safepoints_left -= 1;
            next!((*g).pc, (*g).base, cx, BUDGET_INSTRUCTIONS, t)
        }
        if (*cx).rt().sched.nothing_waits(&(*cx).p) {
            let budget = (*cx).p.slice();
            next!((*g).pc, (*g).base, cx, budget, t)
        }
        (*cx).p.requeue(g, Kind::Preempt);
        resched!(cx, t)
    }
}

/// Larger stacks are left in place by the hostile build.
const MOVED_SLOTS: usize = 1 << 14;

/// The hostile build: the running G's stack goes elsewhere, so that nobody can have kept a pointer into it.
unsafe fn move_stack(cx: *mut Ctx) {
    unsafe {
        let g = (*cx).side.g;
        let slots = (*g).stack_end.offset_from((*g).stack) as usize;
        if slots <= MOVED_SLOTS && memory::grow_stack(cx, g, slots) {
            (*cx).stack_end = (*g).stack_end;
        }
    }
}

/// The instruction before `pc` has allocated so much that a collection cannot wait.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn overdue(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        fail::save(pc, r, cx, n);
        then!(cx, t, memory::overdue(cx))
    }
}

/// Does what others asked of this P. `false`: the run has ended.
pub unsafe fn pause(cx: *mut Ctx) -> bool {
    unsafe {
        let rt = (*cx).rt();
        let p = &mut (*cx).p;
        if rt.sched.done.load(Relaxed) {
            return false;
        }
        if rt.sched.stop_requested() {
            rt.sched.wait_stopped(p);
        }
        if rt.env.heap.should_collect() || rt.env.heap.hostile_due() {
            super::gc::due(cx);
        }
        if rt.env.heap.has_ready() {
            super::roots::call_ready(cx);
        }
        if !limits::hold(cx) {
            return false;
        }
        rt.sched.run_timers(&mut (*cx).p);
        (*cx).p.measure();
        if rt.sched.someone_should_wake() && (*cx).p.is_worth_stealing_from() {
            rt.sched.wake_one(Some(&(*cx).p));
        }
        !rt.sched.done.load(Relaxed)
    }
}

pub const NATIVE_DONE: u64 = 0;
pub const NATIVE_PARKED: u64 = 1;
const NATIVE_YIELD: u64 = 2;
const NATIVE_TRAP: u64 = 3;
const NATIVE_BLOCK: u64 = 4;
const NATIVE_COLLECT: u64 = 5;
const NATIVE_OVERDUE: u64 = 6;
const NATIVE_STOP: u64 = 7;
const NATIVE_COLLECT_FIRST: u64 = 8;

/// Calls a native; the G's pc is at the call. What is not plain is left in the G's extra state.
#[inline(never)]
pub unsafe fn native(cx: *mut Ctx, window: *mut u64, index: usize, results: usize) -> u64 {
    unsafe {
        let rt = (*cx).rt();
        let g = (*cx).side.g;
        (*cx).cache.may_refuse = false;
        let mut call = Cx::new(window, results, &mut (*cx).cache, &rt.env, &mut (*cx).side);
        // What it did, unless that is nothing more than to write its results. Only then the answer is moved: to read it
        // whole, just after its tags were written, would take longer than most natives.
        let mut more = None;
        let run = || {
            let done = if (*g).resume != resume::FINISH {
                (rt.natives[index])(&mut call)
            } else {
                (*g).resume = resume::NONE;
                match extra(g).finish.take() {
                    // What it did cannot be done again.
                    Some(finish) => finish(&mut call).map_err(|trap| match trap {
                        Trap::OutOfMemory => Trap::Fatal(memory::no_memory(rt)),
                        trap => trap,
                    }),
                    None => Ok(Outcome::Done),
                }
            };
            if !matches!(done, Ok(Outcome::Done)) {
                more = Some(done);
            }
        };
        // A mistake of ours ends the run, not the host.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
            let name = &rt.program.natives[index].name;
            more = Some(Err(Trap::Fatal(format!(
                "gmpl: internal error (this is a bug in gmpl, not in your program): {name} failed"
            ))));
        }
        (*cx).cache.may_refuse = true;
        let Some(result) = more else {
            return if (*cx).cache.overdue | (*cx).p.late { NATIVE_OVERDUE } else { NATIVE_DONE };
        };
        match result {
            Ok(Outcome::Done) => NATIVE_DONE,
            Ok(Outcome::Parked | Outcome::ParkedRetry) => NATIVE_PARKED,
            Ok(Outcome::Yield) => NATIVE_YIELD,
            Ok(Outcome::Collect) => NATIVE_COLLECT,
            Ok(Outcome::Block(job)) => {
                extra(g).job = Some(job);
                NATIVE_BLOCK
            }
            Ok(Outcome::CollectFirst(finish)) => {
                extra(g).finish = Some(finish);
                NATIVE_COLLECT_FIRST
            }
            Ok(Outcome::StopTheWorld(job)) => {
                extra(g).stopped_job = Some(job);
                NATIVE_STOP
            }
            Err(trap) => {
                extra(g).trap = Some(trap);
                NATIVE_TRAP
            }
        }
    }
}

/// A native has done something else than return. `pc` is behind its call.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn native_rest(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H, what: u64) -> u64 {
    unsafe {
        fail::save(pc, r, cx, n);
        then!(cx, t, after_native(cx, what))
    }
}

/// The running G, which stands behind its call of a native, goes on with what `finish` does.
unsafe fn finish_with(g: *mut G, finish: Finish) {
    unsafe {
        extra(g).finish = Some(finish);
        (*g).resume = resume::FINISH;
        (*g).pc = (*g).pc.sub(1);
    }
}

#[inline(never)]
unsafe fn after_native(cx: *mut Ctx, what: u64) -> Then {
    unsafe {
        let g = (*cx).side.g;
        match what {
            NATIVE_COLLECT_FIRST => {
                memory::collect_midway(cx);
                if let Some(finish) = extra(g).finish.take() {
                    finish_with(g, finish);
                }
                if (*cx).rt().sched.done.load(SeqCst) { Then::Exit } else { Then::Run }
            }
            NATIVE_YIELD => {
                if (*cx).p.budget < 0 && !pause(cx) {
                    return Then::Exit;
                }
                (*cx).p.requeue(g, Kind::Yield);
                Then::Resched
            }
            NATIVE_COLLECT => {
                super::gc::wait(cx);
                super::roots::collect_asked(cx);
                if !pause(cx) {
                    return Then::Exit;
                }
                (*cx).p.requeue(g, Kind::Yield);
                Then::Resched
            }
            NATIVE_OVERDUE => memory::overdue(cx),
            NATIVE_BLOCK => {
                let rt = (*cx).rt();
                let Some(job) = extra(g).job.take() else { return Then::Run };
                if rt.sched.decide.seeded() {
                    // One order for everything: the job runs here and now.
                    finish_with(g, job());
                    return Then::Run;
                }
                (*g).pc = (*g).pc.sub(1);
                (*cx).p.park(g, WaitReason::Native);
                rt.sched.jobs.in_flight.fetch_add(1, SeqCst);
                let (g_addr, rt_addr) = (g as usize, (*cx).rt as usize);
                let open = rt.sched.jobs.open();
                let sampled = (*cx).sampler.is_some();
                let id = (*g).id;
                let note = move |kind| (*(rt_addr as *const Rt)).sched.note(Event { g: id, ..Event::new(kind) });
                let run = Box::new(move || {
                    let still = open.read();
                    if *still {
                        note(Kind::JobStart);
                    }
                    drop(still);
                    let began = if sampled { thread_cpu_ns() } else { 0 };
                    let finish = job();
                    let job_ns = if sampled { thread_cpu_ns() - began } else { 0 };
                    let open = open.read();
                    if !*open {
                        // The run has ended meanwhile.
                        return;
                    }
                    let (g, rt) = (g_addr as *mut G, &*(rt_addr as *const Rt));
                    note(Kind::JobEnd);
                    extra(g).finish = Some(finish);
                    extra(g).job_ns = job_ns;
                    (*g).resume = resume::FINISH;
                    rt.sched.ready_outside(g, &rt.sched.jobs.in_flight);
                });
                if !rt.sched.jobs.submit(run, || rt.sched.started_ms()) {
                    let limit = rt.sched.jobs.max_threads.load(SeqCst);
                    return unwind::fatal(
                        cx,
                        &format!("runtime: program exceeds {limit}-thread limit\nfatal error: thread exhaustion"),
                    );
                }
                Then::Resched
            }
            NATIVE_STOP => {
                let sched = &(*cx).rt().sched;
                let mut job = extra(g).stopped_job.take();
                while let Some(todo) = job.take() {
                    let mut todo = Some(todo);
                    sched.stop_the_world(&mut (*cx).p, |stopped| {
                        if let Some(job) = todo.take() {
                            finish_with(g, job(stopped));
                        }
                    });
                    job = todo;
                    if sched.done.load(SeqCst) {
                        return Then::Exit;
                    }
                }
                Then::Run
            }
            _ => match extra(g).trap.take() {
                Some(trap) => unwind::trap(cx, trap),
                None => unwind::trap(cx, Trap::Fatal("native failed without a reason".into())),
            },
        }
    }
}

/// Looks a method up for an inline cache: 0 if the interface is nil. `pc` is behind the `CallI` word.
#[cold]
#[inline(never)]
pub unsafe fn find_method(cx: *mut Ctx, pc: *const u64, ty: u32) -> u64 {
    unsafe {
        if ty == 0 {
            return 0;
        }
        let Some(Entry(entry)) = (*cx).rt().find_method(ty, *pc as u32) else { return 0 };
        let cache = (ty as u64) << 48 | entry;
        slice::store(pc.add(1) as *mut u64, cache);
        cache
    }
}

/// Where the function of a reflect.Value begins; null: a nil function. The packed arguments were made for it.
#[inline(never)]
pub unsafe fn reflected(cx: *mut Ctx, word: u64, flag: u64) -> *const u64 {
    unsafe {
        let rt = (*cx).rt();
        match crate::value::reflect::callee(&rt.env, word, flag) {
            Some(Callee::Closure(0)) | None => null_mut(),
            Some(Callee::Closure(closure)) => *(closure as *const u64) as *const u64,
            Some(Callee::Method { func, .. }) => rt.pc_at(rt.program.funcs[func.0 as usize].entry),
        }
    }
}

/// Writes packed arguments (their place, their number, their words) into a callee's window.
pub unsafe fn unpack(base: *mut u64, packed: u64) {
    unsafe {
        let p = packed as *const u64;
        if !p.is_null() {
            let (at, count) = (*p as usize, *p.add(1) as usize);
            for i in 0..count {
                *base.add(at + i) = *p.add(2 + i);
            }
        }
    }
}

/// Makes a G that will run the function at `entry`; its parameters are still to be written to the returned frame.
/// `None`: no memory.
pub(super) unsafe fn new_g(cx: *mut Ctx, entry: *const u64, stub: u32, at: u32) -> Option<(*mut G, *mut u64)> {
    unsafe {
        let rt = (*cx).rt();
        if !rt.limits.allows_goroutine(rt, rt.sched.slabs.count.load(Relaxed)) {
            return None;
        }
        let g = (*cx).p.take_free();
        if g.is_null() {
            return None;
        }
        let header = FrameHeader::unpack(*entry.sub(1));
        let need = header.slots as usize + 2;
        (*g).base = (*g).stack.add(1);
        if need > (*g).stack_end.offset_from((*g).stack) as usize
            && !memory::grow_stack(cx, g, need.max(MIN_GROWN_SLOTS))
        {
            (*cx).p.put_free(g);
            return None;
        }
        let base = (*g).stack.add(1);
        (*g).base = base;
        (*g).pc = entry;
        (*g).resume = resume::NONE;
        (*g).handed = false;
        (*g).made_at = at;
        (*g).scanned.store((*cx).p.round, Relaxed);
        (*g).id = (*cx).p.new_id();
        let parent = (*cx).side.g;
        (*g).parent = if parent.is_null() { 0 } else { (*parent).id };
        (*g).group.store(if parent.is_null() { 0 } else { (*parent).group.load(Relaxed) }, Relaxed);
        (*g).labels = if parent.is_null() { 0 } else { (*parent).labels };
        *base.sub(1) = (*cx).rt().pc_at(stub) as u64;
        for i in 0..header.zero_len as usize {
            *base.add(header.zero_start as usize + i) = 0;
        }
        let started = &(*cx).p.started;
        started.store(started.load(Relaxed) + 1, Relaxed);
        Some((g, base))
    }
}

#[inline(never)]
pub unsafe fn go_func(
    cx: *mut Ctx,
    func: usize,
    args: *const u64,
    results: usize,
    count: usize,
    pc: *const u64,
) -> bool {
    unsafe {
        let rt = (*cx).rt();
        let entry = rt.pc_at(rt.program.funcs[func].entry);
        let Some((g, base)) = new_g(cx, entry, rt.stubs.g_exit, rt.index_of(pc) - 1) else { return false };
        for i in 0..count {
            *base.add(results + i) = *args.add(i);
        }
        (*cx).p.ready(g);
        true
    }
}

#[inline(never)]
pub unsafe fn go_closure(
    cx: *mut Ctx,
    closure: u64,
    args: *const u64,
    results: usize,
    count: usize,
    pc: *const u64,
) -> bool {
    unsafe {
        let rt = (*cx).rt();
        let entry = *(closure as *const u64) as *const u64;
        let Some((g, base)) = new_g(cx, entry, rt.stubs.g_exit, rt.index_of(pc) - 1) else { return false };
        for i in 0..count {
            *base.add(results + i) = *args.add(i);
        }
        *base.add(results + count) = closure;
        (*cx).p.ready(g);
        true
    }
}

/// Makes the first G.
pub unsafe fn start_main(cx: *mut Ctx) -> bool {
    unsafe {
        let rt = (*cx).rt();
        let Some(entry) = rt.program.entry else { return false };
        let entry = rt.pc_at(rt.program.funcs[entry.0 as usize].entry);
        let Some((g, _)) = new_g(cx, entry, rt.stubs.halt, 0) else { return false };
        (*cx).p.ready(g);
        true
    }
}

/// Makes a G for a timer's closure.
pub unsafe fn start_timer_closure(cx: *mut Ctx, closure: u64, group: u32) {
    unsafe {
        let rt = (*cx).rt();
        rt.env.heap.shade(closure);
        let entry = *(closure as *const u64) as *const u64;
        if let Some((g, base)) = new_g(cx, entry, rt.stubs.g_exit, 0) {
            *base = closure;
            (*g).labels = 0;
            (*g).group.store(group, Relaxed);
            (*cx).p.ready_last(g, Cause::Timer);
        }
    }
}

/// The running G has ended.
#[inline(always)]
pub unsafe fn end_g(cx: *mut Ctx) {
    unsafe {
        let g = (*cx).side.g;
        (*cx).side.g = null_mut();
        (*g).home = 0;
        (*g).locks = 0;
        if (*g).stack_end.offset_from((*g).stack) as usize > KEPT_STACK_SLOTS {
            memory::drop_stack(cx, g);
        }
        if !(*g).extra.is_null() {
            extra(g).clear();
        }
        if let Some(session) = &(*cx).rt().session {
            session.ended((*cx).rt(), g);
        }
        let ended = &(*cx).p.ended;
        ended.store(ended.load(Relaxed) + 1, Relaxed);
        (*cx).p.put_free(g);
    }
}

/// The next G is locked to another M.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn send_home(cx: *mut Ctx, g: *mut G) -> u64 {
    unsafe {
        (*cx).side.g = null_mut();
        (*cx).p.send_home(g);
    }
    super::ops::back::NEED_G
}

/// `main` has returned.
#[cold]
#[inline(never)]
pub unsafe fn end_main(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        if rt.leaks {
            super::explain::end_with_leaks(cx);
        } else {
            let g = (*cx).side.g;
            (*g).pc = rt.pc_at(rt.stubs.halt);
            (*g).base = (*g).stack.add(1);
            super::sampling::before_exit(cx);
            rt.end(0);
        }
    }
}

/// Waits for what never comes.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn park_forever(
    pc: *const u64,
    r: *mut u64,
    cx: *mut Ctx,
    n: i64,
    t: *const H,
    reason: WaitReason,
) -> u64 {
    unsafe {
        let g = (*cx).side.g;
        (*g).pc = pc;
        (*g).base = r;
        (*cx).p.park(g, reason);
        (*cx).p.budget = n;
        resched!(cx, t)
    }
}

/// `select`. A G woken from one comes here again, since its pc was left at the instruction.
#[inline(never)]
pub unsafe extern "C" fn select(pc: *const u64, r: *mut u64, cx: *mut Ctx, n: i64, t: *const H) -> u64 {
    unsafe {
        let n = n - 16;
        fail::save(pc.sub(1), r, cx, n);
        match choose(cx, *pc.sub(1)) {
            SELECT_CLOSED => fail::send_closed(pc, r, cx, n, t),
            SELECT_FOREIGN => fail::select_foreign(pc, r, cx, n, t),
            SEND_FOREIGN => fail::send_foreign(pc, r, cx, n, t),
            RECV_FOREIGN => fail::recv_foreign(pc, r, cx, n, t),
            SELECT_PARKED => resched!(cx, t),
            chosen => {
                *r.add((*pc.sub(1) >> 16) as u16 as usize) = chosen as u64;
                if n < 0 {
                    return safepoint(pc, r, cx, n, t);
                }
                next!(pc, r, cx, n, t)
            }
        }
    }
}

/// What [`choose`] gives beside a case's index and -1, the default case.
const SELECT_CLOSED: i64 = -2;
const SELECT_PARKED: i64 = -3;
const SELECT_FOREIGN: i64 = -4;
/// A select of one case and a default is a send or a receive.
const SEND_FOREIGN: i64 = -5;
const RECV_FOREIGN: i64 = -6;

/// Chooses a case of the `select` instruction `w` of the running G, or parks it.
#[inline(never)]
unsafe fn choose(cx: *mut Ctx, w: u64) -> i64 {
    unsafe {
        let g = (*cx).side.g;
        let r = (*g).base;
        let table = &(*cx).rt().program.selects[(w >> 32) as usize];
        if (*g).resume == resume::RETRY {
            (*g).resume = resume::NONE;
            let chosen = extra(g).waiting.finish(g);
            if table.cases[chosen].send && (*g).handed {
                (*g).handed = false;
                return SELECT_CLOSED;
            }
            return chosen as i64;
        }
        let mut few = [Case { send: false, chan: null_mut(), value: null_mut(), ok: null_mut() }; 8];
        let mut many = Vec::new();
        let slot = |s: u16| if s == u16::MAX { null_mut() } else { r.add(s as usize) };
        let fill = table.cases.iter().map(|c| Case {
            send: c.send,
            chan: *r.add(c.chan as usize) as *mut _,
            value: slot(c.value),
            ok: slot(c.ok),
        });
        let cases: &[Case] = if table.cases.len() <= few.len() {
            for (to, from) in few.iter_mut().zip(fill) {
                *to = from;
            }
            &few[..table.cases.len()]
        } else {
            many.extend(fill);
            &many
        };
        if cases.iter().any(|c| !c.chan.is_null() && (*c.chan).is_foreign(g)) {
            return match cases {
                [one] if one.send => SEND_FOREIGN,
                [_] => RECV_FOREIGN,
                _ => SELECT_FOREIGN,
            };
        }
        let park = || {
            (*g).resume = resume::RETRY;
            (*cx).p.park(g, WaitReason::Select);
        };
        let mut rng = (*cx).p.rng.clone();
        let selected = extra(g).waiting.select(g, cases, table.has_default, &mut rng, park);
        (*cx).p.rng = rng;
        match selected {
            Selected::Case(i, woken) => {
                let c = cases[i];
                if (*cx).p.is_marking() && !c.send && !c.value.is_null() {
                    (*cx).rt().env.heap.shade_words(c.value, (*c.chan).elem_words() as usize);
                }
                if let Some(other) = woken {
                    (*cx).p.ready(other);
                }
                i as i64
            }
            Selected::Closed(_) => SELECT_CLOSED,
            Selected::Default => -1,
            Selected::Parked => SELECT_PARKED,
        }
    }
}

/// A G that is taken off a queue while it waits, by `close`.
pub unsafe fn ready_closed(cx: *mut Ctx, g: *mut G, sender: bool) {
    unsafe {
        if sender && (*g).resume != resume::RETRY {
            // A plain send runs again, and finds the channel closed.
            (*g).pc = (*g).pc.sub(1);
        } else {
            (*g).handed = sender;
        }
        debug_assert!((*g).status() == Status::Waiting);
        (*cx).p.ready(g);
    }
}
