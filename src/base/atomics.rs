//! The seam through which the concurrent kernels (run queue, idle Ps, channel, select, semaphores) get their atomics and locks:
//! the standard ones, or under `cfg(loom)` those of the model checker. The models in `tests/loom` compile the kernels' files
//! with this one; nothing else sets `cfg(loom)`.
//!
//! The model checker takes sequentially consistent loads and stores for acquiring and releasing ones. Where a kernel needs a
//! store before a load of another word, it says so with a `fence(SeqCst)`.
#[cfg(loom)]
pub use loom::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence},
    thread::yield_now,
};
#[cfg(not(loom))]
pub use std::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, fence},
    thread::yield_now,
};

#[cfg(loom)]
pub use locks::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub use parking_lot::{Condvar, Mutex, MutexGuard};

/// loom's locks with parking_lot's faces.
#[cfg(loom)]
mod locks {
    use loom::sync as model;
    use std::ops::{Deref, DerefMut};

    /// As parking_lot's: `lock` cannot fail.
    pub struct Mutex<T>(model::Mutex<T>);

    /// Empty only while its owner sleeps.
    pub struct MutexGuard<'a, T>(Option<model::MutexGuard<'a, T>>);

    /// As parking_lot's: the guard stays the caller's.
    pub struct Condvar(model::Condvar);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex(model::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())))
        }

        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Mutex<T> {
            Mutex::new(T::default())
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().expect("awake")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("awake")
        }
    }

    impl Default for Condvar {
        fn default() -> Condvar {
            Condvar(model::Condvar::new())
        }
    }

    impl Condvar {
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.0.take().expect("awake");
            guard.0 = Some(self.0.wait(held).unwrap_or_else(|poisoned| poisoned.into_inner()));
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}
