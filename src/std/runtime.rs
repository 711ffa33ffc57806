//! Natives of `runtime` that touch the scheduler.
use crate::bytecode::program::Kind;
use crate::heap::Call;
use crate::sched::g::G;
use crate::value::native::{Cx, GOEXIT, NativeEntry, NativeResult, Outcome, Trap};
use crate::value::slice;
use std::sync::atomic::Ordering::*;

pub const NATIVES: &[NativeEntry] = &[
    ("runtime.Gosched", |_| Ok(Outcome::Yield)),
    ("runtime.Goexit", |_| Err(Trap::Fatal(GOEXIT.into()))),
    ("runtime.Breakpoint", |_| Err(Trap::Fatal("SIGTRAP: trace trap".into()))),
    ("runtime.GOMAXPROCS", gomaxprocs),
    ("runtime.LockOSThread", lock_os_thread),
    ("runtime.UnlockOSThread", unlock_os_thread),
    ("runtime.NumCPU", num_cpu),
    ("runtime.NumGoroutine", num_goroutine),
    ("runtime.GC", |_| Ok(Outcome::Collect)),
    ("runtime.Stack", stack),
    ("runtime.callers", callers),
    ("runtime.place", place),
    ("runtime.memStats", mem_stats),
    ("runtime.addCleanup", add_cleanup),
    ("runtime.dropCleanup", drop_cleanup),
    ("runtime.SetFinalizer", set_finalizer),
    ("weak.register", weak_register),
    ("weak.load", weak_load),
    ("runtime/debug.setGCPercent", set_gc_percent),
    ("runtime/debug.setMemoryLimit", set_memory_limit),
    ("runtime/debug.freeMemory", free_memory),
    ("runtime/debug.SetMaxStack", set_max_stack),
    ("runtime/debug.traceAll", trace_all),
    ("runtime/debug.SetMaxThreads", set_max_threads),
];

fn gomaxprocs(cx: &mut Cx) -> NativeResult {
    let sched = cx.side.sched();
    let (old, n) = (sched.asked_procs(), cx.int(0));
    if n < 1 || n as usize == old || sched.decide.seeded() {
        if n >= 1 {
            sched.ask_procs(n as usize);
        }
        cx.set_int(0, old as i64);
        return Ok(Outcome::Done);
    }
    Ok(Outcome::StopTheWorld(Box::new(move |stopped| {
        stopped.resize(n as usize);
        Box::new(move |cx| {
            cx.set_int(0, old as i64);
            Ok(Outcome::Done)
        })
    })))
}

/// From now on the G runs on this M only.
fn lock_os_thread(cx: &mut Cx) -> NativeResult {
    // SAFETY: the running G, and its P.
    unsafe {
        let g = cx.side.g;
        let Some(locks) = (*g).locks.checked_add(1) else {
            return Err(Trap::Fatal("LockOSThread nesting overflow".into()));
        };
        (*g).locks = locks;
        (*g).home = (*cx.side.p).id as u16 + 1;
    }
    Ok(Outcome::Done)
}

fn unlock_os_thread(cx: &mut Cx) -> NativeResult {
    // SAFETY: the running G.
    unsafe {
        let g = cx.side.g;
        (*g).locks = (*g).locks.saturating_sub(1);
        if (*g).locks == 0 {
            (*g).home = 0;
        }
    }
    Ok(Outcome::Done)
}

fn num_cpu(cx: &mut Cx) -> NativeResult {
    let sched = cx.side.sched();
    let n = match sched.decide.seeded() {
        // What a program prints is not to depend on the machine.
        true => sched.cpus,
        false => std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

fn num_goroutine(cx: &mut Cx) -> NativeResult {
    let n = cx.side.sched().alive();
    cx.set_int(0, n as i64);
    Ok(Outcome::Done)
}

/// `memStats(ring *pauses) (alloc, total, sys, mallocs, frees, next, pauses, gcs, last uint64)`
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
    // As Go keeps them: pause number n at (n + 255) % 256.
    let ring = cx.words_at(0, 2 * PAUSES)?;
    let first = s.num_gc - s.pauses.len() as u64;
    let clock = cx.env.door.shows_clock();
    for (i, &(ns, end)) in s.pauses.iter().enumerate() {
        let at = (first as usize + i) % PAUSES;
        ring[at].set(ns);
        ring[PAUSES + at].set(if clock { end } else { 0 });
    }
    cx.set_word(8, s.pauses.back().filter(|_| clock).map_or(0, |p| p.1));
    Ok(Outcome::Done)
}

/// Pauses that MemStats remembers.
const PAUSES: usize = 256;

/// `addCleanup(ptr any, call func()) uint64`
fn add_cleanup(cx: &mut Cx) -> NativeResult {
    let id = cx.env.heap.watch(cx.word(0), Call::Cleanup(cx.word(1)));
    cx.set_word(0, id);
    Ok(Outcome::Done)
}

/// `dropCleanup(id uint64)`
fn drop_cleanup(cx: &mut Cx) -> NativeResult {
    let id = cx.word(0);
    cx.env.heap.unwatch(|w| w.id == id);
    Ok(Outcome::Done)
}

/// `SetFinalizer(obj, finalizer any)`: nil takes the finalizer away.
fn set_finalizer(cx: &mut Cx) -> NativeResult {
    let (object, function) = (cx.word(0), cx.word(1));
    let fatal = |text: String| Err(Trap::Fatal(format!("runtime.SetFinalizer: {text}")));
    if object == 0 {
        return fatal("first argument is nil".into());
    }
    let t = cx.rtype(cx.iface_type(object));
    if t.kind != Kind::Pointer {
        return fatal(format!("first argument is {}, not pointer", t.name));
    }
    let heap = &cx.env.heap;
    if function == 0 {
        heap.unwatch(|w| w.finalizes(object));
        return Ok(Outcome::Done);
    }
    let f = cx.rtype(cx.iface_type(function));
    if f.kind != Kind::Func {
        return fatal(format!("second argument is {}, not a function", f.name));
    }
    let fits = f.params.first().is_some_and(|p| *p == cx.iface_type(object) || cx.rtype(*p).kind == Kind::Interface);
    if f.params.len() != 1 || !fits {
        return fatal(format!("cannot pass {} to finalizer {}", t.name, f.name));
    }
    heap.unwatch(|w| w.finalizes(object));
    heap.watch(object, Call::Finalizer(function, object));
    Ok(Outcome::Done)
}

/// `register(p any) *uint64`
fn weak_register(cx: &mut Cx) -> NativeResult {
    let word = cx.word(0);
    let cell = match cx.env.heap.weak_cell(word) {
        Some(cell) => cell,
        None => {
            let cell = cx.new_scalar(word)?;
            cx.env.heap.set_weak_cell(word, cell)
        }
    };
    cx.set_word(0, cell);
    Ok(Outcome::Done)
}

/// `load(cell *uint64) any`
fn weak_load(cx: &mut Cx) -> NativeResult {
    let word = cx.words_at(0, 1)?[0].get();
    // Nothing else may lead there.
    cx.env.heap.shade(word);
    cx.set_word(0, word);
    Ok(Outcome::Done)
}

/// `setGCPercent(percent int) int`
fn set_gc_percent(cx: &mut Cx) -> NativeResult {
    let old = cx.env.heap.set_gc_percent(cx.int(0).max(-1));
    cx.set_int(0, old);
    Ok(Outcome::Done)
}

/// `setMemoryLimit(limit int64) int64`: a negative limit only asks.
fn set_memory_limit(cx: &mut Cx) -> NativeResult {
    let most = i64::MAX as usize;
    let old = match usize::try_from(cx.int(0)) {
        Ok(limit) => cx.env.heap.set_memory_limit(if limit == most { usize::MAX } else { limit }),
        Err(_) => cx.env.heap.memory_limit(),
    };
    cx.set_int(0, old.min(most) as i64);
    Ok(Outcome::Done)
}

/// `freeMemory()`: after a collection.
fn free_memory(cx: &mut Cx) -> NativeResult {
    cx.env.heap.free_os_memory();
    Ok(Outcome::Done)
}

/// `SetMaxStack(bytes int) int`
fn set_max_stack(cx: &mut Cx) -> NativeResult {
    let old = cx.env.max_stack_bytes.swap(cx.int(0) as usize, Relaxed);
    cx.set_int(0, old as i64);
    Ok(Outcome::Done)
}

/// `traceAll(all bool)`
fn trace_all(cx: &mut Cx) -> NativeResult {
    cx.env.trace_all.store(cx.word(0) != 0, Relaxed);
    Ok(Outcome::Done)
}

/// `SetMaxThreads(threads int) int`
fn set_max_threads(cx: &mut Cx) -> NativeResult {
    let asked = cx.int(0);
    let sched = cx.side.sched();
    let old = sched.jobs.max_threads.swap(asked.clamp(0, i32::MAX as i64) as usize, SeqCst);
    // One more looks at the run from beside it.
    let threads = sched.started_ms() + sched.jobs.threads() + 1;
    if (threads as i64) > asked {
        let limit = asked.min(i32::MAX as i64) as i32;
        let _ = cx.env.host.stderr(format!("runtime: program exceeds {limit}-thread limit\n").as_bytes());
        return Err(Trap::Fatal("thread exhaustion".into()));
    }
    cx.set_int(0, old as i64);
    Ok(Outcome::Done)
}

/// `Stack(buf []byte, all bool) int`: for all goroutines the world is stopped.
fn stack(cx: &mut Cx) -> NativeResult {
    let Some(tracer) = cx.env.tracer.get().copied() else {
        cx.set_int(0, 0);
        return Ok(Outcome::Done);
    };
    if cx.word(1) == 0 {
        let text = (tracer.text)(tracer.rt, cx.side.g);
        let n = cx.copy_into_bytes(0, &text);
        cx.set_int(0, n as i64);
        return Ok(Outcome::Done);
    }
    let g = cx.side.g as usize;
    Ok(Outcome::StopTheWorld(Box::new(move |_| {
        let text = (tracer.all)(tracer.rt, g as *mut G);
        Box::new(move |cx| {
            let n = cx.copy_into_bytes(0, &text);
            cx.set_int(0, n as i64);
            Ok(Outcome::Done)
        })
    })))
}

/// `callers(skip int, pc []uintptr) int`
fn callers(cx: &mut Cx) -> NativeResult {
    let list = cx.slice(1);
    let skip = usize::try_from(cx.int(0)).unwrap_or(0);
    let found = cx.env.tracer.get().map_or_else(Vec::new, |t| (t.callers)(t.rt, cx.side.g, skip, list.len));
    for (i, place) in found.iter().enumerate() {
        // SAFETY: the list has room for them.
        unsafe { slice::store((list.data as *mut u64).add(i), *place) };
    }
    cx.set_int(0, found.len() as i64);
    Ok(Outcome::Done)
}

/// `place(pc uintptr) (entry uintptr, function, file string, line int)`
fn place(cx: &mut Cx) -> NativeResult {
    match cx.env.tracer.get().and_then(|t| (t.place)(t.rt, cx.word(0))) {
        Some(f) => {
            cx.set_word(0, f.entry);
            cx.set_str(1, f.function.as_bytes())?;
            cx.set_str(2, f.file.as_bytes())?;
            cx.set_int(3, f.line as i64);
        }
        None => (0..4).for_each(|i| cx.set_word(i, 0)),
    }
    Ok(Outcome::Done)
}
