//! Ps that fight for locks: what several of them would do at once, they do one after the other anyway, and each lock costs them
//! the way of its word from one processor to the next.
//!
//! A P that finds a lock taken many times within one time slice becomes the *keeper* for a while: on all others a G that finds a lock
//! taken parks at once, and goes on where the lock is let go. So those that want the lock gather on the keeper, where each finds it
//! free. Meanwhile no queue is shared with other Ps, which would take them away again. After a while it is tried anew whether
//! there is still a crowd; Gs that have nothing to do with it wait no longer than that for another P.
use super::Sched;
use super::p::P;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

/// Locks found taken within a slice: about one in a microsecond.
const MANY: u32 = 16;

const CROWD_NS: i64 = 2_000_000;

/// Hints; nothing else depends on them.
#[derive(Default)]
pub struct Crowd {
    keeper: AtomicUsize,
    /// 0: there never was one.
    until: AtomicI64,
}

impl Sched {
    /// Those who wait for a lock are gathering.
    pub fn is_crowded(&self) -> bool {
        let until = self.crowd.until.load(Relaxed);
        until != 0 && self.decide.now() < until
    }
}

impl P {
    /// A G finds a lock taken. Whether it had better park than look again.
    pub fn gives_way(&mut self) -> bool {
        if self.sched().is_crowded() {
            return self.sched().crowd.keeper.load(Relaxed) != self.id;
        }
        if self.fought.0 != self.slices {
            self.fought = (self.slices, 0);
        }
        self.fought.1 += 1;
        if self.fought.1 >= MANY {
            let crowd = &self.sched().crowd;
            crowd.keeper.store(self.id, Relaxed);
            crowd.until.store(self.sched().decide.now() + CROWD_NS, Relaxed);
        }
        false
    }
}
