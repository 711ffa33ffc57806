//! Natives of `runtime/pprof`, and those of `runtime` that are about profiles.
use crate::bytecode::program::index_of;
use crate::profile::build::{self, About};
use crate::profile::record::{Cpu, Key, Recorder, Table};
use crate::profile::text;
use crate::value::env::{Env, Tracer};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use crate::value::profiles;
use crate::value::slice;
use std::sync::atomic::Ordering::*;

pub const NATIVES: &[NativeEntry] = &[
    ("runtime/pprof.startCPU", start_cpu),
    ("runtime/pprof.stopCPU", stop_cpu),
    ("runtime/pprof.snapshot", snapshot),
    ("runtime/pprof.askLeaks", ask_leaks),
    ("runtime/pprof.custom", custom),
    ("runtime/pprof.setLabels", set_labels),
    ("runtime.records", records),
    ("runtime.watchRate", watch_rate),
    ("runtime.SetBlockProfileRate", set_block_rate),
    ("runtime.SetMutexProfileFraction", set_mutex_fraction),
];

/// Changes what is noted, with the world stopped; then `done` writes the results.
fn switch(
    cx: &mut Cx,
    change: impl Fn(&Recorder) + Send + 'static,
    done: impl FnOnce(&mut Cx) -> Result<(), Trap> + Send + 'static,
) -> NativeResult {
    let Some(tracer) = cx.env.tracer.get().copied() else {
        done(cx)?;
        return Ok(Outcome::Done);
    };
    Ok(Outcome::StopTheWorld(Box::new(move |_| {
        (tracer.switch)(tracer.rt, &change);
        Box::new(move |cx| {
            done(cx)?;
            Ok(Outcome::Done)
        })
    })))
}

/// `startCPU(hz int) (ok bool)`
fn start_cpu(cx: &mut Cx) -> NativeResult {
    let began = (cx.env.clock)();
    // Who may not know the time may know what was done.
    let by_time = cx.env.door.shows_clock() && !cx.env.recorder.by_instructions;
    let hz = if by_time { cx.int(0).clamp(1, 1000) } else { 0 };
    let ok = cx.env.recorder.cpu.lock().is_none();
    switch(
        cx,
        move |recorder| {
            recorder.cpu.lock().get_or_insert_with(|| Cpu::new(hz, began));
        },
        move |cx| {
            cx.set_bool(0, ok);
            Ok(())
        },
    )
}

/// `stopCPU() []byte`
fn stop_cpu(cx: &mut Cx) -> NativeResult {
    let cpu = cx.env.recorder.cpu.lock().take();
    let bytes = cpu.map(|c| profiles::cpu(cx.env, &c).encode()).unwrap_or_default();
    switch(
        cx,
        |_| {},
        move |cx| {
            let w = cx.new_bytes(&bytes)?;
            cx.set_word(0, w);
            Ok(())
        },
    )
}

/// Threads that run goroutines or block for them; nobody knows where they were made.
fn threads(cx: &Cx) -> Table {
    let sched = cx.side.sched();
    let mut table = Table::default();
    table.add(Key::default(), [(sched.started_ms() + sched.jobs.threads()) as i64, 0, 0, 0]);
    table
}

/// The bytes of a count in a file, or as a text.
fn counted(env: &Env, name: &str, table: &Table, debug: bool) -> Vec<u8> {
    profiles::about(env, |about| match debug {
        true => text::counts(about, name, table).into_bytes(),
        false => build::counts(about, name, table).encode(),
    })
}

/// Calls `f` with where all goroutines are, then goes on.
fn with_goroutines(cx: &mut Cx, f: impl FnOnce(&mut Cx, &Table) -> Result<(), Trap> + Send + 'static) -> NativeResult {
    let Some(Tracer { rt, goroutines, .. }) = cx.env.tracer.get().copied() else {
        f(cx, &Table::default())?;
        return Ok(Outcome::Done);
    };
    Ok(Outcome::StopTheWorld(Box::new(move |_| {
        let table = goroutines(rt);
        Box::new(move |cx| {
            f(cx, &table)?;
            Ok(Outcome::Done)
        })
    })))
}

/// `snapshot(name string, debug bool) []byte`
fn snapshot(cx: &mut Cx) -> NativeResult {
    let (env, debug) = (cx.env, cx.bool(1));
    let recorder = &env.recorder;
    let waits = |about: &About, name: &str, table: &Table, rate| match debug {
        true => text::waits(about, name, table, rate).into_bytes(),
        false => build::waits(about, table).encode(),
    };
    let name = cx.str(0);
    let bytes = match name {
        b"goroutine" => {
            return with_goroutines(cx, move |cx, table| {
                let bytes = counted(cx.env, "goroutine", table, debug);
                let w = cx.new_bytes(&bytes)?;
                cx.set_word(0, w);
                Ok(())
            });
        }
        b"goroutineleak" => {
            let table = env.leaks.lock().profile.take().unwrap_or_default();
            counted(env, "goroutineleak", &table, debug)
        }
        b"threadcreate" => counted(env, "threadcreate", &threads(cx), debug),
        b"block" => profiles::about(env, |a| waits(a, "contention", &recorder.block.lock(), None)),
        b"mutex" => {
            let rate = recorder.mutex_rate.load(Relaxed);
            profiles::about(env, |a| waits(a, "mutex", &recorder.mutex.lock(), Some(rate)))
        }
        _ => profiles::with_heap(env, |table| {
            let rate = profiles::memory_rate(env);
            profiles::about(env, |a| match debug {
                true => text::heap(a, table, rate).into_bytes(),
                false => build::heap(a, table, rate, name == b"allocs").encode(),
            })
        }),
    };
    let w = cx.new_bytes(&bytes)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// `askLeaks()`: a collection looks for goroutines that can never run again.
fn ask_leaks(cx: &mut Cx) -> NativeResult {
    cx.env.leaks.lock().profile_wanted = true;
    Ok(Outcome::Collect)
}

/// `custom(name string, debug bool, stacks []uintptr) []byte`: each stack is its length, then what Callers gave.
fn custom(cx: &mut Cx) -> NativeResult {
    let (name, debug) = (String::from_utf8_lossy(cx.str(0)).into_owned(), cx.bool(1));
    let mut table = Table::default();
    let mut words = words_of(cx.word(2)).into_iter();
    while let Some(n) = words.next() {
        // What is below `main`, or a panic, has no place in the program.
        let stack = words.by_ref().take(n as usize).filter_map(index_of).collect();
        table.add(Key { stack, ..Key::default() }, [1, 0, 0, 0]);
    }
    let bytes = counted(cx.env, &name, &table, debug);
    let w = cx.new_bytes(&bytes)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// The elements of a slice of words.
fn words_of(word: u64) -> Vec<u64> {
    // SAFETY: the compiler put a slice of words here; nothing is collected meanwhile.
    unsafe {
        let list = slice::parts(word);
        (0..list.len).map(|i| slice::load((list.data as *const u64).add(i))).collect()
    }
}

/// `setLabels(list []string)`: keys and values, which never change.
fn set_labels(cx: &mut Cx) -> NativeResult {
    // SAFETY: the running G.
    unsafe {
        cx.env.heap.shade((*cx.side.g).labels);
        (*cx.side.g).labels = cx.word(0);
    }
    Ok(Outcome::Done)
}

/// Samples of a table as numbers: four values, the length of the stack, the stack.
fn flat(env: &Env, table: &Table) -> Vec<u64> {
    profiles::about(env, |about| {
        let mut out = Vec::new();
        for (key, values) in &table.list {
            out.extend(values.map(|v| v as u64));
            out.push(key.stack.len() as u64);
            out.extend(key.stack.iter().map(|&f| (about.symbol)(f).address));
        }
        out
    })
}

/// `records(kind string) []uint64`: see [`flat`].
fn records(cx: &mut Cx) -> NativeResult {
    let env = cx.env;
    let list = match cx.str(0) {
        b"goroutine" => {
            return with_goroutines(cx, |cx, table| {
                let list = flat(cx.env, table);
                let w = cx.new_words(&list, false)?;
                cx.set_word(0, w);
                Ok(())
            });
        }
        b"threadcreate" => {
            let table = threads(cx);
            let n = table.list[0].1[0] as usize;
            [1, 0, 0, 0, 0].repeat(n)
        }
        b"block" => flat(env, &env.recorder.block.lock()),
        b"mutex" => flat(env, &env.recorder.mutex.lock()),
        _ => profiles::with_heap(env, |table| flat(env, table)),
    };
    let w = cx.new_words(&list, false)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// `watchRate(rate *int) bool`: where the program says how often the heap is to be sampled.
fn watch_rate(cx: &mut Cx) -> NativeResult {
    cx.env.recorder.memory_rate_at.store(cx.word(0) as usize, Relaxed);
    switch(
        cx,
        |_| {},
        |cx| {
            cx.set_bool(0, true);
            Ok(())
        },
    )
}

/// `SetBlockProfileRate(rate int)`
fn set_block_rate(cx: &mut Cx) -> NativeResult {
    let rate = cx.int(0).max(0);
    switch(cx, move |recorder| recorder.block_rate.store(rate, Relaxed), |_| Ok(()))
}

/// `SetMutexProfileFraction(rate int) int`: a negative one only asks.
fn set_mutex_fraction(cx: &mut Cx) -> NativeResult {
    let (old, rate) = (cx.env.recorder.mutex_rate.load(Relaxed), cx.int(0));
    let done = move |cx: &mut Cx| {
        cx.set_int(0, old);
        Ok(())
    };
    if rate < 0 {
        done(cx)?;
        return Ok(Outcome::Done);
    }
    switch(cx, move |recorder| recorder.mutex_rate.store(rate, Relaxed), done)
}
