//! A collection from its beginning to its end: all at once with the world stopped, or with two short stops between which
//! the program runs on and others mark. And the sweep after it, block by block.
//!
//! # Concurrent marking
//! What is reached when the marking begins stays alive (a snapshot): whoever overwrites a pointer in an object while it
//! goes on shows the old value to [`Heap::shade`] first, and objects made meanwhile count as reached from their
//! birth. So no pointer that a running goroutine holds can lead to an object that is missed: it was reached in the
//! snapshot, or is new. A goroutine's stack belongs to the snapshot as it is when the goroutine first runs again;
//! nobody but itself takes pointers from it. Values handed from stack to stack need no care therefore, but what is
//! taken out of a place that the marking does not see, such as a weak cell or a timer, is shown to `shade` too.
//!
//! # Two bitmaps
//! A marking sets bits in one bitmap while the other still tells used cells from free ones. At its end they change roles,
//! and the sweep clears the old one as it visits the blocks; it has always ended before the next marking begins.
//!
//! # Rejected
//! An insertion barrier needs the stacks to be looked at again at the end, with the world stopped. Logs of old values for
//! each P would have to be emptied then; objects that are not marked yet are shaded at once instead, at most once each.
use super::block::{BLOCK_BYTES, Central, Heap, Kind};
use super::hostile;
use super::mark::{Marker, Pool, Todo};
use super::shape::Shape;
use crate::base::limits::HOSTILE;
use crate::bytecode::program::iface;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::*};
use std::time::{Duration, Instant};

/// A marking that takes less is done with the world stopped, since that is cheaper.
const SHORT_MARKING: Duration = Duration::from_micros(400);
/// So many bytes of small objects take about as long.
const SHORT_BYTES: usize = 400 << 10;
/// A heap larger than this is not marked with the world stopped even if its last marking was short.
const LARGE_HEAP: usize = 16 << 20;
/// Blocks swept by whoever takes one.
const SWEPT_AT_ONCE: u32 = 64;
/// Bytes that an allocating P marks for each that it takes, at most, when the marking is late.
const ASSIST: usize = 4;
/// But not more at once, so that nobody waits for long to stop the world.
const ASSIST_BYTES: usize = 128 << 10;
/// Objects it looks into before it looks around.
const ASSIST_OBJECTS: usize = 64;

/// When collections may mark concurrently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Concurrent {
    Never,
    /// When the heap is large enough.
    Large,
    /// However small the heap is: a test.
    Always,
}

pub(super) struct Cycle {
    /// Number of the last marking, or of the one that goes on.
    number: AtomicU64,
    marking: AtomicBool,
    mode: AtomicU8,
    /// Bytes of objects that this marking has reached, as far as its markers have told.
    pub marked: AtomicUsize,
    /// Bytes given out since this marking began.
    black: AtomicUsize,
    /// The size of the heap when it began.
    begun_at: AtomicUsize,
    /// What the last concurrent marking should have had as room.
    room: AtomicUsize,
    /// Time that the last marking took.
    mark_ns: AtomicU64,
    pub work: Work,
    /// Of the hostile build: words looked at.
    pub looked: AtomicU64,
    shapes: Mutex<Arc<Vec<Shape>>>,
}

impl Default for Cycle {
    fn default() -> Self {
        Cycle {
            number: AtomicU64::new(1),
            marking: AtomicBool::new(false),
            mode: AtomicU8::new(Concurrent::Never as u8),
            marked: AtomicUsize::new(0),
            black: AtomicUsize::new(0),
            begun_at: AtomicUsize::new(0),
            room: AtomicUsize::new(0),
            // Nothing is known yet.
            mark_ns: AtomicU64::new(u64::MAX),
            work: Work::default(),
            looked: AtomicU64::new(0),
            shapes: Mutex::default(),
        }
    }
}

impl Cycle {
    #[inline(always)]
    pub fn number(&self) -> u64 {
        self.number.load(Relaxed)
    }

    fn is_short(&self) -> bool {
        let ns = self.mark_ns.load(Relaxed);
        ns < SHORT_MARKING.as_nanos() as u64 || (ns < u64::MAX && self.marked.load(Relaxed) < SHORT_BYTES)
    }

    /// How much of the room up to the goal is left to the program while others mark.
    pub fn runway(&self, room: usize) -> usize {
        if self.mode.load(Relaxed) == Concurrent::Never as u8 || self.is_short() || room > usize::MAX / 8 {
            return 0;
        }
        match self.room.load(Relaxed) {
            0 => room / 3,
            last => last.clamp(room / 16, room / 8 * 5),
        }
    }
}

/// Objects that are marked and still to be looked into, while the program runs.
#[derive(Default)]
pub(super) struct Work {
    chunks: Mutex<Chunks>,
    pub available: AtomicUsize,
    /// What was shaded.
    grey: Mutex<Vec<Todo>>,
}

#[derive(Default)]
struct Chunks {
    list: Vec<Vec<Todo>>,
    /// Ps that assist with a chunk in hand.
    busy: usize,
}

const GREY_CHUNK: usize = 256;

impl Work {
    pub fn give(&self, chunk: Vec<Todo>) {
        if chunk.is_empty() {
            return;
        }
        let mut chunks = self.chunks.lock();
        chunks.list.push(chunk);
        self.available.store(chunks.list.len(), Relaxed);
    }

    fn take(&self, assists: bool) -> Option<Vec<Todo>> {
        if assists && self.available.load(Relaxed) == 0 {
            return None;
        }
        let mut chunks = self.chunks.lock();
        let Chunks { list, busy } = &mut *chunks;
        *busy += (assists && !list.is_empty()) as usize;
        let chunk = match list.last_mut() {
            // The rest stays for the collector.
            Some(chunk) if assists && chunk.len() > ASSIST_OBJECTS => {
                Some(chunk.split_off(chunk.len() - ASSIST_OBJECTS))
            }
            _ => list.pop(),
        };
        self.available.store(list.len(), Relaxed);
        chunk
    }

    fn end_assist(&self, rest: Vec<Todo>) {
        let mut chunks = self.chunks.lock();
        chunks.busy -= 1;
        if !rest.is_empty() {
            chunks.list.push(rest);
        }
        self.available.store(chunks.list.len(), Relaxed);
    }

    /// Adds to what others will look into; in large chunks, for there may be a million that show one each.
    fn shade(&self, todo: impl IntoIterator<Item = Todo>) {
        let mut grey = self.grey.lock();
        grey.extend(todo);
        if grey.len() >= GREY_CHUNK {
            let chunk = std::mem::replace(&mut *grey, Vec::with_capacity(GREY_CHUNK));
            drop(grey);
            self.give(chunk);
        }
    }

    fn clear(&self) {
        *self.chunks.lock() = Chunks::default();
        self.available.store(0, Relaxed);
        self.grey.lock().clear();
    }
}

/// What is still to be swept.
#[derive(Default)]
pub(super) struct Sweep {
    at: u32,
    end: u32,
    large: Vec<u32>,
}

impl Sweep {
    fn is_done(&self) -> bool {
        self.at == self.end && self.large.is_empty()
    }
}

/// How far a concurrent marking is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    More,
    /// Others have work in hand.
    Waiting,
    Done,
}

impl Heap {
    // ---- marking, the world stopped

    /// Collects. The world is stopped and all caches are flushed; `roots` marks what the program can reach.
    pub fn collect(&self, roots: &mut dyn FnMut(&mut Marker)) {
        let start = Instant::now();
        self.watches.lock().empty_pools();
        let mut central = self.central.lock();
        self.sweep_some(&mut central, u32::MAX);
        let before = self.live.load(Relaxed) + self.fresh.load(Relaxed);
        self.cycle.number.fetch_add(1, Relaxed);
        self.cycle.marked.store(0, Relaxed);
        let markers = self.markers();
        {
            let shapes = self.shapes.read();
            let pool = Pool::new(markers);
            let pool = (markers > 1).then_some(&pool);
            let mut marker = Marker::new(self, &shapes.list, pool);
            roots(&mut marker);
            let mut watches = self.watches.lock();
            watches.roots(&mut marker);
            std::thread::scope(|scope| {
                for _ in 1..markers {
                    let mut helper = Marker::new(self, &shapes.list, pool);
                    let started = std::thread::Builder::new()
                        .name("gmpl-mark".into())
                        .stack_size(256 << 10)
                        .spawn_scoped(scope, move || helper.drain());
                    if started.is_err() {
                        // Without a thread: a marker that never has work.
                        Marker::new(self, &shapes.list, pool).stand_in();
                    }
                }
                marker.drain();
            });
            self.hostile.looked.store(marker.looked, Relaxed);
            let mut more = Marker::new(self, &shapes.list, None);
            if watches.settle(self, &mut more) {
                more.drain();
            }
        }
        self.cycle.mark_ns.store(start.elapsed().as_nanos() as u64 * markers as u64, Relaxed);
        let live = self.cycle.marked.load(Relaxed);
        self.end_cycle(&mut central, live, before, before);
        self.sweep_some(&mut central, u32::MAX);
        let keep = self.kept_blocks();
        self.release(&mut central, keep, u32::MAX);
    }

    /// Clears all marks and lets `f` mark, to see what leads where. Nothing is freed, but free cells can no longer be told
    /// from others: nothing may be allocated afterwards. The world is stopped for good.
    pub fn explore(&self, f: &mut dyn FnMut(&mut Marker)) {
        let central = self.central.lock();
        for i in 0..central.used as usize {
            self.mark_words(i).iter().for_each(|w| w.store(0, Relaxed));
            self.block(i).marked_large.store(0, Relaxed);
        }
        let shapes = self.shapes.read();
        let mut marker = Marker::new(self, &shapes.list, None);
        f(&mut marker);
        marker.drain();
    }

    /// Threads that mark: a small heap is marked sooner by one.
    fn markers(&self) -> usize {
        const SMALL_HEAP: usize = 16 << 20;
        if HOSTILE || self.live.load(Relaxed) + self.fresh.load(Relaxed) < SMALL_HEAP { 1 } else { self.max_markers }
    }

    fn end_cycle(&self, central: &mut Central, live: usize, before: usize, marked_at: usize) {
        central.unswept.iter_mut().for_each(Vec::clear);
        central.sweep = Sweep { at: 0, end: central.used, large: std::mem::take(&mut central.large) };
        central.stats.before_gc = before as u64;
        central.stats.marked_at = marked_at as u64;
        central.stats.old_goal = self.live_and_goal().1 as u64;
        self.live.store(live, Relaxed);
        central.stats.total_alloc_bytes += self.fresh.swap(0, Relaxed) as u64;
        self.set_goal();
        central.stats.num_gc += 1;
        self.epoch.fetch_add(1, SeqCst);
        self.wanted.store(false, Relaxed);
    }

    /// Free blocks that are worth keeping from the system: the program is about to fill them.
    fn kept_blocks(&self) -> u32 {
        let (live, goal) = self.live_and_goal();
        let room = goal.saturating_sub(live).min(1 << 40);
        // Somewhat more than that is allocated until the next collection has ended.
        ((room + room / 4) / BLOCK_BYTES) as u32 + 32
    }

    // ---- marking while the program runs

    /// Others mark while the program runs.
    #[inline(always)]
    pub fn is_marking(&self) -> bool {
        self.cycle.marking.load(Relaxed)
    }

    pub fn set_concurrent(&self, when: Concurrent) {
        self.cycle.mode.store(when as u8, Relaxed);
    }

    /// Whether the next collection had better be concurrent. Near the limit every byte counts: there it is not.
    pub fn suits_concurrent(&self) -> bool {
        let mode = self.cycle.mode.load(Relaxed);
        let size = self.live.load(Relaxed) + self.fresh.load(Relaxed);
        let room = self.has_room((size / 4).max(16 << 20));
        match mode {
            m if m == Concurrent::Always as u8 => room,
            m if m == Concurrent::Large as u8 => room && (!self.cycle.is_short() || size > LARGE_HEAP),
            _ => false,
        }
    }

    /// Before the first stop: what need not be done in it.
    pub fn prepare_marking(&self, give_up: &dyn Fn() -> bool) {
        self.sweep_all(give_up);
        *self.cycle.shapes.lock() = Arc::new(self.shapes.read().list.clone());
    }

    /// In the first stop, all caches being flushed.
    pub fn begin_marking(&self) {
        self.watches.lock().empty_pools();
        let mut central = self.central.lock();
        self.sweep_some(&mut central, u32::MAX);
        central.stats.before_gc = (self.live.load(Relaxed) + self.fresh.load(Relaxed)) as u64;
        self.cycle.work.clear();
        self.cycle.marked.store(0, Relaxed);
        self.cycle.black.store(0, Relaxed);
        self.cycle.begun_at.store(central.stats.before_gc as usize, Relaxed);
        self.cycle.number.fetch_add(1, Relaxed);
        self.cycle.marking.store(true, SeqCst);
        self.wanted.store(false, Relaxed);
    }

    /// Shows a marker what it is to mark and leaves the rest to others.
    pub fn mark_with(&self, f: &mut dyn FnMut(&mut Marker)) {
        let shapes = self.cycle.shapes.lock().clone();
        let mut m = Marker::concurrent(self, &shapes);
        f(&mut m);
        self.cycle.work.shade(m.take_stack());
    }

    /// What cleanups and finalizers hold.
    pub fn mark_watches(&self, m: &mut Marker) {
        self.watches.lock().roots(m);
    }

    /// Looks into some objects.
    pub fn mark_some(&self, m: &mut Marker, objects: usize) -> Progress {
        let work = &self.cycle.work;
        if m.is_idle() {
            if let Some(chunk) = work.take(false) {
                m.add(chunk);
            } else {
                m.add(std::mem::take(&mut *work.grey.lock()));
            }
        }
        if !m.is_idle() {
            m.drain_some(objects);
            m.tell();
            return Progress::More;
        }
        let chunks = work.chunks.lock();
        match (chunks.list.is_empty(), chunks.busy) {
            (true, 0) if work.grey.lock().is_empty() => Progress::Done,
            (true, n) if n > 0 => Progress::Waiting,
            _ => Progress::More,
        }
    }

    /// In the last stop, nothing being left to look into: lets go of what has died. All caches are flushed after it.
    pub fn settle(&self, m: &mut Marker) {
        if self.watches.lock().settle(self, m) {
            while self.mark_some(m, usize::MAX) != Progress::Done {}
        }
        m.tell();
    }

    /// The end of the last stop.
    pub fn end_marking(&self, took: Duration) {
        let mut central = self.central.lock();
        self.cycle.marking.store(false, SeqCst);
        let black = self.cycle.black.load(Relaxed);
        self.cycle.mark_ns.store(took.as_nanos() as u64, Relaxed);
        self.hostile.looked.store(self.cycle.looked.swap(0, Relaxed), Relaxed);
        let before = central.stats.before_gc as usize;
        let now = self.live.load(Relaxed) + self.fresh.load(Relaxed);
        let taken = now.saturating_sub(self.trigger.load(Relaxed));
        self.cycle.room.store((taken + taken / 4).max(1), Relaxed);
        self.end_cycle(&mut central, self.cycle.marked.load(Relaxed) + black, before, now);
        // Much of what was made meanwhile is garbage already: it must not count for how far the heap may grow.
        self.set_goal_for(self.cycle.marked.load(Relaxed) + black / 2);
    }

    /// After a concurrent marking: sweeps and gives memory back, a bit at a time, so that nobody waits for long.
    pub fn sweep_all(&self, give_up: &dyn Fn() -> bool) {
        while self.sweep_some(&mut self.central.lock(), SWEPT_AT_ONCE * 4) && !give_up() {
            std::hint::spin_loop();
        }
        let keep = self.kept_blocks();
        while !give_up() && self.release(&mut self.central.lock(), keep, SWEPT_AT_ONCE) {}
    }

    /// A pointer-or-interface word is about to be overwritten, or is taken from where the marking does not look.
    #[cold]
    #[inline(never)]
    pub fn shade(&self, word: u64) {
        if (word as i64) < 0 || !self.is_marking() {
            return;
        }
        let Some((i, cell, at)) = self.resolve(word & iface::PAYLOAD) else { return };
        if let Some(todo) = self.mark_shared(i, cell, at, |bytes| {
            self.cycle.marked.fetch_add(bytes, Relaxed);
        }) {
            self.cycle.work.shade([todo]);
        }
    }

    /// Marks an object while others may do so too. `Some`: it is to be looked into, by the caller.
    #[inline(always)]
    pub(super) fn mark_shared(&self, i: usize, cell: u32, at: *mut u64, count: impl FnOnce(usize)) -> Option<Todo> {
        let b = self.block(i);
        let words;
        if b.kind == Kind::Large {
            let number = self.cycle.number() as u32;
            if b.marked_large.load(Relaxed) == number || b.marked_large.swap(number, Relaxed) == number {
                return None;
            }
            words = b.words as usize;
            count((words * 8).next_multiple_of(BLOCK_BYTES));
        } else {
            let mark = &self.mark_words(i)[cell as usize / 64];
            let bit = 1 << (cell % 64);
            if mark.load(Relaxed) & bit != 0 || mark.fetch_or(bit, Relaxed) & bit != 0 {
                return None;
            }
            words = b.size as usize / 8;
            count(b.size as usize);
        }
        (!b.plain).then_some(Todo { at, words, shape: b.shape })
    }

    /// Shades `n` words of an object that are about to be overwritten.
    ///
    /// # Safety
    /// So many words of a live object, or of the program's variables, lie there.
    pub unsafe fn shade_words(&self, at: *const u64, n: usize) {
        for i in 0..n {
            // SAFETY: the caller's. Others may write the words meanwhile.
            self.shade(unsafe { (*(at.add(i) as *const AtomicU64)).load(Relaxed) });
        }
    }

    /// Cells that are given out while others mark count as reached.
    pub(super) fn blacken(&self, block: u32, from: u32, to: u32) {
        self.set_marks(block, from, to, true);
        let bytes = (to - from) as usize * self.block(block as usize).size as usize;
        self.cycle.black.fetch_add(bytes, Relaxed);
    }

    /// Cells that were given out, but not used.
    pub(super) fn unblacken(&self, block: u32, from: u32, to: u32) {
        self.set_marks(block, from, to, false);
        let bytes = (to - from) as usize * self.block(block as usize).size as usize;
        self.cycle.black.fetch_sub(bytes, Relaxed);
    }

    fn set_marks(&self, block: u32, from: u32, to: u32, on: bool) {
        let marks = self.mark_words(block as usize);
        let mut at = from;
        while at < to {
            let end = (at / 64 * 64 + 64).min(to);
            let bits = u64::MAX >> (64 - (end - at)) << (at % 64);
            let word = &marks[at as usize / 64];
            if on {
                word.fetch_or(bits, Relaxed)
            } else {
                word.fetch_and(!bits, Relaxed)
            };
            at = end;
        }
    }

    pub(super) fn blacken_large(&self, bytes: usize) {
        self.cycle.black.fetch_add(bytes, Relaxed);
    }

    /// Which cells of a block are in use, as the last marking that has ended found.
    #[inline(always)]
    pub(super) fn used_bits(&self, block: usize) -> &[AtomicU64] {
        self.bits(self.cycle.number() - self.is_marking() as u64, block)
    }

    /// Somebody takes so many bytes while others mark: helps to mark if what is marked falls behind what was given out. As
    /// Go's pacer has it, all is to be marked when the heap reaches its goal.
    #[cold]
    #[inline(never)]
    pub(super) fn assist(&self, bytes: usize) {
        let (live, goal) = self.live_and_goal();
        let begun_at = self.cycle.begun_at.load(Relaxed);
        let given = self.in_use().saturating_sub(begun_at);
        let room = goal.saturating_sub(begun_at).max(1);
        let due = (live as u128 * given as u128 / room as u128).min(live as u128) as usize;
        let late = due.saturating_sub(self.cycle.marked.load(Relaxed));
        if late < bytes {
            return;
        }
        let shapes = self.cycle.shapes.lock().clone();
        let mut m = Marker::concurrent(self, &shapes);
        let wanted = late.min(bytes * ASSIST).min(ASSIST_BYTES);
        while m.bytes() < wanted
            && let Some(chunk) = self.cycle.work.take(true)
        {
            m.add(chunk);
            while m.bytes() < wanted && !m.is_idle() {
                m.drain_some(ASSIST_OBJECTS);
            }
            self.cycle.work.end_assist(m.take_stack());
        }
    }

    // ---- sweeping

    /// A block that may have free cells of a shape.
    pub(super) fn next_unswept(&self, shape: usize) -> Option<u32> {
        let mut central = self.central.lock();
        if central.unswept[shape].is_empty() && !central.sweep.is_done() {
            self.sweep_some(&mut central, SWEPT_AT_ONCE);
        }
        central.unswept[shape].pop()
    }

    /// Who takes blocks sweeps some first, so that free ones are found.
    pub(super) fn sweep_before_taking(&self, central: &mut Central, n: u32) {
        if !central.sweep.is_done() {
            let near = !self.has_room(n as usize * BLOCK_BYTES);
            self.sweep_some(central, if near { u32::MAX } else { n.saturating_add(SWEPT_AT_ONCE) });
        }
    }

    /// Sweeps about so many blocks. `true`: there are more.
    fn sweep_some(&self, central: &mut Central, blocks: u32) -> bool {
        let number = self.cycle.number();
        let mut left = blocks;
        while left > 0 {
            left -= 1;
            if let Some(first) = central.sweep.large.pop() {
                let b = self.block(first as usize);
                let n = (b.words as usize * 8).div_ceil(BLOCK_BYTES) as u32;
                if b.marked_large.load(Relaxed) == number as u32 {
                    central.large.push(first);
                } else {
                    self.free_blocks(central, first, n);
                    left = left.saturating_sub(n);
                }
                continue;
            }
            let i = central.sweep.at;
            if i == central.sweep.end {
                return false;
            }
            central.sweep.at += 1;
            let b = self.block(i as usize);
            if b.kind != Kind::Small || b.born == 2 * number as u32 + 1 {
                continue;
            }
            let words = b.cells.div_ceil(64) as usize;
            self.bits(number + 1, i as usize).iter().take(words).for_each(|w| w.store(0, Relaxed));
            let marks = self.bits(number, i as usize);
            let marked: u32 = marks.iter().take(words).map(|w| w.load(Relaxed).count_ones()).sum();
            if HOSTILE && marked < b.cells {
                self.poison_unmarked(i as usize);
            }
            if marked == 0 {
                self.free_blocks(central, i, 1);
            } else if marked < b.cells && (!HOSTILE || (i as u64 + self.epoch.load(Relaxed)) % 4 == 0) {
                central.unswept[b.shape as usize].push(i);
            }
        }
        !central.sweep.is_done()
    }

    fn free_blocks(&self, central: &mut Central, first: u32, n: u32) {
        if HOSTILE {
            self.lay_fallow(central, first, n);
        } else {
            self.give_blocks(central, first, n);
        }
    }

    /// Fills the free cells of a small block with poison.
    fn poison_unmarked(&self, i: usize) {
        let b = self.block(i);
        let marks = self.mark_words(i);
        for cell in 0..b.cells as usize {
            if marks[cell / 64].load(Relaxed) >> (cell % 64) & 1 == 0 {
                // SAFETY: a free cell of a block that is not swept yet: nobody has it.
                unsafe {
                    let at = self.address(i as u32).add(cell * b.size as usize) as *mut u64;
                    hostile::poison(at, b.size as usize / 8);
                }
            }
        }
    }

    /// Fills free blocks with poison and keeps them from use for a while.
    fn lay_fallow(&self, central: &mut Central, first: u32, n: u32) {
        // SAFETY: under the central lock; nothing refers to the blocks any more.
        unsafe {
            hostile::poison(self.address(first) as *mut u64, n as usize * BLOCK_BYTES / 8);
            for i in first..first + n {
                self.block_mut(i as usize).kind = Kind::Free;
            }
        }
        central.fallow.push_back((first, n));
        let mut total: usize = central.fallow.iter().map(|f| f.1 as usize).sum();
        while total > hostile::FALLOW_BLOCKS
            && let Some((first, n)) = central.fallow.pop_front()
        {
            total -= n as usize;
            self.give_blocks(central, first, n);
        }
    }
}
