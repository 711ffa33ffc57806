//! A P that runs alone needs no atomic read-modify-write.
//!
//! While all other Ps of the VM are idle, nobody can come between two steps of the one that runs. It is then *solo*: channels,
//! locks, wait groups and its run queue are changed by plain loads and stores, each such change inside a *section*.
//! Whoever takes another P off the idle list ends that first, under the lock of the list:
//!
//! - the P enters a section: (1) sets `inside`, (2) looks at `shared`; if it is set, it leaves and goes the atomic way;
//! - who ends it: (1) sets `shared`, (2) waits until `inside` is clear.
//!
//! This needs a full fence between (1) and (2) on both sides. The P's would cost as much as what is saved, so the other one
//! pays for both: the system's `membarrier` has every running thread of the process pass a fence. Either it falls before
//! the P's (1), then the P sees `shared`; or after, then `inside` is seen. Leaving is a Release store, which pairs with the
//! waiter's Acquire load: what was done in sections is seen. The other way round, a P begins to be solo under the lock of
//! the idle list, which the others took when they went idle.
//!
//! Where there is no `membarrier`, only a VM that has never had a second P is solo.
use crate::base::atomics::{AtomicBool, spin_loop, yield_now};
use std::sync::atomic::Ordering::*;

/// One P's. Both words are written by its M only, but for the end of being solo.
pub struct Solo {
    shared: AtomicBool,
    inside: AtomicBool,
}

impl Solo {
    /// Of a P that shares its VM with others that run.
    pub fn shared() -> Solo {
        Solo { shared: AtomicBool::new(true), inside: AtomicBool::new(false) }
    }

    /// Whether the P is solo now; only a hint.
    #[inline(always)]
    pub fn is_solo(&self) -> bool {
        !self.shared.load(Relaxed)
    }

    /// Its M only. `true`: a section begins, which may not wait, nor end anybody's being solo.
    #[inline(always)]
    pub fn enter(&self) -> bool {
        self.inside.store(true, Relaxed);
        light_fence();
        if !self.shared.load(Relaxed) {
            return true;
        }
        self.inside.store(false, Relaxed);
        false
    }

    /// Its M only.
    #[inline(always)]
    pub fn leave(&self) {
        self.inside.store(false, Release);
    }

    /// Under the lock of the idle list, by its M, or before that runs.
    pub fn begin(&self) {
        self.shared.store(false, Relaxed);
    }

    /// By its M, outside of sections, or while that does not run.
    pub fn end_own(&self) {
        self.shared.store(true, Relaxed);
    }

    /// By anybody else: returns when the P is in no section and will not enter one.
    pub fn end(&self) {
        self.shared.store(true, Relaxed);
        heavy_fence();
        let mut tries = 0;
        while self.inside.load(Acquire) {
            tries += 1;
            if tries < 64 { spin_loop() } else { yield_now() }
        }
    }
}

#[cfg(not(loom))]
#[inline(always)]
fn light_fence() {
    std::sync::atomic::compiler_fence(SeqCst);
}

/// Has every thread of the process pass a fence, now.
#[cfg(all(target_os = "linux", not(loom)))]
fn heavy_fence() {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    std::sync::atomic::fence(SeqCst);
}

#[cfg(all(not(target_os = "linux"), not(loom)))]
fn heavy_fence() {
    unreachable!("solo without membarrier");
}

#[cfg(loom)]
fn light_fence() {
    loom::sync::atomic::fence(SeqCst);
}

#[cfg(loom)]
fn heavy_fence() {
    loom::sync::atomic::fence(SeqCst);
}

#[cfg(all(target_os = "linux", not(loom)))]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: a call without memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Asks the system for fences across threads, once for a process; cheap while it has one thread. `false`: there are none.
#[cfg(all(target_os = "linux", not(loom)))]
pub fn can_end() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

#[cfg(all(not(target_os = "linux"), not(loom)))]
pub fn can_end() -> bool {
    false
}
