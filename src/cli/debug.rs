//! `$GMPLDEBUG`: what a run tells about itself, named as in Go's `GODEBUG`.
use crate::vm::RunOptions;
use std::time::Duration;

/// Sets what the variable says; what it does not know it leaves alone, as Go does.
pub fn apply(options: &mut RunOptions) {
    let Ok(text) = std::env::var("GMPLDEBUG") else { return };
    for (name, value) in text.split(',').filter_map(|o| o.split_once('=')) {
        match (name, value.parse::<u64>()) {
            ("gctrace", Ok(n)) => options.gctrace = n > 0,
            ("gcpauses", Ok(n)) => options.gcpauses = n > 0,
            ("gcconcurrent", Ok(n)) => options.concurrent = Some(n > 0),
            ("portable", Ok(n)) => options.portable = n > 0,
            ("schedtrace", Ok(n)) => options.watch.trace_every = (n > 0).then(|| Duration::from_millis(n)),
            ("scheddetail", Ok(n)) => options.watch.trace_detail = n > 0,
            _ => {}
        }
    }
}
