//! A P's allocation cache: runs of free cells by shape. Belongs to one M at a time.
use super::block::{BLOCK_BYTES, Heap};
use super::sample::Sampling;
use super::shape::{CLASS_WORDS, MAX_SMALL_WORDS, Scan, Shape, ShapeId, class_of};
use crate::bytecode::program::BitMap;
use rustc_hash::FxHashMap;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The cells a cache is taking from, for one shape.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) next: *mut u8,
    pub(super) end: *mut u8,
    /// Where the run really ends: the cell at `end`, if any, is to be noted when it is taken.
    pub(super) limit: *mut u8,
    /// Bytes of a cell; 0: the shape is not known to this cache yet, or large.
    pub(super) size: usize,
    /// The block that the run is part of, and the first cell behind it; `u32::MAX`: none.
    block: u32,
    cell: u32,
}

const EMPTY: Slot = Slot { next: null_mut(), end: null_mut(), limit: null_mut(), size: 0, block: u32::MAX, cell: 0 };

/// About what a run has.
const RUN_BYTES: usize = 16 << 10;

pub struct Cache {
    pub(super) slots: Vec<Slot>,
    pub(super) heap: Arc<Heap>,
    /// By size class: shapes without pointers, of pointers alone.
    plain: Vec<Option<ShapeId>>,
    pointers: Vec<Option<ShapeId>>,
    elems: FxHashMap<(u32, BitMap), Vec<Option<ShapeId>>>,
    large_plain: Option<ShapeId>,
    large_pointers: Option<ShapeId>,
    pub(super) sampling: Sampling,
    /// So much was allocated that a collection must not wait for the next safepoint.
    pub overdue: bool,
    /// Of the hostile build: an allocation may fail without reason, as a test of who tries again; the last one did.
    pub may_refuse: bool,
    pub refused: bool,
}

// SAFETY: the runs belong to the cache alone, whichever thread it is on.
unsafe impl Send for Cache {}

impl Cache {
    pub fn new(heap: Arc<Heap>) -> Cache {
        Cache {
            slots: Vec::new(),
            heap,
            plain: vec![None; CLASS_WORDS.len()],
            pointers: vec![None; CLASS_WORDS.len()],
            elems: FxHashMap::default(),
            large_plain: None,
            large_pointers: None,
            sampling: Sampling::default(),
            overdue: false,
            may_refuse: false,
            refused: false,
        }
    }

    pub fn heap(&self) -> &Arc<Heap> {
        &self.heap
    }

    /// A zeroed object of a fixed shape; null when the limit is reached.
    #[inline(always)]
    pub fn alloc(&mut self, shape: ShapeId) -> *mut u64 {
        if let Some(s) = self.slots.get_mut(shape.0 as usize) {
            let p = s.next;
            if p < s.end {
                // SAFETY: a cell of the run.
                s.next = unsafe { p.add(s.size) };
                return p as *mut u64;
            }
        }
        self.refill(shape)
    }

    /// Takes the next run of free cells, then a cell of it.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, shape: ShapeId) -> *mut u64 {
        if self.may_refuse && self.heap.starves() {
            self.refused = true;
            return null_mut();
        }
        if self.slots.get(shape.0 as usize).is_some_and(|s| s.end < s.limit) {
            return self.take_sampled(shape.0 as usize);
        }
        if self.heap.is_marking() {
            self.heap.assist(RUN_BYTES);
        }
        self.overdue |= self.heap.is_overdue();
        let i = shape.0 as usize;
        if self.slots.len() <= i {
            self.slots.resize(i + 1, EMPTY);
        }
        if self.slots[i].size == 0 {
            let words = self.heap.shapes.read().list[i].words as usize;
            if words > MAX_SMALL_WORDS {
                return self.new_large(shape, words * 8, true);
            }
            self.slots[i].size = words * 8;
        }
        loop {
            let s = self.slots[i];
            if s.block != u32::MAX && self.next_run(i) {
                break;
            }
            // The next block that may have free cells, or a new one.
            let next = self.heap.next_unswept(i);
            match next {
                Some(block) => {
                    self.slots[i].block = block;
                    self.slots[i].cell = 0;
                }
                None => {
                    let Some((block, zero)) = self.heap.new_small(shape, (s.size / 8) as u32) else {
                        return null_mut();
                    };
                    let at = self.heap.address(block);
                    let cells = BLOCK_BYTES / s.size;
                    let bytes = cells * s.size;
                    if !zero {
                        // SAFETY: the block is this cache's alone.
                        unsafe { std::ptr::write_bytes(at, 0, bytes) };
                    }
                    // SAFETY: within the block.
                    let end = unsafe { at.add(bytes) };
                    self.slots[i] = Slot { next: at, end, limit: end, size: s.size, block, cell: cells as u32 };
                    self.heap.count_fresh(bytes);
                    break;
                }
            }
        }
        if self.sampling.note.is_some() {
            self.cut_run(i);
            if self.slots[i].next == self.slots[i].end {
                return self.take_sampled(i);
            }
        }
        let s = &mut self.slots[i];
        let p = s.next;
        // SAFETY: the run has at least one cell.
        s.next = unsafe { p.add(s.size) };
        p as *mut u64
    }

    /// Moves to the next run of unmarked cells of the slot's block. `false`: there is none.
    fn next_run(&mut self, i: usize) -> bool {
        let s = &mut self.slots[i];
        let b = self.heap.block(s.block as usize);
        let marks = self.heap.used_bits(s.block as usize);
        let marked = |c: u32| marks[c as usize / 64].load(Relaxed) >> (c % 64) & 1 != 0;
        let mut c = s.cell;
        while c < b.cells && marked(c) {
            // Whole words of marks at once.
            if c % 64 == 0 && marks[c as usize / 64].load(Relaxed) == u64::MAX {
                c += 64;
            } else {
                c += 1;
            }
        }
        if c >= b.cells {
            s.block = u32::MAX;
            s.next = null_mut();
            s.end = null_mut();
            s.limit = null_mut();
            return false;
        }
        let start = c;
        while c < b.cells && !marked(c) {
            c += 1;
        }
        s.cell = c;
        let at = self.heap.address(s.block);
        // SAFETY: cells start..c of the block are free and this cache's.
        unsafe {
            s.next = at.add(start as usize * s.size);
            s.end = at.add(c as usize * s.size);
            s.limit = s.end;
            std::ptr::write_bytes(s.next, 0, (c - start) as usize * s.size);
        }
        let bytes = (c - start) as usize * s.size;
        if self.heap.is_marking() {
            self.heap.blacken(s.block, start, c);
        }
        self.heap.count_fresh(bytes);
        true
    }

    /// A zeroed object without pointers, of at least so many bytes; null when the limit is reached.
    #[inline]
    pub fn alloc_bytes(&mut self, bytes: usize) -> *mut u64 {
        let words = bytes.div_ceil(8);
        if words > MAX_SMALL_WORDS {
            return self.large(bytes, true, true);
        }
        let class = class_of(words);
        let shape = match self.plain[class] {
            Some(s) => s,
            None => {
                let s = self.heap.intern(Shape { words: CLASS_WORDS[class], scan: Scan::None });
                self.plain[class] = Some(s);
                s
            }
        };
        self.alloc(shape)
    }

    /// As `alloc_bytes`, for contents that are written at once.
    #[inline]
    pub fn alloc_bytes_uninit(&mut self, bytes: usize) -> *mut u64 {
        if bytes > MAX_SMALL_WORDS * 8 {
            return self.large(bytes, true, false);
        }
        self.alloc_bytes(bytes)
    }

    fn large(&mut self, bytes: usize, plain: bool, zeroed: bool) -> *mut u64 {
        let known = if plain { &mut self.large_plain } else { &mut self.large_pointers };
        let shape = match *known {
            Some(s) => s,
            None => {
                let scan = if plain { Scan::None } else { Scan::All };
                let s = self.heap.intern(Shape { words: 0, scan });
                *known = Some(s);
                s
            }
        };
        if self.may_refuse && self.heap.starves() {
            self.refused = true;
            return null_mut();
        }
        let p = self.new_large(shape, bytes, zeroed);
        self.overdue |= self.heap.is_overdue();
        p
    }

    /// A zeroed array of elements of so many words with these pointers; null when the limit is reached.
    pub fn alloc_array(&mut self, count: usize, elem_words: usize, elem_ptrs: &BitMap) -> *mut u64 {
        let Some(words) = count.checked_mul(elem_words).filter(|w| *w < 1 << 44) else { return null_mut() };
        let ptrs = elem_ptrs.iter().take_while(|&i| i < elem_words).count();
        if ptrs == 0 {
            return self.alloc_bytes(words * 8);
        }
        let all = ptrs == elem_words;
        if words > MAX_SMALL_WORDS {
            if all {
                return self.large(words * 8, false, true);
            }
            let scan = Scan::Elems(elem_words as u32, elem_ptrs.clone());
            let shape = self.heap.intern(Shape { words: 0, scan });
            let p = self.new_large(shape, words * 8, true);
            self.overdue |= self.heap.is_overdue();
            return p;
        }
        let class = class_of(words);
        if all {
            let shape = match self.pointers[class] {
                Some(s) => s,
                None => {
                    let s = self.heap.intern(Shape { words: CLASS_WORDS[class], scan: Scan::All });
                    self.pointers[class] = Some(s);
                    s
                }
            };
            return self.alloc(shape);
        }
        let key = (elem_words as u32, elem_ptrs.clone());
        let by_class = self.elems.entry(key).or_insert_with(|| vec![None; CLASS_WORDS.len()]);
        let shape = match by_class[class] {
            Some(s) => s,
            None => {
                let scan = Scan::Elems(elem_words as u32, elem_ptrs.clone());
                let s = self.heap.intern(Shape { words: CLASS_WORDS[class], scan });
                by_class[class] = Some(s);
                s
            }
        };
        self.alloc(shape)
    }

    /// With the world stopped, before a collection, or at the end of a concurrent one: forgets all runs. What was not
    /// used of them is free after it.
    pub fn flush(&mut self) {
        self.overdue = false;
        let marking = self.heap.is_marking();
        for s in &mut self.slots {
            if marking && s.next < s.limit {
                let cell = |at: *mut u8| ((at as usize & (BLOCK_BYTES - 1)) / s.size) as u32;
                // The run may end where its block does.
                let (from, last) = (cell(s.next), cell(s.limit.wrapping_sub(s.size)));
                self.heap.unblacken(s.block, from, last + 1);
            }
            *s = Slot { size: s.size, ..EMPTY };
        }
    }
}
