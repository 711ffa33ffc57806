//! The global queue: Gs that no P has, readied by threads without a P or given away by a P that has too many.
//!
//! Its length rises before a G is pushed and falls after one has been taken (and the rest of its chain is on the taker's
//! queue), so whoever reads 0 has missed nothing that was pushed before.
use super::Sched;
use super::g::{G, Status};
use super::p::P;
use super::trace::{Cause, Event, Kind};
use crate::base::limits::RUN_QUEUE_CAPACITY;
use crossbeam_deque::{Injector, Steal};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::*};

/// An entry is a chain of Gs: they come in lots, and go so.
#[derive(Default)]
pub struct Global {
    chains: Injector<usize>,
    len: AtomicUsize,
}

impl Sched {
    pub fn push_global(&self, g: *mut G) {
        self.push_global_batch(&[g]);
    }

    pub fn push_global_batch(&self, gs: &[*mut G]) {
        for lot in gs.chunks(RUN_QUEUE_CAPACITY / 2) {
            self.global.len.fetch_add(lot.len(), SeqCst);
            let chain = lot.iter().rev().fold(null_mut(), |next, &g| {
                // SAFETY: who puts Gs on a queue owns them.
                unsafe { (*g).link = next };
                g
            });
            self.global.chains.push(chain as usize);
        }
    }

    /// The first G of the global queue; those it is chained to go to the P's own, as far as that is not half full.
    #[inline]
    pub fn pop_global(&self, p: &P) -> *mut G {
        if self.global_len() == 0 { null_mut() } else { self.pop_chain(p) }
    }

    #[cold]
    #[inline(never)]
    fn pop_chain(&self, p: &P) -> *mut G {
        let first = loop {
            match self.global.chains.steal() {
                Steal::Success(g) => break g as *mut G,
                Steal::Empty => return null_mut(),
                Steal::Retry => std::hint::spin_loop(),
            }
        };
        let mut taken = 1;
        // SAFETY: a chain belongs to whoever took it off; a G on another queue is not touched again.
        unsafe {
            let mut g = (*first).link;
            while !g.is_null() {
                let next = (*g).link;
                if p.runq.len() >= RUN_QUEUE_CAPACITY / 2 || !p.runq.push(g) {
                    self.global.chains.push(g as usize);
                    break;
                }
                taken += 1;
                g = next;
            }
        }
        let by = (self.global.len.fetch_sub(taken, SeqCst) - taken) as u64;
        p.note(Event { by, n: taken as u32, ..Event::new(Kind::GlobalGet) });
        first
    }

    pub fn global_len(&self) -> usize {
        self.global.len.load(Relaxed)
    }

    /// As [`Sched::global_len`], by an M that has gone idle.
    pub(super) fn global_is_empty(&self) -> bool {
        self.global.len.load(SeqCst) == 0
    }

    /// Readies a G from a thread without a P, which has counted it among those that something outside may ready.
    ///
    /// # Safety
    /// The caller has taken the G off what it waited on.
    pub unsafe fn ready_outside(&self, g: *mut G, count: &AtomicUsize) {
        // SAFETY: the caller's.
        unsafe {
            self.note_readied(g, Cause::Job);
            (*g).set_status(Status::Runnable);
        }
        self.push_global(g);
        self.idle.leave_outside(self, count);
    }
}
