//! A P's local run queue: a ring of 256, one producer (its M), several consumers (its M and thieves).
//!
//! Only the owner writes `tail`; whoever moves `head` by compare-and-swap owns the entries it moved over. An entry is
//! read before the swap: if the swap succeeds, nobody can have overwritten it, for the owner reuses a place only after
//! `head` has passed it. The owner's Release store of `tail` pairs with the thieves' Acquire load; the Release half of
//! a consumer's swap pairs with the owner's Acquire load of `head` before it reuses a place.
//!
//! Rejected: crossbeam-deque's worker, which cannot move exactly half to the global queue, has no fixed size, and takes
//! an atomic read-modify-write where a P that is solo needs none.
use super::g::G;
use super::solo::Solo;
use crate::base::atomics::{AtomicPtr, AtomicU32};
use crate::base::limits::RUN_QUEUE_CAPACITY;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

const CAPACITY: u32 = RUN_QUEUE_CAPACITY as u32;

#[repr(C, align(128))]
pub struct RunQueue {
    head: AtomicU32,
    _apart: [u64; 15],
    tail: AtomicU32,
    ring: [AtomicPtr<G>; RUN_QUEUE_CAPACITY],
}

impl Default for RunQueue {
    fn default() -> Self {
        RunQueue {
            head: AtomicU32::new(0),
            _apart: [0; 15],
            tail: AtomicU32::new(0),
            ring: std::array::from_fn(|_| AtomicPtr::new(null_mut())),
        }
    }
}

impl RunQueue {
    #[inline(always)]
    fn place(&self, i: u32) -> &AtomicPtr<G> {
        &self.ring[(i % CAPACITY) as usize]
    }

    pub fn len(&self) -> usize {
        self.tail.load(Acquire).wrapping_sub(self.head.load(Acquire)) as usize
    }

    pub fn is_empty(&self) -> bool {
        self.head.load(SeqCst) == self.tail.load(SeqCst)
    }

    /// Owner only. `false`: full.
    #[inline(always)]
    pub fn push(&self, g: *mut G) -> bool {
        let tail = self.tail.load(Relaxed);
        if tail.wrapping_sub(self.head.load(Acquire)) >= CAPACITY {
            return false;
        }
        self.place(tail).store(g, Relaxed);
        self.tail.store(tail.wrapping_add(1), Release);
        true
    }

    /// Owner only; `solo` is its P's.
    #[inline(always)]
    pub fn pop(&self, solo: &Solo) -> *mut G {
        if solo.enter() {
            let head = self.head.load(Relaxed);
            let mut g = null_mut();
            if head != self.tail.load(Relaxed) {
                g = self.place(head).load(Relaxed);
                self.head.store(head.wrapping_add(1), Relaxed);
                // Its turn comes soon; an old entry does no harm.
                prefetch(self.place(head.wrapping_add(1)).load(Relaxed));
            }
            solo.leave();
            return g;
        }
        loop {
            let head = self.head.load(Acquire);
            if head == self.tail.load(Relaxed) {
                return null_mut();
            }
            let g = self.place(head).load(Relaxed);
            if self.head.compare_exchange(head, head.wrapping_add(1), AcqRel, Relaxed).is_ok() {
                prefetch(self.place(head.wrapping_add(1)).load(Relaxed));
                return g;
            }
        }
    }

    /// Takes the older half off, for the global queue or a thief; at least one if there is any.
    pub fn take_half(&self, out: &mut Vec<*mut G>) {
        loop {
            out.clear();
            let head = self.head.load(Acquire);
            let len = self.tail.load(Acquire).wrapping_sub(head);
            if len == 0 {
                return;
            }
            if len > CAPACITY {
                continue; // head moved between the two loads
            }
            let n = len - len / 2;
            out.extend((0..n).map(|i| self.place(head.wrapping_add(i)).load(Relaxed)));
            if self.head.compare_exchange(head, head.wrapping_add(n), AcqRel, Relaxed).is_ok() {
                return;
            }
        }
    }
}

/// Has the processor fetch a G and the first slots of its stack.
#[inline(always)]
fn prefetch(g: *mut G) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which may name any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let at = g as *const i8;
        _mm_prefetch(at, _MM_HINT_T0);
        _mm_prefetch(at.wrapping_add(size_of::<G>()), _MM_HINT_T0);
        _mm_prefetch(at.wrapping_add(size_of::<G>() + 64), _MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = g;
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_takes_half() {
        let q = RunQueue::default();
        for i in 1..=RUN_QUEUE_CAPACITY {
            assert!(q.push(i as *mut G));
        }
        assert!(!q.push(9999 as *mut G));
        let mut half = Vec::new();
        q.take_half(&mut half);
        assert_eq!(half.len(), RUN_QUEUE_CAPACITY / 2);
        assert_eq!(half[0] as usize, 1);
        let solo = Solo::shared();
        assert_eq!(q.pop(&solo) as usize, RUN_QUEUE_CAPACITY / 2 + 1);
        solo.begin();
        assert_eq!(q.pop(&solo) as usize, RUN_QUEUE_CAPACITY / 2 + 2);
    }

    #[test]
    fn thieves_and_owner_share_without_loss() {
        let q = std::sync::Arc::new(RunQueue::default());
        let total = 200_000usize;
        let taken = std::sync::atomic::AtomicUsize::new(0);
        let sum = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    let mut v = Vec::new();
                    while taken.load(SeqCst) < total {
                        q.take_half(&mut v);
                        for g in &v {
                            sum.fetch_add(*g as usize, SeqCst);
                        }
                        taken.fetch_add(v.len(), SeqCst);
                        v.clear();
                    }
                });
            }
            let solo = Solo::shared();
            let mut next = 1;
            while taken.load(SeqCst) < total {
                if next <= total && q.push(next as *mut G) {
                    next += 1;
                }
                if next % 3 == 0 {
                    let g = q.pop(&solo);
                    if !g.is_null() {
                        sum.fetch_add(g as usize, SeqCst);
                        taken.fetch_add(1, SeqCst);
                    }
                }
            }
        });
        assert_eq!(sum.load(SeqCst), total * (total + 1) / 2);
    }
}
