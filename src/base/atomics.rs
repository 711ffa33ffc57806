//! The seam through which the concurrent kernels (run queue, channel, select, semaphores) get their atomics and locks: the
//! standard ones, or under `cfg(loom)` those of the model checker. The models in `tests/loom` compile the kernels' files
//! with this one; nothing else sets `cfg(loom)`.
#[cfg(loom)]
pub use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64},
    thread::yield_now,
};
#[cfg(not(loom))]
pub use std::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64},
    thread::yield_now,
};

#[cfg(not(loom))]
pub use parking_lot::Mutex;

/// As parking_lot's: `lock` cannot fail.
#[cfg(loom)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(loom)]
impl<T> Mutex<T> {
    pub fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}
