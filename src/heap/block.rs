//! Blocks: the reserved range, the table of blocks, free blocks, pacing and limits.
use super::Config;
use super::hostile::{self, Hostile};
use super::mark::{Marker, Pool};
use super::shape::{Scan, Shape, ShapeId, Shapes, scan_of};
use super::watch::Watches;
use crate::base::limits::HOSTILE;
use crate::bytecode::program::BitMap;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::time::Instant;

pub const BLOCK_SHIFT: u32 = 15;
pub const BLOCK_BYTES: usize = 1 << BLOCK_SHIFT;
/// Mark bits of a block, in words: one bit for each one-word cell.
pub const MARK_WORDS: usize = BLOCK_BYTES / 8 / 64;

/// Bytes of address space tried first; halved until the system agrees.
const RESERVE_BYTES: usize = 1 << 40;
const MIN_RESERVE_BYTES: usize = 1 << 30;

/// Bytes beyond the plan that are let through until the next safepoint.
const OVERDUE_BYTES: usize = 512 << 10;

/// Beyond the limit by this much the heap gives no more memory; at the limit it asks for a collection.
fn slack(max: usize) -> usize {
    (max / 64).saturating_add(1 << 20)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Zero: what fresh memory holds.
    Free = 0,
    Small,
    Large,
    /// Not the first block of a large object.
    Tail,
}

/// What is known of a block. Written under the central lock while the block belongs to nobody; read by whoever holds
/// a pointer into it.
#[repr(C)]
pub struct Block {
    pub kind: Kind,
    /// May hold old contents.
    dirty: bool,
    /// Objects have no pointers.
    pub plain: bool,
    pub marked_large: AtomicBool,
    pub shape: u32,
    /// Small: bytes of a cell. Tail: the number of blocks back to the first.
    pub size: u32,
    /// Small: 2^32 / cell bytes, rounded up.
    recip: u32,
    pub cells: u32,
    /// Large: words of the object.
    pub words: u64,
}

/// A range of the address space.
struct Range {
    at: *mut u8,
    bytes: usize,
}

impl Range {
    fn reserve(bytes: usize) -> Option<Range> {
        // SAFETY: a fresh private mapping.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        (at != libc::MAP_FAILED).then_some(Range { at: at as *mut u8, bytes })
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nothing refers to any more.
        unsafe { libc::munmap(self.at as *mut libc::c_void, self.bytes) };
    }
}

pub(super) struct Central {
    /// Blocks handed out so far from the range's start.
    pub used: u32,
    /// Runs of free blocks: first to number.
    free: BTreeMap<u32, u32>,
    free_blocks: u32,
    /// Of these, those that hold old contents and so memory of the system's.
    dirty_blocks: u32,
    /// By shape: blocks that may have free cells.
    pub unswept: Vec<Vec<u32>>,
    large: Vec<u32>,
    stats: Stats,
    /// Of the hostile build: free blocks that are not used yet, oldest first.
    fallow: std::collections::VecDeque<(u32, u32)>,
}

/// Figures for `runtime.MemStats` and traces.
#[derive(Default, Clone, Debug)]
pub struct Stats {
    pub heap_live_bytes: u64,
    pub heap_sys_bytes: u64,
    pub total_alloc_bytes: u64,
    pub mallocs: u64,
    pub frees: u64,
    pub num_gc: u64,
    pub next_gc: u64,
    pub pause_total_ns: u64,
    pub last_pause_ns: u64,
    /// Bytes allocated when the last collection began, and its goal.
    pub before_gc: u64,
    pub old_goal: u64,
}

pub struct Heap {
    range: Range,
    table: Range,
    marks: Range,
    pub(super) base: usize,
    limit_blocks: u32,
    pub(super) shapes: RwLock<Shapes>,
    pub(super) central: Mutex<Central>,
    max_bytes: AtomicUsize,
    /// GOMEMLIMIT: collections come more often above it; nothing fails.
    memory_limit: AtomicUsize,
    /// Bytes the VM holds outside the heap: stacks and other state of its Gs.
    outside: AtomicUsize,
    /// Likewise, as counted by the last collection.
    extras: AtomicUsize,
    gc_percent: AtomicU64,
    min_heap: usize,
    max_markers: usize,
    /// Bytes in blocks that are in use.
    held: AtomicUsize,
    /// Bytes handed to caches and large objects since the last collection.
    pub(super) fresh: AtomicUsize,
    live: AtomicUsize,
    goal: AtomicUsize,
    wanted: AtomicBool,
    /// Number of collections: caches and blocks of an older one are stale.
    pub(super) epoch: AtomicU64,
    hostile: Hostile,
    pub(super) watches: Mutex<Watches>,
}

// SAFETY: the ranges are memory that the heap owns; who may touch what is said with the parts.
unsafe impl Send for Heap {}
unsafe impl Sync for Heap {}

impl Heap {
    /// # Errors
    /// The system gives no address space.
    pub fn new(config: Config) -> std::io::Result<Heap> {
        let mut bytes = RESERVE_BYTES;
        loop {
            if let Some(heap) = Heap::with_reserve(&config, bytes) {
                return Ok(heap);
            }
            bytes /= 2;
            if bytes < MIN_RESERVE_BYTES {
                return Err(std::io::Error::last_os_error());
            }
        }
    }

    fn with_reserve(config: &Config, bytes: usize) -> Option<Heap> {
        let blocks = bytes / BLOCK_BYTES;
        let range = Range::reserve(bytes + BLOCK_BYTES)?;
        let table = Range::reserve(blocks * size_of::<Block>())?;
        let marks = Range::reserve(blocks * MARK_WORDS * 8)?;
        let base = (range.at as usize).next_multiple_of(BLOCK_BYTES);
        let heap = Heap {
            range,
            table,
            marks,
            base,
            limit_blocks: blocks as u32,
            shapes: RwLock::default(),
            central: Mutex::new(Central {
                used: 0,
                free: BTreeMap::new(),
                free_blocks: 0,
                dirty_blocks: 0,
                unswept: Vec::new(),
                large: Vec::new(),
                stats: Stats::default(),
                fallow: Default::default(),
            }),
            max_bytes: AtomicUsize::new(config.max_bytes),
            memory_limit: AtomicUsize::new(config.memory_limit),
            outside: AtomicUsize::new(0),
            extras: AtomicUsize::new(0),
            gc_percent: AtomicU64::new(config.gc_percent as u64),
            min_heap: config.min_heap_bytes,
            max_markers: config.markers.max(1),
            held: AtomicUsize::new(0),
            fresh: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            goal: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            hostile: Hostile::default(),
            watches: Mutex::default(),
        };
        heap.set_goal();
        Some(heap)
    }

    /// The shape of a fixed-size object; bit i of the map: word i holds a pointer or interface.
    pub fn shape(&self, words: usize, ptrs: &BitMap) -> ShapeId {
        let words = words.max(1);
        self.intern(Shape { words: words as u32, scan: scan_of(words, ptrs) })
    }

    pub(super) fn intern(&self, shape: Shape) -> ShapeId {
        let mut shapes = self.shapes.write();
        let id = shapes.intern(shape);
        let mut central = self.central.lock();
        if central.unswept.len() <= id.0 as usize {
            central.unswept.resize_with(id.0 as usize + 1, Vec::new);
        }
        id
    }

    #[inline(always)]
    pub(super) fn block(&self, i: usize) -> &Block {
        // SAFETY: the table has an entry for each block of the range; zero is a free block.
        unsafe { &*(self.table.at as *const Block).add(i) }
    }

    #[allow(clippy::mut_from_ref)]
    unsafe fn block_mut(&self, i: usize) -> &mut Block {
        unsafe { &mut *(self.table.at as *mut Block).add(i) }
    }

    #[inline(always)]
    pub(super) fn mark_words(&self, i: usize) -> &[AtomicU64] {
        // SAFETY: the marks have so many words for each block.
        unsafe { std::slice::from_raw_parts((self.marks.at as *const AtomicU64).add(i * MARK_WORDS), MARK_WORDS) }
    }

    #[inline(always)]
    pub(super) fn address(&self, block: u32) -> *mut u8 {
        (self.base + ((block as usize) << BLOCK_SHIFT)) as *mut u8
    }

    /// Whether an address lies in the heap's range.
    #[inline(always)]
    pub fn contains(&self, ptr: u64) -> bool {
        (ptr as usize).wrapping_sub(self.base) < (self.limit_blocks as usize) << BLOCK_SHIFT
    }

    /// The object an address lies in: `(block, cell, first word)`.
    #[inline(always)]
    pub(super) fn resolve(&self, ptr: u64) -> Option<(usize, u32, *mut u64)> {
        let offset = (ptr as usize).wrapping_sub(self.base);
        if offset >= (self.limit_blocks as usize) << BLOCK_SHIFT {
            return None;
        }
        let mut i = offset >> BLOCK_SHIFT;
        let b = self.block(i);
        match b.kind {
            Kind::Small => {
                let within = (offset & (BLOCK_BYTES - 1)) as u64;
                let cell = (within * b.recip as u64 >> 32) as u32;
                if cell >= b.cells {
                    return None;
                }
                let at = self.base + (i << BLOCK_SHIFT) + cell as usize * b.size as usize;
                Some((i, cell, at as *mut u64))
            }
            Kind::Free => None,
            kind => {
                if kind == Kind::Tail {
                    i -= b.size as usize;
                }
                Some((i, 0, (self.base + (i << BLOCK_SHIFT)) as *mut u64))
            }
        }
    }

    /// The object an address lies in: its first word and its size in words.
    pub fn find_object(&self, ptr: u64) -> Option<(*mut u64, usize)> {
        let (i, _, at) = self.resolve(ptr)?;
        let b = self.block(i);
        Some((at, if b.kind == Kind::Large { b.words as usize } else { b.size as usize / 8 }))
    }

    /// Whether the last marking reached the object at an address.
    pub fn is_marked(&self, ptr: u64) -> bool {
        match self.resolve(ptr) {
            Some((i, cell, _)) => {
                let b = self.block(i);
                if b.kind == Kind::Large {
                    return b.marked_large.load(Relaxed);
                }
                self.mark_words(i)[cell as usize / 64].load(Relaxed) >> (cell % 64) & 1 != 0
            }
            None => false,
        }
    }

    // ---- blocks

    /// Takes `n` blocks in a row; `None` at the limit.
    fn take_blocks(&self, central: &mut Central, n: u32) -> Option<u32> {
        let bytes = n as usize * BLOCK_BYTES;
        let max = self.max_bytes.load(Relaxed);
        let held = self.held.load(Relaxed).saturating_add(self.outside()).saturating_add(bytes);
        if held > max {
            if self.fresh.load(Relaxed) > self.live.load(Relaxed) / 16 {
                self.wanted.store(true, Relaxed);
            }
            if held > max.saturating_add(slack(max)) {
                return None;
            }
        }
        let fit = central.free.iter().find(|(_, len)| **len >= n).map(|(&at, &len)| (at, len));
        let first = match fit {
            Some((at, len)) => {
                central.free.remove(&at);
                if len > n {
                    central.free.insert(at + n, len - n);
                }
                central.free_blocks -= n;
                central.dirty_blocks -= (at..at + n).filter(|&i| self.block(i as usize).dirty).count() as u32;
                at
            }
            None => {
                if central.used.checked_add(n)? > self.limit_blocks {
                    return None;
                }
                // Free blocks that do not fit must not add to what the process holds.
                let goal = self.goal.load(Relaxed);
                let resident = held.saturating_add(central.dirty_blocks as usize * BLOCK_BYTES);
                if central.dirty_blocks > 256 && resident > max.min(goal.saturating_add(goal / 8)) {
                    self.release(central, 0);
                }
                central.used += n;
                central.used - n
            }
        };
        self.held.fetch_add(bytes, Relaxed);
        Some(first)
    }

    fn give_blocks(&self, central: &mut Central, first: u32, n: u32) {
        for i in first..first + n {
            // SAFETY: under the central lock; nothing refers to the block any more.
            let b = unsafe { self.block_mut(i as usize) };
            b.kind = Kind::Free;
            b.dirty = true;
        }
        central.dirty_blocks += n;
        self.held.fetch_sub(n as usize * BLOCK_BYTES, Relaxed);
        let (mut at, mut len) = (first, n);
        if let Some((&before, &before_len)) = central.free.range(..first).next_back()
            && before + before_len == first
        {
            central.free.remove(&before);
            at = before;
            len += before_len;
        }
        if let Some(after_len) = central.free.remove(&(first + n)) {
            len += after_len;
        }
        central.free.insert(at, len);
        central.free_blocks += n;
    }

    /// Gives free blocks back to the system but for `keep` of them.
    fn release(&self, central: &mut Central, keep: u32) {
        let mut given = 0;
        for (&at, &len) in central.free.iter().rev() {
            if central.dirty_blocks - given <= keep {
                break;
            }
            let mut i = at;
            while i < at + len {
                let start = i;
                while i < at + len && self.block(i as usize).dirty {
                    i += 1;
                }
                if i > start {
                    given += i - start;
                    // SAFETY: free blocks of our own range; afterwards they read as zero.
                    unsafe {
                        libc::madvise(
                            self.address(start) as *mut libc::c_void,
                            (i - start) as usize * BLOCK_BYTES,
                            libc::MADV_DONTNEED,
                        );
                        for k in start..i {
                            self.block_mut(k as usize).dirty = false;
                        }
                    }
                }
                i = i.max(start) + 1;
            }
        }
        central.dirty_blocks -= given;
    }

    /// Whether so many bytes more may be held.
    pub fn has_room(&self, bytes: usize) -> bool {
        let max = self.max_bytes.load(Relaxed);
        self.held.load(Relaxed).saturating_add(self.outside()).saturating_add(bytes) <= max.saturating_add(slack(max))
    }

    /// What a collection has counted of the Gs' own state.
    pub fn set_extras(&self, bytes: usize) {
        self.extras.store(bytes, Relaxed);
    }

    /// Accounts for bytes that the VM holds outside the heap. `false`: they are too many, and are not accounted for.
    pub fn take_outside(&self, bytes: usize) -> bool {
        if !self.has_room(bytes) {
            self.wanted.store(true, Relaxed);
            return false;
        }
        self.outside.fetch_add(bytes, Relaxed);
        true
    }

    pub fn give_outside(&self, bytes: usize) {
        self.outside.fetch_sub(bytes, Relaxed);
    }

    /// Bytes held outside the heap.
    pub fn outside(&self) -> usize {
        self.outside.load(Relaxed) + self.extras.load(Relaxed)
    }

    /// The limit in bytes; `usize::MAX`: none.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes.load(Relaxed)
    }

    /// Number of collections so far.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    /// A small block for cells of a shape: its number, and whether its memory is zero.
    pub(super) fn new_small(&self, shape: ShapeId, words: u32) -> Option<(u32, bool)> {
        let plain = matches!(self.shapes.read().list[shape.0 as usize].scan, Scan::None);
        let mut central = self.central.lock();
        let i = self.take_blocks(&mut central, 1)?;
        // SAFETY: under the central lock; the block was free.
        let b = unsafe { self.block_mut(i as usize) };
        let zero = !b.dirty;
        let bytes = words * 8;
        b.size = bytes;
        b.recip = (1u64 << 32).div_ceil(bytes as u64).min(u32::MAX as u64) as u32;
        b.cells = BLOCK_BYTES as u32 / bytes;
        b.shape = shape.0;
        b.plain = plain;
        b.dirty = true;
        for w in self.mark_words(i as usize).iter().take(b.cells.div_ceil(64) as usize) {
            w.store(0, Relaxed);
        }
        b.kind = Kind::Small;
        Some((i, zero))
    }

    /// A large object; null at the limit.
    pub(super) fn new_large(&self, shape: ShapeId, bytes: usize, zeroed: bool) -> *mut u64 {
        let n = bytes.div_ceil(BLOCK_BYTES);
        if n >= self.limit_blocks as usize {
            return std::ptr::null_mut();
        }
        let plain = matches!(self.shapes.read().list[shape.0 as usize].scan, Scan::None);
        let mut central = self.central.lock();
        let Some(first) = self.take_blocks(&mut central, n as u32) else { return std::ptr::null_mut() };
        for i in 0..n {
            // SAFETY: under the central lock; the blocks were free and are this object's now.
            unsafe {
                let b = self.block_mut(first as usize + i);
                if b.dirty && zeroed {
                    std::ptr::write_bytes(self.address(first + i as u32), 0, BLOCK_BYTES);
                }
                b.dirty = true;
                b.size = i as u32;
                b.shape = shape.0;
                b.plain = plain;
                b.kind = if i == 0 { Kind::Large } else { Kind::Tail };
                if i == 0 {
                    b.words = bytes.div_ceil(8) as u64;
                    b.marked_large.store(false, Relaxed);
                }
            }
        }
        central.large.push(first);
        central.stats.mallocs += 1;
        drop(central);
        self.count_fresh(n * BLOCK_BYTES);
        self.address(first) as *mut u64
    }

    pub(super) fn count_fresh(&self, bytes: usize) {
        let fresh = self.fresh.fetch_add(bytes, Relaxed) + bytes;
        if fresh + self.live.load(Relaxed) >= self.goal.load(Relaxed) {
            self.wanted.store(true, Relaxed);
        }
    }

    /// So much more than planned was allocated that the next safepoint is too far away to collect.
    #[inline]
    pub fn is_overdue(&self) -> bool {
        if !self.wanted.load(Relaxed) {
            return false;
        }
        let (live, goal) = (self.live.load(Relaxed), self.goal.load(Relaxed));
        let fresh = self.fresh.load(Relaxed);
        fresh > OVERDUE_BYTES && fresh + live > goal.saturating_add(goal.saturating_sub(live) / 4 + OVERDUE_BYTES)
    }

    // ---- collection

    /// A collection is due.
    #[inline(always)]
    pub fn should_collect(&self) -> bool {
        self.wanted.load(Relaxed)
    }

    /// An allocation of the hostile build is to fail for once.
    #[inline(always)]
    pub(super) fn starves(&self) -> bool {
        HOSTILE && self.hostile.starve()
    }

    /// At a safepoint of the hostile build: a collection is due here.
    #[inline(always)]
    pub fn hostile_due(&self) -> bool {
        self.hostile.due()
    }

    /// Even after a collection the heap holds more than it may.
    pub fn over_limit(&self) -> bool {
        self.live.load(Relaxed) > self.max_bytes.load(Relaxed)
    }

    /// Bytes that live objects had at the last collection, and the size that asks for the next one.
    pub fn live_and_goal(&self) -> (usize, usize) {
        (self.live.load(Relaxed), self.goal.load(Relaxed))
    }

    fn set_goal(&self) {
        let live = self.live.load(Relaxed);
        let percent = self.gc_percent.load(Relaxed) as i64;
        // What stacks hold is not the heap's.
        let max = self.max_bytes.load(Relaxed).saturating_sub(self.outside());
        let soft = self.memory_limit.load(Relaxed).saturating_sub(self.outside());
        let mut goal = if percent < 0 {
            usize::MAX
        } else {
            let grown = live as u128 + live as u128 * percent as u128 / 100;
            (grown.min(usize::MAX as u128) as usize).max((self.min_heap as u128 * percent as u128 / 100) as usize)
        };
        goal = goal.min(soft.max(live + live / 16 + (1 << 20)));
        if max < usize::MAX / 2 {
            // Near the limit collections come often, but not at every step.
            goal = goal.min((max - max / 10).max(live + (max - live.min(max)) / 2 + live / 16 + (64 << 10)));
        }
        self.goal.store(goal, Relaxed);
    }

    /// Collects. The world is stopped and all caches are flushed; `roots` marks what the program can reach.
    pub fn collect(&self, roots: &mut dyn FnMut(&mut Marker)) {
        let start = Instant::now();
        self.watches.lock().empty_pools();
        let mut central = self.central.lock();
        let used = central.used as usize;
        for i in 0..used {
            let b = self.block(i);
            match b.kind {
                Kind::Small => {
                    for w in self.mark_words(i).iter().take(b.cells.div_ceil(64) as usize) {
                        w.store(0, Relaxed);
                    }
                }
                Kind::Large => b.marked_large.store(false, Relaxed),
                _ => {}
            }
        }
        {
            let shapes = self.shapes.read();
            let markers = self.markers();
            let pool = Pool::new(markers);
            let pool = (markers > 1).then_some(&pool);
            let mut marker = Marker::new(self, &shapes, pool);
            roots(&mut marker);
            let mut watches = self.watches.lock();
            watches.roots(&mut marker);
            std::thread::scope(|scope| {
                for _ in 1..markers {
                    let mut helper = Marker::new(self, &shapes, pool);
                    let started = std::thread::Builder::new()
                        .name("gmpl-mark".into())
                        .stack_size(256 << 10)
                        .spawn_scoped(scope, move || helper.drain());
                    if started.is_err() {
                        // Without a thread: a marker that never has work.
                        Marker::new(self, &shapes, pool).stand_in();
                    }
                }
                marker.drain();
            });
            self.hostile.looked.store(marker.looked, Relaxed);
            let mut more = Marker::new(self, &shapes, None);
            if watches.settle(self, &mut more) {
                more.drain();
            }
        }
        let mut live = 0usize;
        for list in &mut central.unswept {
            list.clear();
        }
        let mut empty = Vec::new();
        for i in 0..used {
            let b = self.block(i);
            if b.kind == Kind::Small {
                let marked: u32 = self
                    .mark_words(i)
                    .iter()
                    .take(b.cells.div_ceil(64) as usize)
                    .map(|w| w.load(Relaxed).count_ones())
                    .sum();
                live += marked as usize * b.size as usize;
                if HOSTILE && marked < b.cells {
                    self.poison_unmarked(i);
                }
                if marked == 0 {
                    empty.push((i as u32, 1));
                } else if marked < b.cells && (!HOSTILE || (i as u64 + self.epoch.load(Relaxed)) % 4 == 0) {
                    central.unswept[b.shape as usize].push(i as u32);
                }
            }
        }
        let mut large = std::mem::take(&mut central.large);
        large.retain(|&i| {
            let b = self.block(i as usize);
            let n = (b.words as usize * 8).div_ceil(BLOCK_BYTES);
            if b.marked_large.load(Relaxed) {
                live += n * BLOCK_BYTES;
                return true;
            }
            empty.push((i, n as u32));
            false
        });
        central.large = large;
        for (first, n) in empty {
            if HOSTILE {
                self.lay_fallow(&mut central, first, n);
            } else {
                self.give_blocks(&mut central, first, n);
            }
        }
        central.stats.before_gc = (self.live.load(Relaxed) + self.fresh.load(Relaxed)) as u64;
        central.stats.old_goal = self.goal.load(Relaxed) as u64;
        self.live.store(live, Relaxed);
        central.stats.total_alloc_bytes += self.fresh.swap(0, Relaxed) as u64;
        self.set_goal();
        let room = self.goal.load(Relaxed).saturating_sub(live).min(1 << 40);
        self.release(&mut central, (room / BLOCK_BYTES) as u32 + 32);
        self.epoch.fetch_add(1, SeqCst);
        self.wanted.store(false, Relaxed);
        let stats = &mut central.stats;
        stats.num_gc += 1;
        stats.last_pause_ns = start.elapsed().as_nanos() as u64;
        stats.pause_total_ns += stats.last_pause_ns;
    }

    /// Clears all marks and lets `f` mark, to see what leads where. Nothing is freed, but free cells can no longer be told
    /// from others: nothing may be allocated afterwards. The world is stopped for good.
    pub fn explore(&self, f: &mut dyn FnMut(&mut Marker)) {
        let central = self.central.lock();
        for i in 0..central.used as usize {
            let b = self.block(i);
            self.mark_words(i).iter().for_each(|w| w.store(0, Relaxed));
            b.marked_large.store(false, Relaxed);
        }
        let shapes = self.shapes.read();
        let mut marker = Marker::new(self, &shapes, None);
        f(&mut marker);
        marker.drain();
    }

    /// Threads that mark: a small heap is marked sooner by one.
    fn markers(&self) -> usize {
        const SMALL_HEAP: usize = 16 << 20;
        if HOSTILE || self.live.load(Relaxed) + self.fresh.load(Relaxed) < SMALL_HEAP { 1 } else { self.max_markers }
    }

    /// Fills the free cells of a small block with poison.
    fn poison_unmarked(&self, i: usize) {
        let b = self.block(i);
        let marks = self.mark_words(i);
        for cell in 0..b.cells as usize {
            if marks[cell / 64].load(Relaxed) >> (cell % 64) & 1 == 0 {
                // SAFETY: a free cell of the block; the world is stopped and caches are flushed.
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

    pub fn stats(&self) -> Stats {
        let central = self.central.lock();
        let fresh = self.fresh.load(Relaxed) as u64;
        Stats {
            heap_live_bytes: self.live.load(Relaxed) as u64 + fresh,
            heap_sys_bytes: self.held.load(Relaxed) as u64,
            total_alloc_bytes: central.stats.total_alloc_bytes + fresh,
            next_gc: self.goal.load(Relaxed) as u64,
            ..central.stats.clone()
        }
    }

    /// Sets GOGC; returns what it was.
    pub fn set_gc_percent(&self, percent: i64) -> i64 {
        let old = self.gc_percent.swap(percent as u64, Relaxed) as i64;
        self.set_goal();
        old
    }

    /// Sets GOMEMLIMIT; returns what it was.
    pub fn set_memory_limit(&self, bytes: usize) -> usize {
        let old = self.memory_limit.swap(bytes, Relaxed);
        self.set_goal();
        old
    }

    pub fn memory_limit(&self) -> usize {
        self.memory_limit.load(Relaxed)
    }

    pub fn gc_percent(&self) -> i64 {
        self.gc_percent.load(Relaxed) as i64
    }

    /// Sets the limit in bytes; returns what it was.
    pub fn set_max_bytes(&self, bytes: usize) -> usize {
        let old = self.max_bytes.swap(bytes, Relaxed);
        self.set_goal();
        old
    }

    /// Gives all free blocks back to the system.
    pub fn free_os_memory(&self) {
        let mut central = self.central.lock();
        self.release(&mut central, 0);
    }

    /// Bytes of address space reserved.
    pub fn reserved(&self) -> usize {
        self.range.bytes
    }
}
