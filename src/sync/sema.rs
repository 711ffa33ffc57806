//! Sleeping on an address: the wait queues under Mutex, RWMutex, WaitGroup and Cond, whose state words lie in the
//! program's own memory. A table of queues by address, split into shards with a lock each.
//!
//! # Mutex word
//! `LOCKED`, `WAITERS` (the address has a queue), `WOKEN` (a waiter was readied and has not tried yet: no second one is
//! woken), `STARVING`. Unlocking frees the mutex and readies the first waiter, which tries again: a running G that comes at the
//! same time often gets it first, which saves switches. A waiter that has missed it after `STARVATION_NS` sets
//! `STARVING`: from then on the mutex stays locked and is handed to the first in line, until one gets it that is the last
//! or has waited for less.
use super::chan::WaitQueue;
use crate::base::atomics::{AtomicU64, Mutex, fence};
use crate::sched::g::G;
use rustc_hash::FxHashMap;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

/// A power of two.
const SHARDS: usize = if cfg!(loom) { 1 } else { 64 };

struct Queue(WaitQueue);

// SAFETY: reached only under the shard's lock.
unsafe impl Send for Queue {}

pub struct SemaTable {
    shards: Vec<Mutex<FxHashMap<usize, Queue>>>,
}

impl Default for SemaTable {
    fn default() -> Self {
        SemaTable { shards: (0..SHARDS).map(|_| Mutex::new(FxHashMap::default())).collect() }
    }
}

/// What a lock operation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acquire {
    Acquired,
    /// The G waits and must try again when it goes on.
    Parked,
}

/// What a program did wrong with a WaitGroup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupMisuse {
    Negative,
    /// The counter left 0 before all who wait had been woken.
    AddDuringWait,
    /// Likewise, before one who had been woken went on.
    Reused,
}

impl GroupMisuse {
    /// What Go panics with.
    pub fn text(self) -> &'static str {
        match self {
            GroupMisuse::Negative => "sync: negative WaitGroup counter",
            GroupMisuse::AddDuringWait => "sync: WaitGroup misuse: Add called concurrently with Wait",
            GroupMisuse::Reused => "sync: WaitGroup is reused before previous Wait has returned",
        }
    }
}

const LOCKED: u64 = 1;
const WAITERS: u64 = 2;
const WOKEN: u64 = 4;
const STARVING: u64 = 8;

/// Looks at a locked mutex before parking.
const SPINS: u32 = 100;

/// As Go's.
const STARVATION_NS: i64 = 1_000_000;

const WRITER: u64 = 1;
const READER: u64 = 1 << 8;

/// `WaitNode::case` of a waiter on an RWMutex.
const WAITS_TO_READ: u32 = 1;
const WAITS_TO_WRITE: u32 = 2;

fn address(word: &AtomicU64) -> *mut u64 {
    word as *const AtomicU64 as *mut u64
}

/// Times as wait nodes keep them: about microseconds, which wrap around after more than an hour.
fn ticks(ns: i64) -> u32 {
    (ns >> 10) as u32
}

fn starves(since: u32, now: u32) -> bool {
    now.wrapping_sub(since) > (STARVATION_NS >> 10) as u32
}

/// How many readers an RWMutex word counts.
pub fn rw_readers(word: u64) -> u64 {
    word >> 8
}

impl SemaTable {
    fn shard(&self, addr: *const AtomicU64) -> &Mutex<FxHashMap<usize, Queue>> {
        &self.shards[(addr as usize >> 3).wrapping_mul(0x9E37_79B9) >> 8 & (SHARDS - 1)]
    }

    fn queue(map: &mut FxHashMap<usize, Queue>, addr: *const AtomicU64) -> &mut WaitQueue {
        &mut map.entry(addr as usize).or_insert_with(|| Queue(WaitQueue::new())).0
    }

    /// Takes a G off the queue it waits on, for good: it will not get what it waited for.
    ///
    /// # Safety
    /// The world is stopped, and `g` waits.
    pub unsafe fn forget(&self, g: *mut G) -> bool {
        // SAFETY: the node is the G's own; queues are reached under the shard's lock.
        unsafe {
            let n = &raw mut (*g).node;
            let addr = (*n).on as *const AtomicU64;
            let mut map = self.shard(addr).lock();
            match map.get_mut(&(addr as usize)) {
                Some(q) if (*n).queued => {
                    q.0.remove(n);
                    true
                }
                _ => false,
            }
        }
    }

    // ---- Mutex

    /// Who holds the mutex on another P most often frees it in a moment: waits as long as parking would take.
    pub fn spin(word: &AtomicU64) {
        for _ in 0..SPINS {
            if word.load(Relaxed) & (LOCKED | STARVING) != LOCKED {
                return;
            }
            std::hint::spin_loop();
        }
    }

    /// # Safety
    /// `word` is a mutex word, `g` the running G with its state written back for a retry.
    pub unsafe fn lock(
        &self,
        word: &AtomicU64,
        g: *mut G,
        retry: bool,
        now: impl FnOnce() -> i64,
        park: impl FnOnce(),
    ) -> Acquire {
        unsafe {
            if retry && (*g).handed {
                (*g).handed = false;
                return Acquire::Acquired;
            }
            if retry {
                word.fetch_and(!WOKEN, SeqCst);
            }
            let mut s = word.load(Relaxed);
            while s & LOCKED == 0 {
                match word.compare_exchange_weak(s, s | LOCKED, SeqCst, Relaxed) {
                    Ok(_) => return Acquire::Acquired,
                    Err(now) => s = now,
                }
            }
            let n = &raw mut (*g).node;
            let ticks = ticks(now());
            let since = if retry { (*n).case } else { ticks };
            let waits = if starves(since, ticks) { WAITERS | STARVING } else { WAITERS };
            let mut map = self.shard(word).lock();
            loop {
                let s = word.load(SeqCst);
                if s & LOCKED == 0 {
                    if word.compare_exchange(s, s | LOCKED, SeqCst, Relaxed).is_ok() {
                        return Acquire::Acquired;
                    }
                } else if word.compare_exchange(s, s | waits, SeqCst, Relaxed).is_ok() {
                    break;
                }
            }
            (*n).g = g;
            (*n).on = address(word);
            (*n).select = false;
            (*n).case = since;
            park();
            let q = Self::queue(&mut map, word);
            // One that has waited before goes first.
            if retry {
                q.push_front(n)
            } else {
                q.push(n)
            }
            Acquire::Parked
        }
    }

    /// A mutex word once it is locked; `None`: it is locked already.
    #[inline(always)]
    pub fn locked(s: u64) -> Option<u64> {
        (s & LOCKED == 0).then_some(s | LOCKED)
    }

    /// A mutex word once it is unlocked, where nobody has to be woken: nobody waits, or one that was woken has not tried yet,
    /// and will see the mutex free. `None`: all else.
    #[inline(always)]
    pub fn unlocked(s: u64) -> Option<u64> {
        let quiet = s == LOCKED || s & (LOCKED | WOKEN | STARVING) == LOCKED | WOKEN;
        quiet.then_some(s & !LOCKED)
    }

    pub fn try_lock(&self, word: &AtomicU64) -> bool {
        let s = word.load(Relaxed);
        s & LOCKED == 0 && word.compare_exchange(s, s | LOCKED, SeqCst, Relaxed).is_ok()
    }

    /// The G to be readied, if any. `Err`: it was not locked.
    ///
    /// # Safety
    /// `word` is a mutex word.
    pub unsafe fn unlock(&self, word: &AtomicU64, now: impl FnOnce() -> i64) -> Result<Option<*mut G>, ()> {
        if word.fetch_update(SeqCst, Relaxed, Self::unlocked).is_ok() {
            return Ok(None);
        }
        if word.load(SeqCst) & LOCKED == 0 {
            return Err(());
        }
        let mut map = self.shard(word).lock();
        let s = word.load(SeqCst);
        if s & WAITERS == 0 || s & WOKEN != 0 {
            word.fetch_and(!LOCKED, SeqCst);
            return Ok(None);
        }
        let q = Self::queue(&mut map, word);
        // SAFETY: under the shard's lock.
        let n = unsafe { q.pop() };
        if n.is_null() {
            map.remove(&(address(word) as usize));
            word.fetch_and(!(LOCKED | WAITERS | STARVING), SeqCst);
            return Ok(None);
        }
        let last = q.is_empty();
        if last {
            map.remove(&(address(word) as usize));
            word.fetch_and(!WAITERS, SeqCst);
        }
        // SAFETY: the popped node's G waits and is ours.
        unsafe {
            if s & STARVING != 0 {
                if last || !starves((*n).case, ticks(now())) {
                    word.fetch_and(!STARVING, SeqCst);
                }
                (*(*n).g).handed = true;
            } else {
                word.fetch_or(WOKEN, SeqCst);
                word.fetch_and(!LOCKED, SeqCst);
            }
            Ok(Some((*n).g))
        }
    }

    // ---- RWMutex: readers counted in READER steps; ownership is always handed over

    /// # Safety
    /// As [`SemaTable::lock`]; with `retry` the lock has been handed over.
    pub unsafe fn rw_lock(
        &self,
        word: &AtomicU64,
        g: *mut G,
        write: bool,
        retry: bool,
        park: impl FnOnce(),
    ) -> Acquire {
        unsafe {
            if retry {
                (*g).handed = false;
                return Acquire::Acquired;
            }
            if self.try_rw_lock(word, write) {
                return Acquire::Acquired;
            }
            let mut map = self.shard(word).lock();
            loop {
                if self.try_rw_lock(word, write) {
                    return Acquire::Acquired;
                }
                let s = word.load(SeqCst);
                let blocked = if write { s != 0 } else { s & (WRITER | WAITERS) != 0 };
                if blocked && word.compare_exchange(s, s | WAITERS, SeqCst, Relaxed).is_ok() {
                    break;
                }
            }
            let n = &raw mut (*g).node;
            (*n).g = g;
            (*n).on = address(word);
            (*n).select = false;
            (*n).case = if write { WAITS_TO_WRITE } else { WAITS_TO_READ };
            park();
            Self::queue(&mut map, word).push(n);
            Acquire::Parked
        }
    }

    pub fn try_rw_lock(&self, word: &AtomicU64, write: bool) -> bool {
        let mut s = word.load(Relaxed);
        loop {
            let next = if write {
                if s != 0 {
                    return false;
                }
                WRITER
            } else {
                if s & (WRITER | WAITERS) != 0 {
                    return false;
                }
                s + READER
            };
            match word.compare_exchange_weak(s, next, SeqCst, Relaxed) {
                Ok(_) => return true,
                Err(now) => s = now,
            }
        }
    }

    /// Calls `wake` on each G that got the lock. `Err`: it was not locked so.
    ///
    /// # Safety
    /// `word` is an RWMutex word.
    pub unsafe fn rw_unlock(&self, word: &AtomicU64, write: bool, mut wake: impl FnMut(*mut G)) -> Result<(), ()> {
        let mut s = word.load(SeqCst);
        loop {
            if if write { s & WRITER == 0 } else { s < READER } {
                return Err(());
            }
            // The last one out with waiters about hands over under the shard's lock.
            let after = if write { s & !WRITER } else { s - READER };
            if after & WAITERS != 0 && after < READER {
                break;
            }
            match word.compare_exchange_weak(s, after, SeqCst, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => s = now,
            }
        }
        let mut map = self.shard(word).lock();
        let mut s = word.load(SeqCst);
        let mut granted = null_mut::<G>();
        // SAFETY: under the shard's lock; popped Gs are ours.
        unsafe {
            s = if write { s & !WRITER } else { s - READER };
            if s >= READER {
                // Another reader is still in (it came before the waiters did).
                word.store(s, SeqCst);
                return Ok(());
            }
            let q = Self::queue(&mut map, word);
            // After a writer all waiting readers go; else the first in line.
            if write && q.any(|n| (*n).case == WAITS_TO_READ) {
                let mut readers = 0;
                let mut tail = null_mut::<G>();
                q.take_all(
                    |n| (*n).case == WAITS_TO_READ,
                    |n| {
                        let g = (*n).g;
                        (*g).link = null_mut();
                        if granted.is_null() {
                            granted = g;
                        } else {
                            (*tail).link = g;
                        }
                        tail = g;
                        readers += 1;
                    },
                );
                s = readers * READER | (s & WAITERS);
            } else {
                let n = q.pop();
                if !n.is_null() {
                    granted = (*n).g;
                    (*granted).link = null_mut();
                    s |= if (*n).case == WAITS_TO_WRITE { WRITER } else { READER };
                }
            }
            if Self::queue(&mut map, word).is_empty() {
                map.remove(&(address(word) as usize));
                s &= !WAITERS;
            }
            word.store(s, SeqCst);
            drop(map);
            while !granted.is_null() {
                let g = granted;
                granted = (*g).link;
                wake(g);
            }
        }
        Ok(())
    }

    // ---- WaitGroup: `n` counts, `waiters` is set while somebody waits. Who makes `n` 0 looks at `waiters` after, who waits sets
    // `waiters` and looks at `n` after, each with a full fence between, so that one of the two sees the other. Who has made
    // `n` 0 may be late: when it has got the lock, others may have gone on without it and have begun to count anew.

    /// # Safety
    /// `n` and `waiters` are a WaitGroup's words.
    pub unsafe fn group_add(
        &self,
        n: &AtomicU64,
        waiters: &AtomicU64,
        delta: i64,
        mut wake: impl FnMut(*mut G),
    ) -> Result<(), GroupMisuse> {
        // As in Go the counter has 32 bits.
        let after = n.fetch_add(delta as u64, SeqCst).wrapping_add(delta as u64) as i32;
        if after < 0 {
            return Err(GroupMisuse::Negative);
        }
        if delta > 0 && after == delta as i32 && waiters.load(SeqCst) != 0 {
            return Err(GroupMisuse::AddDuringWait);
        }
        if after != 0 {
            return Ok(());
        }
        fence(SeqCst);
        if waiters.load(SeqCst) != 0 {
            let mut gs = Vec::new();
            {
                let mut map = self.shard(n).lock();
                if n.load(SeqCst) as u32 != 0 {
                    return Ok(());
                }
                waiters.store(0, SeqCst);
                if let Some(mut q) = map.remove(&(address(n) as usize)) {
                    // SAFETY: under the shard's lock; popped Gs are ours.
                    unsafe {
                        loop {
                            let node = q.0.pop();
                            if node.is_null() {
                                break;
                            }
                            gs.push((*node).g);
                        }
                    }
                }
            }
            gs.into_iter().for_each(&mut wake);
        }
        Ok(())
    }

    /// # Safety
    /// As [`SemaTable::lock`].
    pub unsafe fn group_wait(
        &self,
        n: &AtomicU64,
        waiters: &AtomicU64,
        g: *mut G,
        retry: bool,
        park: impl FnOnce(),
    ) -> Result<Acquire, GroupMisuse> {
        let is_zero = || n.load(SeqCst) as u32 == 0;
        if retry {
            // Woken because the counter was 0.
            return if is_zero() { Ok(Acquire::Acquired) } else { Err(GroupMisuse::Reused) };
        }
        if is_zero() {
            return Ok(Acquire::Acquired);
        }
        let mut map = self.shard(n).lock();
        waiters.store(1, SeqCst);
        fence(SeqCst);
        if is_zero() {
            if !map.contains_key(&(address(n) as usize)) {
                waiters.store(0, SeqCst);
            }
            return Ok(Acquire::Acquired);
        }
        // SAFETY: the caller's G, which is on no queue.
        unsafe {
            let node = &raw mut (*g).node;
            (*node).g = g;
            (*node).on = address(n);
            (*node).select = false;
            park();
            Self::queue(&mut map, n).push(node);
        }
        Ok(Acquire::Parked)
    }

    // ---- Cond: the word counts tickets given (low half) and tickets called (high half)

    pub fn notify_add(&self, word: &AtomicU64) -> u64 {
        let _map = self.shard(word).lock();
        let s = word.load(SeqCst);
        word.store(s & !0xFFFF_FFFF | (s as u32).wrapping_add(1) as u64, SeqCst);
        s as u32 as u64
    }

    /// # Safety
    /// As [`SemaTable::lock`].
    pub unsafe fn notify_wait(&self, word: &AtomicU64, ticket: u64, g: *mut G, park: impl FnOnce()) -> Acquire {
        unsafe {
            let mut map = self.shard(word).lock();
            let called = (word.load(SeqCst) >> 32) as u32;
            if (ticket as u32).wrapping_sub(called) as i32 >= 0 {
                let node = &raw mut (*g).node;
                (*node).g = g;
                (*node).on = address(word);
                (*node).select = false;
                (*node).case = ticket as u32;
                park();
                Self::queue(&mut map, word).push(node);
                return Acquire::Parked;
            }
            Acquire::Acquired
        }
    }

    /// Calls the next ticket, or all; `wake` gets the Gs.
    ///
    /// # Safety
    /// `word` is a Cond's word.
    pub unsafe fn notify(&self, word: &AtomicU64, all: bool, mut wake: impl FnMut(*mut G)) {
        let mut gs = Vec::new();
        {
            let mut map = self.shard(word).lock();
            let s = word.load(SeqCst);
            let (given, called) = (s as u32, (s >> 32) as u32);
            if given == called {
                return;
            }
            let now_called = if all { given } else { called.wrapping_add(1) };
            word.store((now_called as u64) << 32 | given as u64, SeqCst);
            let addr = address(word) as usize;
            if let Some(q) = map.get_mut(&addr) {
                // SAFETY: under the shard's lock; taken Gs are ours.
                unsafe {
                    q.0.take_all(|n| ((*n).case.wrapping_sub(now_called) as i32) < 0, |n| gs.push((*n).g));
                }
                if q.0.is_empty() {
                    map.remove(&addr);
                }
            }
        }
        gs.into_iter().for_each(&mut wake);
    }
}
