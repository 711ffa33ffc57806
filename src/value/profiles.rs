//! The profiles of a run, made from what its recorder holds.
use super::env::{Env, Tracer};
use crate::heap::rate_at;
use crate::profile::build::{self, About, Place};
use crate::profile::pprof::Profile;
use crate::profile::record::{Cpu, Kind, Table};
use std::sync::atomic::Ordering::Relaxed;

/// Calls `f` with what is said of a whole profile.
pub fn about<T>(env: &Env, f: impl FnOnce(&About) -> T) -> T {
    let tracer: Option<&Tracer> = env.tracer.get();
    let symbol = |frame: u32| tracer.map_or_else(Place::default, |t| (t.frame)(t.rt, frame));
    let program = env.host.args().first().map_or("", String::as_str);
    f(&About { program, time_ns: (env.clock)().0, symbol: &symbol })
}

/// A CPU profile that has ended.
pub fn cpu(env: &Env, cpu: &Cpu) -> Profile {
    let now = (env.clock)().1;
    about(env, |about| build::cpu(about, cpu, now))
}

/// Bytes between two notes of the heap.
pub fn memory_rate(env: &Env) -> i64 {
    rate_at(env.recorder.memory_rate_at.load(Relaxed))
}

/// Calls `f` with what is known of the heap.
pub fn with_heap<T>(env: &Env, f: impl FnOnce(&Table) -> T) -> T {
    let mut table = env.recorder.heap.lock();
    for (number, objects, bytes) in env.heap.take_dead_samples() {
        table.add_to(number, [0, 0, objects as i64, bytes as i64]);
    }
    f(&table)
}

/// The run ends: writes what it was asked for, once.
pub fn finish(env: &Env) {
    let Some(wanted) = env.recorder.wanted.lock().take() else { return };
    let recorder = &env.recorder;
    for kind in wanted.kinds {
        let profile = match kind {
            Kind::Cpu => recorder.cpu.lock().take().map(|c| cpu(env, &c)),
            Kind::Memory => {
                Some(with_heap(env, |table| about(env, |a| build::heap(a, table, memory_rate(env), false))))
            }
            Kind::Block => Some(about(env, |a| build::waits(a, &recorder.block.lock()))),
            Kind::Mutex => Some(about(env, |a| build::waits(a, &recorder.mutex.lock()))),
        };
        if let Some(profile) = profile {
            (wanted.write)(kind, &profile.encode());
        }
    }
}
