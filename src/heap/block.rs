//! Blocks: the reserved range, the table of blocks, free blocks, pacing and limits.
use super::Config;
use super::cycle::{Cycle, Sweep};
use super::hostile::Hostile;
use super::shape::{Scan, Shape, ShapeId, Shapes, scan_of};
use super::watch::Watches;
use crate::base::limits::HOSTILE;
use crate::bytecode::program::BitMap;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::*, fence};

pub const BLOCK_SHIFT: u32 = 15;
pub const BLOCK_BYTES: usize = 1 << BLOCK_SHIFT;
/// Mark bits of a block, in words: one bit for each one-word cell.
pub const MARK_WORDS: usize = BLOCK_BYTES / 8 / 64;

/// Bytes of address space tried first; halved until the system agrees.
const RESERVE_BYTES: usize = 1 << 40;
const MIN_RESERVE_BYTES: usize = 1 << 30;

/// Bytes beyond the plan that are let through until the next safepoint.
const OVERDUE_BYTES: usize = 512 << 10;

/// As many as runtime.MemStats has.
const KEPT_PAUSES: usize = 256;

/// In place of the limit: the machine has not been asked for it.
const UNASKED: usize = 0;
/// A heap that holds no more than this is small for any machine.
const SMALL_BYTES: usize = 16 << 20;

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
    /// Large: the last marking that reached the object.
    pub marked_large: AtomicU32,
    /// Small: twice the number of the last marking begun before it was made, plus 1 if that had ended.
    pub(super) born: u32,
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
    pub large: Vec<u32>,
    pub stats: Stats,
    /// The blocks and large objects that are still to be swept after the last marking.
    pub sweep: Sweep,
    /// Of the hostile build: free blocks that are not used yet, oldest first.
    pub fallow: std::collections::VecDeque<(u32, u32)>,
}

/// Figures for `runtime.MemStats` and traces.
#[derive(Default, Clone, Debug)]
pub struct Stats {
    pub heap_live_bytes: u64,
    /// What the last collection found.
    pub live_bytes: u64,
    pub heap_sys_bytes: u64,
    pub total_alloc_bytes: u64,
    pub mallocs: u64,
    pub frees: u64,
    pub num_gc: u64,
    pub next_gc: u64,
    pub pause_total_ns: u64,
    pub last_pause_ns: u64,
    /// Of the last collection: the two stops of a concurrent one, and the time between.
    pub last_parts_ns: [u64; 3],
    /// Lengths and ends (nanoseconds since 1970) of the latest collections' pauses, as runtime.MemStats has them.
    pub pauses: VecDeque<(u64, u64)>,
    /// Bytes allocated when the last collection began, and its goal.
    pub before_gc: u64,
    /// The heap's size when its marking had ended.
    pub marked_at: u64,
    pub old_goal: u64,
}

pub struct Heap {
    range: Range,
    table: Range,
    /// Two bitmaps: a marking's marks, which then tell used cells from free ones until the next has ended.
    marks: [Range; 2],
    pub(super) base: usize,
    limit_blocks: u32,
    pub(super) shapes: RwLock<Shapes>,
    pub(super) central: Mutex<Central>,
    /// The limit; `UNASKED` before the machine has been asked.
    max_bytes: AtomicUsize,
    machine_bytes: fn() -> usize,
    /// GOMEMLIMIT: collections come more often above it; nothing fails.
    memory_limit: AtomicUsize,
    /// Bytes the VM holds outside the heap: stacks and other state of its Gs.
    outside: AtomicUsize,
    /// Likewise, as counted by the last collection.
    extras: AtomicUsize,
    gc_percent: AtomicU64,
    min_heap: usize,
    pub(super) max_markers: usize,
    /// Bytes in blocks that are in use.
    pub(super) held: AtomicUsize,
    /// Bytes handed to caches and large objects since the last collection.
    pub(super) fresh: AtomicUsize,
    pub(super) live: AtomicUsize,
    goal: AtomicUsize,
    /// The size at which the next collection is to begin: before the goal if others run on while it marks.
    pub(super) trigger: AtomicUsize,
    pub(super) wanted: AtomicBool,
    /// Number of collections: caches and blocks of an older one are stale.
    pub(super) epoch: AtomicU64,
    pub(super) hostile: Hostile,
    pub(super) cycle: Cycle,
    pub(super) watches: Mutex<Watches>,
    /// Something is to be called because an object has died.
    pub(super) ready: AtomicBool,
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
        let marks = [Range::reserve(blocks * MARK_WORDS * 8)?, Range::reserve(blocks * MARK_WORDS * 8)?];
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
                sweep: Sweep::default(),
                fallow: Default::default(),
            }),
            max_bytes: AtomicUsize::new(config.max_bytes.unwrap_or(UNASKED)),
            machine_bytes: config.machine_bytes,
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
            trigger: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            hostile: Hostile::default(),
            cycle: Cycle::default(),
            watches: Mutex::default(),
            ready: AtomicBool::new(false),
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
    pub(super) unsafe fn block_mut(&self, i: usize) -> &mut Block {
        unsafe { &mut *(self.table.at as *mut Block).add(i) }
    }

    /// The bits of a block in one of the bitmaps.
    #[inline(always)]
    pub(super) fn bits(&self, map: u64, i: usize) -> &[AtomicU64] {
        let at = self.marks[(map & 1) as usize].at as *const AtomicU64;
        // SAFETY: the bitmaps have so many words for each block.
        unsafe { std::slice::from_raw_parts(at.add(i * MARK_WORDS), MARK_WORDS) }
    }

    /// The marks of the last marking, or of the one that goes on.
    #[inline(always)]
    pub(super) fn mark_words(&self, i: usize) -> &[AtomicU64] {
        self.bits(self.cycle.number(), i)
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
        let kind = b.kind;
        // What is said of a block is written before its kind.
        fence(Acquire);
        match kind {
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
                    return b.marked_large.load(Relaxed) == self.cycle.number() as u32;
                }
                self.mark_words(i)[cell as usize / 64].load(Relaxed) >> (cell % 64) & 1 != 0
            }
            None => false,
        }
    }

    // ---- blocks

    /// Takes `n` blocks in a row; `None` at the limit.
    pub(super) fn take_blocks(&self, central: &mut Central, n: u32) -> Option<u32> {
        let bytes = n as usize * BLOCK_BYTES;
        let held = self.held.load(Relaxed).saturating_add(self.outside()).saturating_add(bytes);
        let max = self.max_bytes_for(held);
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
                    self.release(central, 0, u32::MAX);
                }
                central.used += n;
                central.used - n
            }
        };
        self.held.fetch_add(bytes, Relaxed);
        Some(first)
    }

    pub(super) fn give_blocks(&self, central: &mut Central, first: u32, n: u32) {
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

    /// Gives free blocks back to the system but for `keep` of them, and no more than `most` at once. `true`: there are more.
    pub(super) fn release(&self, central: &mut Central, keep: u32, most: u32) -> bool {
        let most = most.min(central.dirty_blocks.saturating_sub(keep));
        let mut given = 0;
        for (&at, &len) in central.free.iter().rev() {
            if given >= most {
                break;
            }
            let mut i = at;
            while i < at + len {
                let start = i;
                while i < at + len && given + i - start < most && self.block(i as usize).dirty {
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
                if given >= most {
                    break;
                }
                i = i.max(start) + 1;
            }
        }
        central.dirty_blocks -= given;
        central.dirty_blocks > keep
    }

    /// Whether so many bytes more may be held.
    pub fn has_room(&self, bytes: usize) -> bool {
        let held = self.held.load(Relaxed).saturating_add(self.outside()).saturating_add(bytes);
        let max = self.max_bytes_for(held);
        held <= max.saturating_add(slack(max))
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
        match self.max_bytes.load(Relaxed) {
            UNASKED => self.ask_machine(),
            max => max,
        }
    }

    /// The limit, for a heap that holds so much: a small one has none before the machine has been asked.
    fn max_bytes_for(&self, held: usize) -> usize {
        match self.max_bytes.load(Relaxed) {
            UNASKED if held <= SMALL_BYTES => usize::MAX,
            UNASKED => self.ask_machine(),
            max => max,
        }
    }

    /// Whoever asks gets the same answer; one that came between was set by hand.
    #[cold]
    fn ask_machine(&self) -> usize {
        let max = (self.machine_bytes)().max(1);
        self.max_bytes.compare_exchange(UNASKED, max, Relaxed, Relaxed).map_or_else(|set| set, |_| max)
    }

    /// Number of collections so far.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    /// A small block for cells of a shape: its number, and whether its memory is zero.
    pub(super) fn new_small(&self, shape: ShapeId, words: u32) -> Option<(u32, bool)> {
        let plain = matches!(self.shapes.read().list[shape.0 as usize].scan, Scan::None);
        let mut central = self.central.lock();
        self.sweep_before_taking(&mut central, 1);
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
        let (cycle, marking) = (self.cycle.number(), self.is_marking());
        b.born = 2 * cycle as u32 + !marking as u32;
        let words = b.cells.div_ceil(64) as usize;
        for map in 0..2 {
            self.bits(map, i as usize).iter().take(words).for_each(|w| w.store(0, Relaxed));
        }
        if marking {
            self.blacken(i, 0, b.cells);
        }
        fence(Release);
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
        self.sweep_before_taking(&mut central, n as u32);
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
                if i == 0 {
                    b.words = bytes.div_ceil(8) as u64;
                    // Of those made while others mark: reached.
                    let marking = if self.is_marking() { self.cycle.number() as u32 } else { 0 };
                    b.marked_large.store(marking, Relaxed);
                }
                fence(Release);
                b.kind = if i == 0 { Kind::Large } else { Kind::Tail };
            }
        }
        central.large.push(first);
        central.stats.mallocs += 1;
        drop(central);
        if self.is_marking() {
            self.blacken_large(n * BLOCK_BYTES);
            self.assist(n * BLOCK_BYTES);
        }
        self.count_fresh(n * BLOCK_BYTES);
        self.address(first) as *mut u64
    }

    pub(super) fn count_fresh(&self, bytes: usize) {
        let fresh = self.fresh.fetch_add(bytes, Relaxed) + bytes;
        if fresh + self.live.load(Relaxed) >= self.trigger.load(Relaxed) && (!self.is_marking() || self.is_outrun()) {
            self.wanted.store(true, Relaxed);
        }
    }

    /// So much was allocated since a concurrent collection began that the program is to wait for it: the collector's thread
    /// has not got the time that it needs.
    #[cold]
    pub fn is_outrun(&self) -> bool {
        self.is_beyond_goal(2)
    }

    /// The heap is larger than its goal by so many-th of the room below that, and some.
    fn is_beyond_goal(&self, part: usize) -> bool {
        let (live, goal) = self.live_and_goal();
        self.in_use() > goal.saturating_add(goal.saturating_sub(live) / part + OVERDUE_BYTES)
    }

    /// So much more than planned was allocated that the next safepoint is too far away to collect.
    #[inline]
    pub fn is_overdue(&self) -> bool {
        if !self.wanted.load(Relaxed) || self.is_marking() {
            return false;
        }
        self.fresh.load(Relaxed) > OVERDUE_BYTES && self.is_beyond_goal(4)
    }

    // ---- collection

    /// A collection is due no more: it has begun.
    pub fn unwant(&self) {
        self.wanted.store(false, Relaxed);
    }

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
        let live = self.live.load(Relaxed);
        live > self.max_bytes_for(live)
    }

    /// Bytes of objects that are alive or not yet looked at.
    pub fn in_use(&self) -> usize {
        self.live.load(Relaxed) + self.fresh.load(Relaxed)
    }

    /// Bytes that live objects had at the last collection, and the size that asks for the next one.
    pub fn live_and_goal(&self) -> (usize, usize) {
        (self.live.load(Relaxed), self.goal.load(Relaxed))
    }

    pub(super) fn set_goal(&self) {
        self.set_goal_for(self.live.load(Relaxed));
    }

    /// Sets the goal for a heap of which so much lives, as far as is known.
    pub(super) fn set_goal_for(&self, alive: usize) {
        let live = self.live.load(Relaxed);
        let percent = self.gc_percent.load(Relaxed) as i64;
        // What stacks hold is not the heap's.
        let max = self.max_bytes_for(alive).saturating_sub(self.outside());
        let soft = self.memory_limit.load(Relaxed).saturating_sub(self.outside());
        let mut goal = if percent < 0 {
            usize::MAX
        } else {
            let grown = alive as u128 + alive as u128 * percent as u128 / 100;
            let grown = grown.max(live as u128 + alive as u128 * percent as u128 / 400);
            (grown.min(usize::MAX as u128) as usize).max((self.min_heap as u128 * percent as u128 / 100) as usize)
        };
        goal = goal.min(soft.max(live + live / 16 + (1 << 20)));
        if max < usize::MAX / 2 {
            // Near the limit collections come often, but not at every step.
            goal = goal.min((max - max / 10).max(live + (max - live.min(max)) / 2 + live / 16 + (64 << 10)));
        }
        self.goal.store(goal, Relaxed);
        self.trigger.store(goal - self.cycle.runway(goal.saturating_sub(live)).min(goal), Relaxed);
    }

    /// How long the world was stopped for the collection that has just ended, and the length of its parts.
    pub fn count_pause(&self, ns: u64, parts: [u64; 3]) {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| d.as_nanos() as u64);
        let stats = &mut self.central.lock().stats;
        stats.pause_total_ns += ns;
        stats.last_pause_ns = ns;
        stats.last_parts_ns = parts;
        if stats.pauses.len() == KEPT_PAUSES {
            stats.pauses.pop_front();
        }
        stats.pauses.push_back((ns, now));
    }

    pub fn stats(&self) -> Stats {
        let central = self.central.lock();
        let fresh = self.fresh.load(Relaxed) as u64;
        Stats {
            heap_live_bytes: self.live.load(Relaxed) as u64 + fresh,
            live_bytes: self.live.load(Relaxed) as u64,
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
        self.release(&mut central, 0, u32::MAX);
    }

    /// Bytes of address space reserved.
    pub fn reserved(&self) -> usize {
        self.range.bytes
    }
}
