//! Where Gs arrive that are locked to an M (`runtime.LockOSThread`).
//!
//! An M keeps its P for life, so a locked G is one that runs on one P only, its *home*. It is readied like any other, and may be
//! stolen; whichever P picks it puts it here instead of running it. Only the home's M takes it from here. Thus nothing that
//! readies or moves Gs has to know of locked ones.
use super::g::G;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::*};

#[derive(Default)]
pub struct Inbox {
    len: AtomicUsize,
    gs: Mutex<VecDeque<usize>>,
}

impl Inbox {
    /// The home's M is to be woken after.
    pub fn push(&self, g: *mut G) {
        let mut gs = self.gs.lock();
        gs.push_back(g as usize);
        self.len.store(gs.len(), SeqCst);
    }

    pub fn pop(&self) -> *mut G {
        let mut gs = self.gs.lock();
        let g = gs.pop_front();
        self.len.store(gs.len(), SeqCst);
        g.map_or(null_mut(), |g| g as *mut G)
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len.load(SeqCst) == 0
    }
}
