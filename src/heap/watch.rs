//! What asks whether objects still live: weak pointers, cleanups, finalizers; and `sync.Pool`s, which collections empty.
//!
//! A weak pointer leads to a cell, an object without pointers that holds an interface word. When a collection has marked
//! all that lives, it clears the cells of the others; then it takes out the cleanups and finalizers of what has died, and
//! brings back to life what a finalizer is to see.
use super::block::Heap;
use super::mark::Marker;
use super::sample::Noted;
use crate::bytecode::program::iface;
use rustc_hash::FxHashMap;
use std::sync::atomic::Ordering::Relaxed;

/// Something to be called when an object has died.
pub struct Watch {
    pub id: u64,
    /// The object as an interface word.
    object: u64,
    pub call: Call,
}

/// What is called. Both words are kept alive.
#[derive(Clone, Copy)]
pub enum Call {
    /// A closure without parameters.
    Cleanup(u64),
    /// A function in an interface word, and its argument, the object.
    Finalizer(u64, u64),
}

#[derive(Default)]
pub(super) struct Watches {
    /// Interface words to the addresses of their cells.
    cells: FxHashMap<u64, u64>,
    list: Vec<Watch>,
    ready: Vec<Call>,
    last_id: u64,
    /// Addresses of pools that are not empty: two words, what it holds and what it held before the last collection.
    pools: Vec<u64>,
    pub noted: Noted,
}

impl Watches {
    /// Before marking: each pool lets go of what nobody has taken since the last collection.
    pub fn empty_pools(&mut self) {
        self.pools.retain(|&pool| {
            let words = pool as *mut u64;
            // SAFETY: a pool that died was forgotten by the collection that found it; the world is stopped.
            unsafe {
                let held = std::mem::take(&mut *words);
                let before = std::mem::replace(&mut *words.add(1), held);
                held | before != 0
            }
        });
    }

    /// Marks what must live until it is called.
    pub fn roots(&self, m: &mut Marker) {
        m.place(|| "a cleanup or finalizer".into());
        for call in self.list.iter().map(|w| &w.call).chain(&self.ready) {
            match *call {
                Call::Cleanup(closure) => m.word(closure),
                Call::Finalizer(function, _) => m.word(function),
            }
        }
        for call in &self.ready {
            if let Call::Finalizer(_, object) = *call {
                m.word(object);
            }
        }
        // A finalizer finds whole what its object leads to: what has one there as well comes after it.
        for w in &self.list {
            if let Call::Finalizer(_, object) = w.call {
                m.contents(object & iface::PAYLOAD);
            }
        }
    }

    /// After marking: lets go of what has died. `true`: `m` has more to mark.
    pub fn settle(&mut self, heap: &Heap, m: &mut Marker) -> bool {
        let lives = |word: u64| {
            let address = word & iface::PAYLOAD;
            !heap.contains(address) || heap.is_marked(address)
        };
        self.noted.settle(heap);
        self.cells.retain(|&word, &mut cell| {
            if !heap.is_marked(cell) {
                return false;
            }
            if !lives(word) {
                // SAFETY: a live object of one word; the world is stopped.
                unsafe { *(cell as *mut u64) = 0 };
                return false;
            }
            true
        });
        let before = self.ready.len();
        let ready = &mut self.ready;
        self.list.retain(|w| {
            let keep = lives(w.object);
            if !keep {
                ready.push(w.call);
            }
            keep
        });
        heap.ready.store(!self.ready.is_empty(), Relaxed);
        self.pools.retain(|&pool| lives(pool));
        let mut more = false;
        for call in &self.ready[before..] {
            if let Call::Finalizer(_, object) = *call {
                m.word(object);
                more = true;
            }
        }
        more
    }
}

impl Heap {
    /// The cell of a weak pointer, if there is one already.
    pub fn weak_cell(&self, word: u64) -> Option<u64> {
        self.watches.lock().cells.get(&word).copied()
    }

    /// Makes an object of one word without pointers, which holds `word`, its weak cell.
    pub fn set_weak_cell(&self, word: u64, cell: u64) -> u64 {
        *self.watches.lock().cells.entry(word).or_insert(cell)
    }

    /// Calls something when the object in an interface word has died; returns a number to unwatch by.
    pub fn watch(&self, object: u64, call: Call) -> u64 {
        let mut watches = self.watches.lock();
        watches.last_id += 1;
        let id = watches.last_id;
        watches.list.push(Watch { id, object, call });
        id
    }

    /// Has collections empty the pool at an address: see [`Watches::empty_pools`].
    pub fn watch_pool(&self, pool: u64) {
        let mut watches = self.watches.lock();
        if !watches.pools.contains(&pool) {
            watches.pools.push(pool);
        }
    }

    /// Forgets the watches that `which` names.
    pub fn unwatch(&self, which: impl Fn(&Watch) -> bool) {
        self.watches.lock().list.retain(|w| !which(w));
    }

    /// What is to be called because its object has died.
    pub fn take_ready(&self) -> Vec<Call> {
        self.ready.store(false, Relaxed);
        let ready = std::mem::take(&mut self.watches.lock().ready);
        for call in &ready {
            match *call {
                Call::Cleanup(closure) => self.shade(closure),
                Call::Finalizer(function, object) => {
                    self.shade(function);
                    self.shade(object);
                }
            }
        }
        ready
    }

    /// Something has died, and somebody is to be called for it.
    #[inline(always)]
    pub fn has_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }
}

impl Watch {
    /// A finalizer of the object in an interface word.
    pub fn finalizes(&self, object: u64) -> bool {
        matches!(self.call, Call::Finalizer(..)) && self.object == object
    }
}
