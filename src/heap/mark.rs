//! Marking: from words to objects, with a stack of its own, by one thread or, in a large heap, by several.
//!
//! What is taken from the stack waits in a short line while its memory is fetched. Several markers share work in chunks:
//! who has much and sees others wait gives half away; all have ended when all wait.
use super::block::{BLOCK_BYTES, Heap, Kind};
use super::hostile;
use super::shape::{Scan, Shape};
use crate::base::limits::HOSTILE;
use crate::bytecode::program::{BitMap, iface};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};

/// An object, or the rest of a large one, that is marked and still to be looked into.
#[derive(Clone, Copy)]
pub(super) struct Todo {
    pub at: *const u64,
    pub words: usize,
    pub shape: u32,
}

// SAFETY: objects of the heap, whose words are read one by one.
unsafe impl Send for Todo {}

/// Objects whose memory is being fetched.
const LINE: usize = 8;
/// A larger object is looked into in parts, so that others can help.
const PART_WORDS: usize = 4096;
/// Objects given to others at once, at least.
const SHARED: usize = 64;

/// Work that markers share.
pub(super) struct Pool {
    chunks: Mutex<Vec<Vec<Todo>>>,
    available: AtomicUsize,
    waiting: AtomicUsize,
    markers: usize,
}

impl Pool {
    pub fn new(markers: usize) -> Pool {
        Pool { chunks: Mutex::default(), available: AtomicUsize::new(0), waiting: AtomicUsize::new(0), markers }
    }

    /// Work of others; `None`: nobody has any, and nobody is at work.
    fn take(&self) -> Option<Vec<Todo>> {
        self.waiting.fetch_add(1, SeqCst);
        let mut tries = 0u32;
        loop {
            if self.available.load(SeqCst) > 0 {
                let mut chunks = self.chunks.lock();
                if let Some(chunk) = chunks.pop() {
                    self.available.store(chunks.len(), SeqCst);
                    // Under the lock: nobody may count this marker as waiting once the chunk is gone.
                    self.waiting.fetch_sub(1, SeqCst);
                    return Some(chunk);
                }
            }
            if self.waiting.load(SeqCst) == self.markers && self.available.load(SeqCst) == 0 {
                return None;
            }
            tries += 1;
            if tries < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    fn give(&self, chunk: Vec<Todo>) {
        let mut chunks = self.chunks.lock();
        chunks.push(chunk);
        self.available.store(chunks.len(), SeqCst);
    }
}

/// Marks what it is shown and everything that leads on from there.
pub struct Marker<'a> {
    heap: &'a Heap,
    shapes: &'a [Shape],
    stack: Vec<Todo>,
    /// Others mark at the same time.
    pool: Option<&'a Pool>,
    /// The program runs meanwhile.
    concurrent: bool,
    /// Bytes marked that the heap has not been told of.
    bytes: usize,
    /// Of the hostile build: what is being looked at; empty: words that need not lead anywhere.
    place: String,
    pub(super) looked: u64,
}

impl<'a> Marker<'a> {
    pub(super) fn new(heap: &'a Heap, shapes: &'a [Shape], pool: Option<&'a Pool>) -> Marker<'a> {
        let stack = Vec::with_capacity(1024);
        Marker { heap, shapes, stack, pool, concurrent: false, bytes: 0, place: String::new(), looked: 0 }
    }

    /// One that marks while the program runs; `shapes` are those that objects made before had.
    pub(super) fn concurrent(heap: &'a Heap, shapes: &'a [Shape]) -> Marker<'a> {
        let mut m = Marker::new(heap, shapes, None);
        m.concurrent = true;
        m
    }

    pub(super) fn add(&mut self, mut todo: Vec<Todo>) {
        if self.stack.is_empty() {
            self.stack = todo;
        } else {
            self.stack.append(&mut todo);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.stack.is_empty()
    }

    pub(super) fn take_stack(&mut self) -> Vec<Todo> {
        std::mem::take(&mut self.stack)
    }

    /// Bytes marked that the heap has not been told of.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells the heap how much was marked.
    pub(super) fn tell(&mut self) {
        self.heap.cycle.marked.fetch_add(std::mem::take(&mut self.bytes), Relaxed);
        if HOSTILE && self.concurrent {
            self.heap.cycle.looked.fetch_add(std::mem::take(&mut self.looked), Relaxed);
        }
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
        if self.concurrent {
            let mut bytes = 0;
            let todo = self.heap.mark_shared(i, cell, at, |n| bytes = n);
            self.bytes += bytes;
            if let Some(todo) = todo {
                self.stack.push(todo);
            }
            if HOSTILE && bytes != 0 && !self.place.is_empty() {
                let words = if b.kind == Kind::Large { b.words as usize } else { b.size as usize / 8 };
                // SAFETY: an object of so many words.
                if unsafe { hostile::is_poisoned(at, words) } {
                    self.freed(ptr, "a freed object");
                }
            }
            return;
        }
        if b.kind == Kind::Large {
            let number = self.heap.cycle.number() as u32;
            if b.marked_large.load(Relaxed) == number || b.marked_large.swap(number, Relaxed) == number {
                return;
            }
            words = b.words as usize;
            self.bytes += (words * 8).next_multiple_of(BLOCK_BYTES);
        } else {
            let mark = &self.heap.mark_words(i)[cell as usize / 64];
            let bit = 1 << (cell % 64);
            let old = mark.load(Relaxed);
            if old & bit != 0 {
                return;
            }
            if self.pool.is_none() {
                mark.store(old | bit, Relaxed);
            } else if mark.fetch_or(bit, Relaxed) & bit != 0 {
                return;
            }
            words = b.size as usize / 8;
            self.bytes += b.size as usize;
        }
        if HOSTILE && !self.place.is_empty() {
            // SAFETY: an object of so many words.
            if unsafe { hostile::is_poisoned(at, words) } {
                self.freed(ptr, "a freed object");
            }
        }
        if !b.plain {
            self.stack.push(Todo { at, words, shape: b.shape });
        }
    }

    /// Marks what an object leads to, and not the object.
    pub(super) fn contents(&mut self, ptr: u64) {
        let Some((i, _, at)) = self.heap.resolve(ptr) else { return };
        let b = self.heap.block(i);
        if !b.plain {
            let words = if b.kind == Kind::Large { b.words as usize } else { b.size as usize / 8 };
            self.stack.push(Todo { at, words, shape: b.shape });
        }
    }

    /// Words of which the map names those that hold pointers.
    pub fn range(&mut self, base: *const u64, ptrs: &BitMap) {
        for i in ptrs.iter() {
            // SAFETY: the caller's map fits the words at `base`.
            self.word(unsafe { read(base.add(i)) });
        }
    }

    /// Whether the object at an address has been marked; what lies outside the heap always counts.
    pub fn reached(&self, ptr: u64) -> bool {
        !self.heap.contains(ptr) || self.heap.is_marked(ptr)
    }

    /// Looks into all objects that are marked, with the help of others if there are any.
    pub fn drain(&mut self) {
        self.drain_own();
        if let Some(pool) = self.pool {
            while let Some(chunk) = pool.take() {
                self.stack.extend(chunk);
                self.drain_own();
            }
        }
    }

    /// Counts as a marker that waits, in place of one that could not be started.
    pub(super) fn stand_in(&self) {
        if let Some(pool) = self.pool {
            pool.waiting.fetch_add(1, SeqCst);
        }
    }

    fn drain_own(&mut self) {
        self.drain_some(usize::MAX);
    }

    /// Looks into about so many objects.
    pub(super) fn drain_some(&mut self, mut objects: usize) {
        let none = Todo { at: std::ptr::null(), words: 0, shape: 0 };
        let mut line = [none; LINE];
        let mut at = 0;
        let mut held = 0;
        loop {
            let next = match self.stack.pop() {
                Some(next) if objects > 0 => {
                    objects -= 1;
                    prefetch(next.at);
                    held += 1;
                    next
                }
                Some(next) => {
                    self.stack.push(next);
                    if held == 0 {
                        return;
                    }
                    none
                }
                None if held == 0 => return,
                None => none,
            };
            let todo = std::mem::replace(&mut line[at], next);
            at = (at + 1) % LINE;
            if !todo.at.is_null() {
                held -= 1;
                self.look_into(todo);
                if let Some(pool) = self.pool
                    && self.stack.len() > 2 * SHARED
                    && pool.waiting.load(Relaxed) > pool.available.load(Relaxed)
                {
                    let half = self.stack.len() / 2;
                    pool.give(self.stack.drain(..half).collect());
                }
                let work = &self.heap.cycle.work;
                if self.concurrent && self.stack.len() > 4 * SHARED && work.available.load(Relaxed) < 2 {
                    let half = self.stack.len() / 2;
                    work.give(self.stack.drain(..half).collect());
                }
            }
        }
    }

    #[inline(always)]
    fn look_into(&mut self, todo: Todo) {
        let Todo { at, words, shape } = todo;
        let shapes = self.shapes;
        if HOSTILE {
            let scan = shapes.get(shape as usize).map(|s| &s.scan);
            // What shades may take any word for a pointer.
            self.place = if self.concurrent { String::new() } else { format!("an object of {words} words {scan:?}") };
        }
        // SAFETY: a live object of `words` words; its shape's map lies within.
        unsafe {
            // Shapes that came later are those of later objects, which are looked into by mistake.
            match shapes.get(shape as usize).map_or(&Scan::All, |s| &s.scan) {
                Scan::None => {}
                Scan::All => {
                    let part = self.part(todo, 1);
                    for i in 0..part {
                        self.word(read(at.add(i)));
                    }
                }
                Scan::Words(map) => self.range(at, map),
                Scan::Elems(elem, map) => {
                    let elem = *elem as usize;
                    let part = self.part(todo, elem);
                    let mut i = 0;
                    while i + elem <= part {
                        self.range(at.add(i), map);
                        i += elem;
                    }
                }
            }
        }
    }

    /// How many words to look at now; the rest of a large object is left for later.
    #[inline(always)]
    fn part(&mut self, todo: Todo, elem: usize) -> usize {
        if todo.words <= 2 * PART_WORDS {
            return todo.words;
        }
        let part = (PART_WORDS / elem).max(1) * elem;
        if part >= todo.words {
            return todo.words;
        }
        // SAFETY: within the object.
        self.stack.push(Todo { at: unsafe { todo.at.add(part) }, words: todo.words - part, ..todo });
        part
    }
}

impl Drop for Marker<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}

/// A word that others may write.
#[inline(always)]
unsafe fn read(at: *const u64) -> u64 {
    unsafe { (*(at as *const AtomicU64)).load(Relaxed) }
}

#[inline(always)]
fn prefetch(at: *const u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch may have any address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at as *const i8)
    };
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = at;
}
