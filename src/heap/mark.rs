//! Marking: from words to objects, with a stack of its own.
use super::block::{Heap, Kind};
use super::hostile;
use super::shape::{Scan, Shapes};
use crate::base::limits::HOSTILE;
use crate::bytecode::program::{BitMap, iface};
use std::sync::atomic::Ordering::Relaxed;

/// Marks what it is shown and everything that leads on from there.
pub struct Marker<'a> {
    heap: &'a Heap,
    shapes: &'a Shapes,
    /// Objects that are marked and still to be looked into: first word, shape, words.
    stack: Vec<(*const u64, u32, u32)>,
    /// Of the hostile build: what is being looked at; empty: words that need not lead anywhere.
    place: String,
    pub(super) looked: u64,
}

impl<'a> Marker<'a> {
    pub(super) fn new(heap: &'a Heap, shapes: &'a Shapes) -> Marker<'a> {
        Marker { heap, shapes, stack: Vec::with_capacity(1024), place: String::new(), looked: 0 }
    }

    /// A pointer-or-interface word.
    #[inline(always)]
    pub fn word(&mut self, w: u64) {
        if HOSTILE {
            self.looked += 1;
        }
        if (w as i64) >= 0 && w & iface::PAYLOAD != 0 {
            self.address(w & iface::PAYLOAD);
        }
    }

    /// Any word: marks an object if it happens to lead to one.
    pub fn conservative(&mut self, w: u64) {
        if HOSTILE {
            let place = std::mem::take(&mut self.place);
            self.word(w);
            self.place = place;
            return;
        }
        self.word(w);
    }

    /// Says what is looked at next, for the hostile build's reports.
    #[inline(always)]
    pub fn place(&mut self, name: impl FnOnce() -> String) {
        if HOSTILE {
            self.place = name();
        }
    }

    /// Something has been looked at, for the hostile build's pace.
    #[inline(always)]
    pub fn looked(&mut self) {
        if HOSTILE {
            self.looked += 100;
        }
    }

    #[cold]
    fn freed(&self, ptr: u64, what: &str) -> ! {
        panic!("hostile: {} leads to {what} at {ptr:#x}", self.place);
    }

    #[inline(always)]
    fn address(&mut self, ptr: u64) {
        let Some((i, cell, at)) = self.heap.resolve(ptr) else {
            if HOSTILE && !self.place.is_empty() && self.heap.contains(ptr) {
                self.freed(ptr, "a free block");
            }
            return;
        };
        let b = self.heap.block(i);
        let words;
        if b.kind == Kind::Large {
            if b.marked_large.load(Relaxed) {
                return;
            }
            b.marked_large.store(true, Relaxed);
            words = b.words.min(u32::MAX as u64) as u32;
        } else {
            let mark = &self.heap.mark_words(i)[cell as usize / 64];
            let bit = 1 << (cell % 64);
            let old = mark.load(Relaxed);
            if old & bit != 0 {
                return;
            }
            mark.store(old | bit, Relaxed);
            words = b.size / 8;
        }
        if HOSTILE && !self.place.is_empty() {
            // SAFETY: an object of so many words.
            if unsafe { hostile::is_poisoned(at, words as usize) } {
                self.freed(ptr, "a freed object");
            }
        }
        if !matches!(self.shapes.list[b.shape as usize].scan, Scan::None) {
            self.stack.push((at, b.shape, words));
        }
    }

    /// Words of which the map names those that hold pointers.
    pub fn range(&mut self, base: *const u64, ptrs: &BitMap) {
        for i in ptrs.iter() {
            // SAFETY: the caller's map fits the words at `base`.
            self.word(unsafe { *base.add(i) });
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some((at, shape, words)) = self.stack.pop() {
            let shapes = self.shapes;
            if HOSTILE {
                self.place = format!("an object of {words} words {:?}", shapes.list[shape as usize].scan);
            }
            // SAFETY: a live object of `words` words; its shape's map lies within.
            unsafe {
                match &shapes.list[shape as usize].scan {
                    Scan::None => {}
                    Scan::All => {
                        for i in 0..words as usize {
                            self.word(*at.add(i));
                        }
                    }
                    Scan::Words(map) => self.range(at, map),
                    Scan::Elems(elem, map) => {
                        let elem = *elem as usize;
                        let mut i = 0;
                        while i + elem <= words as usize {
                            self.range(at.add(i), map);
                            i += elem;
                        }
                    }
                }
            }
        }
    }
}
