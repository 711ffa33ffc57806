//! What changes only while the world is stopped.
use std::cell::UnsafeCell;
use std::ops::Deref;

/// A table of a VM that a session replaces by a longer one. Everybody reads it without a lock; it is written while the
/// world is stopped, and nobody keeps a reference into it over a safepoint.
pub struct WorldCell<T>(UnsafeCell<T>);

// SAFETY: written only with the world stopped, which orders the write with every reader before and after.
unsafe impl<T: Send + Sync> Sync for WorldCell<T> {}

impl<T> WorldCell<T> {
    pub fn new(value: T) -> WorldCell<T> {
        WorldCell(UnsafeCell::new(value))
    }

    /// # Safety
    /// The world is stopped, or nobody else has the VM yet; no reference into the old value is alive.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller vouches for it.
        unsafe { *self.0.get() = value }
    }

    /// # Safety
    /// As [`WorldCell::set`].
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn get_mut(&self) -> &mut T {
        // SAFETY: the caller vouches for it.
        unsafe { &mut *self.0.get() }
    }
}

impl<T> Deref for WorldCell<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: nobody writes while the world runs.
        unsafe { &*self.0.get() }
    }
}
