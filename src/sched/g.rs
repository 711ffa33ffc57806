//! G: a goroutine's header and its stack, and the slabs that Gs come from.
//!
//! # Who may touch a G
//! While it runs: its M. While it is runnable: whoever takes it from its queue. While it waits: whoever takes it off
//! the wait queue it is on, under that queue's lock; the G's own M does not touch it after unlocking. With the world
//! stopped: the collector. So its plain fields need no atomics; the status is atomic because dumps read it any time.
use super::wait::WaitReason;
use crate::base::atomics::AtomicU32;
use crate::base::limits::{HOSTILE, INITIAL_STACK_SLOTS};
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// On a free list.
    Dead,
    Runnable,
    Running,
    Waiting,
}

/// A place on a wait queue. A G carries one; a `select` has one for each of its cases.
#[repr(C)]
pub struct WaitNode {
    pub next: *mut WaitNode,
    pub prev: *mut WaitNode,
    pub g: *mut G,
    /// Where the value is taken from or put to; null: not wanted.
    pub value: *mut u64,
    /// Where a receive's `ok` is put; null: not wanted.
    pub ok: *mut u64,
    /// The channel, or the address waited on.
    pub on: *mut u64,
    /// The select case.
    pub case: u32,
    /// The node belongs to a select: the waker must win `G::select_won` first.
    pub select: bool,
    /// It is on a queue.
    pub queued: bool,
}

impl WaitNode {
    pub const fn new() -> WaitNode {
        WaitNode {
            next: null_mut(),
            prev: null_mut(),
            g: null_mut(),
            value: null_mut(),
            ok: null_mut(),
            on: null_mut(),
            case: 0,
            select: false,
            queued: false,
        }
    }
}

impl WaitNode {
    /// The stack from `old` to `end`, into which its addresses may point, has moved.
    pub fn resettle(&mut self, old: *mut u64, end: *mut u64, by: isize) {
        for p in [&mut self.value, &mut self.ok] {
            if *p >= old && *p < end {
                *p = p.wrapping_byte_offset(by);
            }
        }
    }
}

impl Default for WaitNode {
    fn default() -> Self {
        Self::new()
    }
}

#[repr(C)]
pub struct G {
    /// Next instruction, and frame, while not running.
    pub pc: *const u64,
    pub base: *mut u64,
    pub stack: *mut u64,
    pub stack_end: *mut u64,
    /// Run queue, free list.
    pub link: *mut G,
    /// Its status, and above it why it waits: changed at once, by one store.
    state: AtomicU32,
    /// What a native left to be done when the G goes on; the interpreter's meaning.
    pub resume: u8,
    /// Set by the waker: the G owns what it waited for (a mutex handed over).
    pub handed: bool,
    /// It stands in the middle of an instruction: any slot of its innermost frame may hold a pointer.
    pub midway: bool,
    /// The last concurrent collection for which its stack was looked at; the interpreter's.
    pub scanned: AtomicU16,
    /// Code index of the `go` statement that made it.
    pub made_at: u32,
    /// One more than the number of the P whose M it is locked to; 0: it may run anywhere.
    pub home: u16,
    /// How often it has locked itself to its M.
    pub locks: u16,
    /// What it belongs to, inherited from the G that made it: a test, or one of the bubbles (`bubble`); 0: nothing.
    pub group: AtomicU32,
    /// 0 while a select waits; the first waker makes it 1 + its case.
    pub select_won: AtomicU32,
    pub id: u64,
    pub parent: u64,
    pub node: WaitNode,
    /// When it began to wait, in nanoseconds of the run, as its P's clock said.
    pub since_ns: i64,
    /// Deferred calls, panics and other rare state; the interpreter's.
    pub extra: *mut (),
    /// Its labels for profiles, inherited by those that it starts: a slice of keys and values, or 0.
    pub labels: u64,
}

/// Bytes of a G with its first stack.
pub const G_BYTES: usize = size_of::<G>() + INITIAL_STACK_SLOTS * 8;

impl G {
    /// A G without a stack, for the models.
    #[cfg(loom)]
    pub fn for_model(id: u64) -> G {
        G {
            pc: std::ptr::null(),
            base: null_mut(),
            stack: null_mut(),
            stack_end: null_mut(),
            link: null_mut(),
            state: AtomicU32::new(Status::Running as u32),
            resume: 0,
            handed: false,
            midway: false,
            made_at: 0,
            home: 0,
            locks: 0,
            group: AtomicU32::new(0),
            id,
            parent: 0,
            node: WaitNode::new(),
            select_won: AtomicU32::new(0),
            since_ns: 0,
            extra: null_mut(),
            labels: 0,
            scanned: AtomicU16::new(0),
        }
    }

    pub fn status(&self) -> Status {
        match self.state.load(Relaxed) as u8 {
            0 => Status::Dead,
            1 => Status::Runnable,
            2 => Status::Running,
            _ => Status::Waiting,
        }
    }

    #[inline(always)]
    pub fn set_status(&self, s: Status) {
        self.state.store(s as u32, Relaxed);
    }

    #[inline(always)]
    pub fn set_waiting(&mut self, reason: WaitReason, now_ns: i64) {
        self.since_ns = now_ns;
        self.state.store(Status::Waiting as u32 | (reason as u32) << 8, Relaxed);
    }

    pub fn wait_reason(&self) -> WaitReason {
        WaitReason::from_u8((self.state.load(Relaxed) >> 8) as u8)
    }

    /// The stack that lies behind the header.
    pub fn first_stack(g: *mut G) -> *mut u64 {
        // SAFETY: a G is allocated with G_BYTES.
        unsafe { g.add(1) as *mut u64 }
    }

    pub fn has_first_stack(g: *mut G) -> bool {
        // SAFETY: g is a live G of a slab.
        unsafe { (*g).stack == G::first_stack(g) }
    }

    /// Moves the stack to one of at least `slots` slots. `false`: no memory.
    ///
    /// # Safety
    /// The caller may touch the G (see above), whose `base` is current.
    pub unsafe fn grow(g: *mut G, slots: usize) -> bool {
        unsafe {
            let old = (*g).stack;
            let old_slots = (*g).stack_end.offset_from(old) as usize;
            let Ok(layout) = std::alloc::Layout::array::<u64>(slots) else { return false };
            let new = std::alloc::alloc(layout) as *mut u64;
            if new.is_null() {
                return false;
            }
            std::ptr::copy_nonoverlapping(old, new, old_slots);
            (*g).base = new.offset((*g).base.offset_from(old));
            if HOSTILE {
                std::ptr::write_bytes(old, 0xDB, old_slots);
            }
            if !G::has_first_stack(g) {
                std::alloc::dealloc(old as *mut u8, std::alloc::Layout::array::<u64>(old_slots).unwrap_unchecked());
            }
            (*g).stack = new;
            (*g).stack_end = new.add(slots);
            true
        }
    }

    /// Moves the stack of a G that does not run to one of `slots` slots, of which the first `used` are in use; the
    /// addresses that its wait node holds move along. Returns by how many bytes they did; `None`: no memory.
    ///
    /// # Safety
    /// The world is stopped; `used` is at least what its frames take and at most `slots`.
    pub unsafe fn resettle(g: *mut G, used: usize, slots: usize) -> Option<isize> {
        unsafe {
            let (old, end) = ((*g).stack, (*g).stack_end);
            let (first, new) = if slots <= INITIAL_STACK_SLOTS && !G::has_first_stack(g) {
                (true, G::first_stack(g))
            } else {
                (false, std::alloc::alloc(std::alloc::Layout::array::<u64>(slots).ok()?) as *mut u64)
            };
            if new.is_null() {
                return None;
            }
            std::ptr::copy_nonoverlapping(old, new, used);
            let by = (new as isize).wrapping_sub(old as isize);
            (*g).base = (*g).base.wrapping_byte_offset(by);
            (*g).stack = new;
            (*g).stack_end = new.add(if first { INITIAL_STACK_SLOTS } else { slots });
            (*g).node.resettle(old, end, by);
            let old_slots = end.offset_from(old) as usize;
            if HOSTILE {
                std::ptr::write_bytes(old, 0xDB, old_slots);
            }
            if old != G::first_stack(g) {
                std::alloc::dealloc(old as *mut u8, std::alloc::Layout::array::<u64>(old_slots).unwrap_unchecked());
            }
            Some(by)
        }
    }

    /// Gives a grown stack back.
    ///
    /// # Safety
    /// The G is dead or its stack holds nothing.
    pub unsafe fn reset_stack(g: *mut G) {
        unsafe {
            if !G::has_first_stack(g) {
                let slots = (*g).stack_end.offset_from((*g).stack) as usize;
                std::alloc::dealloc((*g).stack as *mut u8, std::alloc::Layout::array::<u64>(slots).unwrap_unchecked());
                (*g).stack = G::first_stack(g);
                (*g).stack_end = (*g).stack.add(INITIAL_STACK_SLOTS);
            }
        }
    }
}

const SLAB_GS: usize = 64;

/// All Gs of a VM, dead or alive. Slabs are freed with the VM.
pub struct Slabs {
    slabs: Mutex<Vec<(*mut u8, usize)>>,
    pub count: AtomicUsize,
}

// SAFETY: the raw pointers are only memory ownership; access to Gs is governed by the rules above.
unsafe impl Send for Slabs {}
unsafe impl Sync for Slabs {}

impl Default for Slabs {
    fn default() -> Self {
        Slabs { slabs: Mutex::new(Vec::new()), count: AtomicUsize::new(0) }
    }
}

impl Slabs {
    const LAYOUT: std::alloc::Layout = match std::alloc::Layout::from_size_align(G_BYTES * SLAB_GS, 64) {
        Ok(l) => l,
        Err(_) => panic!("slab layout"),
    };

    /// A chain of dead Gs, linked, `n` at most; null when there is no memory.
    pub fn take(&self, n: usize) -> *mut G {
        let mut slabs = self.slabs.lock();
        if slabs.last().is_none_or(|s| s.1 == SLAB_GS) {
            // SAFETY: the layout is not empty. Zeroed memory from the system is not touched until used.
            let p = unsafe { std::alloc::alloc_zeroed(Self::LAYOUT) };
            if p.is_null() {
                return null_mut();
            }
            slabs.push((p, 0));
        }
        let Some(slab) = slabs.last_mut() else { return null_mut() };
        let n = n.min(SLAB_GS - slab.1);
        let mut chain = null_mut();
        for i in (slab.1..slab.1 + n).rev() {
            // SAFETY: index below SLAB_GS; zero is a valid G but for its stack pointers.
            unsafe {
                let g = slab.0.add(i * G_BYTES) as *mut G;
                (*g).stack = G::first_stack(g);
                (*g).stack_end = (*g).stack.add(INITIAL_STACK_SLOTS);
                (*g).link = chain;
                chain = g;
            }
        }
        slab.1 += n;
        self.count.fetch_add(n, Relaxed);
        chain
    }

    /// As [`Slabs::each`], without those made meanwhile, and without keeping others from making some.
    pub fn each_unlocked(&self, f: &mut dyn FnMut(*mut G)) {
        let slabs = self.slabs.lock().clone();
        for (p, used) in slabs {
            for i in 0..used {
                // SAFETY: as in `each`; slabs stay.
                f(unsafe { p.add(i * G_BYTES) } as *mut G);
            }
        }
    }

    /// Calls `f` on every G that was ever made, also dead ones.
    pub fn each(&self, f: &mut dyn FnMut(*mut G)) {
        for &(p, used) in self.slabs.lock().iter() {
            for i in 0..used {
                // SAFETY: index below the slab's used count.
                f(unsafe { p.add(i * G_BYTES) } as *mut G);
            }
        }
    }
}

impl Drop for Slabs {
    fn drop(&mut self) {
        for (p, used) in self.slabs.get_mut().drain(..) {
            // SAFETY: no M is left that could touch a G; stacks and slabs came from the allocator with these layouts.
            unsafe {
                for i in 0..used {
                    G::reset_stack(p.add(i * G_BYTES) as *mut G);
                }
                std::alloc::dealloc(p, Self::LAYOUT);
            }
        }
    }
}
