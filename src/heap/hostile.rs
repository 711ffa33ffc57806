//! The hostile build (cargo feature `hostile`): what was missed by the collector is found at once instead of years later.
//!
//! - A collection is due at every safepoint; the more there have been and the more lives, the rarer, so that long
//!   programs end.
//! - What is freed is filled with [`POISON`], and blocks without live objects lie fallow for a while.
//! - An object that is marked for the first time and holds nothing but poison has been freed while something still led to
//!   it; so has one whose block is free. Both stop the process with the place that led there.
use super::block::BLOCK_BYTES;
use crate::base::limits::HOSTILE;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// No address, and as a pointer word it leads to nothing.
pub const POISON: u64 = 0xDEAD_BEEF_DEAD_BEEF;

/// Blocks that lie fallow before the oldest of them may be used again.
pub(super) const FALLOW_BLOCKS: usize = (16 << 20) / BLOCK_BYTES;

#[derive(Default)]
pub(super) struct Hostile {
    /// Safepoints seen, and the one at which the next collection is due.
    steps: AtomicU64,
    next: AtomicU64,
    done: AtomicU64,
    /// Words looked at by the last collection: large heaps are collected less often.
    pub looked: AtomicU64,
    starved: AtomicU64,
}

impl Hostile {
    /// Counts a safepoint; `true`: collect here.
    #[inline(always)]
    pub fn due(&self) -> bool {
        if !HOSTILE {
            return false;
        }
        let step = self.steps.fetch_add(1, Relaxed);
        if step < self.next.load(Relaxed) {
            return false;
        }
        let done = self.done.fetch_add(1, Relaxed);
        self.next.store(step + 1 + done / 500 + self.looked.load(Relaxed) / 100, Relaxed);
        true
    }
}

impl Hostile {
    /// Every so often an allocation is refused until a collection has been made.
    pub fn starve(&self) -> bool {
        self.starved.fetch_add(1, Relaxed) % 37 == 36
    }
}

/// Fills words with poison.
///
/// # Safety
/// The words are nobody's.
pub unsafe fn poison(at: *mut u64, words: usize) {
    for i in 0..words {
        // SAFETY: the caller's.
        unsafe { at.add(i).write(POISON) };
    }
}

/// Whether an object holds nothing but poison.
///
/// # Safety
/// So many words lie there.
pub unsafe fn is_poisoned(at: *const u64, words: usize) -> bool {
    // SAFETY: the caller's.
    words > 0 && (0..words).all(|i| unsafe { *at.add(i) } == POISON)
}
