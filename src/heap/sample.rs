//! Which allocations are noted for a profile: on the average one in so many bytes, wherever they fall.
//!
//! The distances are drawn from an exponential distribution, so a byte is as likely to be noted as any other, whatever
//! was allocated before it, and each run of free cells can draw for itself. A run ends for the time being at the cell that
//! is to be noted: until then it costs nothing. Of what was noted, the collections tell what has died.
use super::block::{BLOCK_BYTES, Heap};
use super::cache::Cache;
use super::shape::ShapeId;
use crate::base::limits::HOSTILE;
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Called with the cache, and the address and bytes of an object that is to be noted.
pub type Note = unsafe fn(*mut Cache, u64, usize);

/// Of one cache.
#[derive(Default)]
pub(super) struct Sampling {
    pub note: Option<Note>,
    /// Where the bytes between two notes are said, on the average; 0: nowhere.
    rate_at: usize,
    random: u64,
}

/// Bytes between two notes, if nobody says; the hostile build notes many.
const RATE: i64 = if HOSTILE { 1 << 10 } else { 512 << 10 };

/// The rate that stands at an address.
pub fn rate_at(address: usize) -> i64 {
    match address {
        0 => RATE,
        // SAFETY: the address of a variable of the program, which stays where it is.
        at => unsafe { (*(at as *const AtomicI64)).load(Relaxed) },
    }
}

impl Sampling {
    /// Draws the bytes up to the next note.
    fn draw(&mut self) -> usize {
        match rate_at(self.rate_at) {
            ..=0 => usize::MAX,
            1 => 0,
            rate => {
                self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                let part = ((self.random >> 11) + 1) as f64 / (1u64 << 53) as f64;
                (-part.ln() * rate as f64) as usize
            }
        }
    }
}

impl Cache {
    /// Has allocations noted, or not; `seed` makes caches differ.
    pub fn sample(&mut self, note: Option<Note>, rate_at: usize, seed: u64) {
        if self.sampling.note.is_none() {
            self.sampling.random = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        (self.sampling.note, self.sampling.rate_at) = (note, rate_at);
    }

    /// Ends the fresh run of a slot at the cell that is to be noted, if it is among them.
    pub(super) fn cut_run(&mut self, i: usize) {
        let distance = self.sampling.draw();
        let s = &mut self.slots[i];
        if distance < s.limit as usize - s.next as usize {
            // SAFETY: a cell of the run.
            s.end = unsafe { s.next.add(distance / s.size * s.size) };
        }
    }

    /// Takes the cell at which the run of a slot was cut, and notes it.
    pub(super) fn take_sampled(&mut self, i: usize) -> *mut u64 {
        let s = &mut self.slots[i];
        let (p, size) = (s.end, s.size);
        // SAFETY: a cell of the run.
        s.next = unsafe { p.add(size) };
        s.end = s.limit;
        self.cut_run(i);
        self.note(p as u64, size);
        p as *mut u64
    }

    /// A large object; null at the limit.
    pub(super) fn new_large(&mut self, shape: ShapeId, bytes: usize, zeroed: bool) -> *mut u64 {
        let p = self.heap.new_large(shape, bytes, zeroed);
        if self.sampling.note.is_some() && !p.is_null() {
            let held = bytes.next_multiple_of(BLOCK_BYTES);
            if self.sampling.draw() < held {
                self.note(p as u64, held);
            }
        }
        p
    }

    fn note(&mut self, address: u64, bytes: usize) {
        if let Some(note) = self.sampling.note {
            // SAFETY: who sampled this cache has given a function for it.
            unsafe { note(self, address, bytes) }
        }
    }
}

/// What was noted and lives, and what has died since somebody asked.
#[derive(Default)]
pub(super) struct Noted {
    live: FxHashMap<u64, (u32, u64)>,
    dead: FxHashMap<u32, (u64, u64)>,
}

impl Noted {
    /// After marking: lets go of what has died.
    pub fn settle(&mut self, heap: &Heap) {
        self.live.retain(|&address, &mut (number, bytes)| {
            let lives = heap.is_marked(address);
            if !lives {
                let sum = self.dead.entry(number).or_default();
                *sum = (sum.0 + 1, sum.1 + bytes);
            }
            lives
        });
    }
}

impl Heap {
    /// Tells later whether the object at an address has died, under this number.
    pub fn watch_sample(&self, address: u64, number: u32, bytes: u64) {
        self.watches.lock().noted.live.insert(address, (number, bytes));
    }

    /// Takes what has died: numbers, objects and their bytes.
    pub fn take_dead_samples(&self) -> Vec<(u32, u64, u64)> {
        let dead = std::mem::take(&mut self.watches.lock().noted.dead);
        dead.into_iter().map(|(number, (objects, bytes))| (number, objects, bytes)).collect()
    }
}
