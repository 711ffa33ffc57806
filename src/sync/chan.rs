//! Channels. A channel is a heap object; Gs that wait on it are linked through their wait nodes.
//!
//! Invariants, under the lock: at least one of the wait queues is empty, except for a select with both a send and a
//! receive on the same channel. With a buffer: if values lie in it, nobody waits to receive; if it has room, nobody
//! waits to send. A waker copies the value straight between its own slots and the sleeper's.
//!
//! The lock is one exchange to take and one store to release, and is never held across a park or an allocation. A P that is
//! solo takes none: nobody else can come in between (`sched/solo.rs`).
use crate::base::atomics::{AtomicU16, AtomicU32, AtomicU64, spin_loop, yield_now};
#[cfg(not(loom))]
use crate::bytecode::program::BitMap;
#[cfg(not(loom))]
use crate::heap::{Cache, Heap, ShapeId};
#[cfg(not(loom))]
use crate::sched::bubble::IN_BUBBLE;
use crate::sched::g::{G, WaitNode};
use crate::sched::solo::Solo;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::*;

#[repr(C)]
pub struct WaitQueue {
    head: *mut WaitNode,
    tail: *mut WaitNode,
}

impl WaitQueue {
    pub const fn new() -> WaitQueue {
        WaitQueue { head: null_mut(), tail: null_mut() }
    }

    /// # Safety
    /// As [`WaitQueue::push`].
    pub unsafe fn push_front(&mut self, n: *mut WaitNode) {
        unsafe {
            (*n).prev = null_mut();
            (*n).next = self.head;
            (*n).queued = true;
            if self.head.is_null() {
                self.tail = n;
            } else {
                (*self.head).prev = n;
            }
            self.head = n;
        }
    }

    /// # Safety
    /// Under the lock.
    pub unsafe fn any(&self, mut f: impl FnMut(*mut WaitNode) -> bool) -> bool {
        unsafe {
            let mut n = self.head;
            while !n.is_null() {
                if f(n) {
                    return true;
                }
                n = (*n).next;
            }
            false
        }
    }

    /// Takes off all that `which` names, in order.
    ///
    /// # Safety
    /// Under the lock.
    pub unsafe fn take_all(
        &mut self,
        mut which: impl FnMut(*mut WaitNode) -> bool,
        mut each: impl FnMut(*mut WaitNode),
    ) {
        unsafe {
            let mut n = self.head;
            while !n.is_null() {
                let next = (*n).next;
                if which(n) {
                    self.remove(n);
                    each(n);
                }
                n = next;
            }
        }
    }

    /// # Safety
    /// Under the lock that guards the queue; the node is on no queue.
    #[inline(always)]
    pub unsafe fn push(&mut self, n: *mut WaitNode) {
        unsafe {
            (*n).next = null_mut();
            (*n).prev = self.tail;
            (*n).queued = true;
            if self.tail.is_null() {
                self.head = n;
            } else {
                (*self.tail).next = n;
            }
            self.tail = n;
        }
    }

    /// # Safety
    /// Under the lock; the node is on this queue.
    #[inline(always)]
    pub unsafe fn remove(&mut self, n: *mut WaitNode) {
        unsafe {
            let (prev, next) = ((*n).prev, (*n).next);
            if prev.is_null() {
                self.head = next;
            } else {
                (*prev).next = next;
            }
            if next.is_null() {
                self.tail = prev;
            } else {
                (*next).prev = prev;
            }
            (*n).queued = false;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// The first waiter, taken off; a select's waiter only if its select is still open, which is then won.
    ///
    /// # Safety
    /// Under the lock.
    #[inline(always)]
    pub unsafe fn pop(&mut self) -> *mut WaitNode {
        unsafe {
            loop {
                let n = self.head;
                if n.is_null() {
                    return n;
                }
                self.head = (*n).next;
                if self.head.is_null() {
                    self.tail = null_mut();
                } else {
                    (*self.head).prev = null_mut();
                }
                (*n).queued = false;
                if !(*n).select || (*(*n).g).select_won.compare_exchange(0, 1 + (*n).case, AcqRel, Relaxed).is_ok() {
                    return n;
                }
            }
        }
    }
}

#[repr(C)]
pub struct Chan {
    lock: AtomicU32,
    closed: AtomicU16,
    /// A timer's: the program is not to see its buffer.
    timer: AtomicU16,
    count: AtomicU64,
    cap: u64,
    /// Words of an element, and above them the bubble that it was made in: what is in none and has elements of one word is
    /// told by one comparison.
    kind: u64,
    buf: *mut u64,
    send_at: u64,
    recv_at: u64,
    pub receivers: WaitQueue,
    pub senders: WaitQueue,
}

#[cfg(not(loom))]
const BUF_WORD: usize = std::mem::offset_of!(Chan, buf) / 8;

#[cfg(not(loom))]
pub fn shape(heap: &Heap) -> ShapeId {
    let mut map = BitMap::default();
    map.set(BUF_WORD);
    heap.shape(size_of::<Chan>() / 8, &map)
}

pub enum Sent {
    /// Nobody had to be woken.
    Done,
    /// The value went to this G, which is to be readied.
    Woke(*mut G),
    /// The G is on the queue now: do not touch it.
    Parked,
    Closed,
}

pub enum Received {
    Done {
        ok: bool,
    },
    /// This sender is to be readied.
    Woke(*mut G),
    Parked,
}

/// Copies `words` slots word by word; they may be written by racing Gs.
///
/// # Safety
/// Both ranges are live; they do not overlap.
#[inline(always)]
pub unsafe fn copy(dst: *mut u64, src: *const u64, words: u64) {
    unsafe {
        if words == 1 {
            *dst = *src;
        } else {
            for i in 0..words as usize {
                *dst.add(i) = *src.add(i);
            }
        }
    }
}

impl Chan {
    /// A channel of one-word values in memory of its own, for the models.
    #[cfg(loom)]
    pub fn for_model(cap: usize) -> Chan {
        Chan {
            lock: AtomicU32::new(0),
            closed: AtomicU16::new(0),
            timer: AtomicU16::new(0),
            count: AtomicU64::new(0),
            cap: cap as u64,
            kind: 1,
            buf: Box::leak(vec![0u64; cap].into_boxed_slice()).as_mut_ptr(),
            send_at: 0,
            recv_at: 0,
            receivers: WaitQueue::new(),
            senders: WaitQueue::new(),
        }
    }

    /// A new channel object; null when memory is out.
    #[cfg(not(loom))]
    pub fn make(cache: &mut Cache, shape: ShapeId, elem_words: usize, elem_ptrs: &BitMap, cap: usize) -> *mut Chan {
        let mut buf = null_mut();
        if cap > 0 && elem_words > 0 {
            buf = if elem_ptrs.is_empty() {
                match cap.checked_mul(elem_words * 8) {
                    Some(bytes) => cache.alloc_bytes(bytes),
                    None => null_mut(),
                }
            } else {
                cache.alloc_array(cap, elem_words, elem_ptrs)
            };
            if buf.is_null() {
                return null_mut();
            }
        }
        let ch = cache.alloc(shape) as *mut Chan;
        if !ch.is_null() {
            // SAFETY: a fresh zeroed object of the channel's shape.
            unsafe {
                (*ch).cap = cap as u64;
                (*ch).kind = elem_words as u32 as u64;
                (*ch).buf = buf;
            }
        }
        ch
    }

    #[inline(always)]
    pub fn lock(&self) {
        if self.lock.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            self.lock_slow();
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_slow(&self) {
        let mut tries = 0;
        loop {
            while self.lock.load(Relaxed) != 0 {
                tries += 1;
                if tries < 64 { spin_loop() } else { yield_now() }
            }
            if self.lock.compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
                return;
            }
        }
    }

    #[inline(always)]
    pub fn unlock(&self) {
        self.lock.store(0, Release);
    }

    pub fn len(&self) -> u64 {
        if self.timer.load(Relaxed) != 0 { 0 } else { self.count.load(Relaxed) }
    }

    pub fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    pub fn capacity(&self) -> u64 {
        if self.timer.load(Relaxed) != 0 { 0 } else { self.cap }
    }

    /// From now on the program sees neither length nor capacity.
    pub fn hide_buffer(&self) {
        self.timer.store(1, Relaxed);
    }

    pub fn elem_words(&self) -> u64 {
        self.kind as u32 as u64
    }

    /// The bubble that it was made in; 0: none.
    pub fn bubble(&self) -> u32 {
        (self.kind >> 32) as u32
    }

    /// Of a new channel made by this G: it belongs to its bubble, if it is in one.
    ///
    /// # Safety
    /// Nobody else has seen it; the running G.
    #[cfg(not(loom))]
    pub unsafe fn set_maker(ch: *mut Chan, g: *mut G) {
        unsafe {
            let group = (*g).group.load(Relaxed);
            if group & IN_BUBBLE != 0 {
                (*ch).kind |= (group as u64) << 32;
            }
        }
    }

    /// Whether it was made in a bubble that the G is not in.
    ///
    /// # Safety
    /// The running G.
    #[cfg(not(loom))]
    #[inline(always)]
    pub unsafe fn is_foreign(&self, g: *mut G) -> bool {
        self.bubble() != 0 && unsafe { (*g).group.load(Relaxed) != self.bubble() }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Acquire) != 0
    }

    #[inline(always)]
    unsafe fn place(&self, i: u64) -> *mut u64 {
        unsafe { self.buf.add(i as usize * self.elem_words() as usize) }
    }

    #[inline(always)]
    fn after(&self, i: u64) -> u64 {
        if i + 1 == self.cap { 0 } else { i + 1 }
    }

    /// Tries to send under the lock; `None`: the sender would have to wait.
    ///
    /// # Safety
    /// The lock is held; `value` is the value's slots.
    #[inline(always)]
    pub unsafe fn try_send_locked(&mut self, value: *const u64) -> Option<Sent> {
        unsafe {
            if self.closed.load(Relaxed) != 0 {
                return Some(Sent::Closed);
            }
            let n = self.receivers.pop();
            if !n.is_null() {
                if !(*n).value.is_null() {
                    copy((*n).value, value, self.elem_words());
                }
                if !(*n).ok.is_null() {
                    *(*n).ok = 1;
                }
                return Some(Sent::Woke((*n).g));
            }
            let count = self.count.load(Relaxed);
            if count < self.cap {
                if self.elem_words() > 0 {
                    copy(self.place(self.send_at), value, self.elem_words());
                }
                self.send_at = self.after(self.send_at);
                self.count.store(count + 1, Relaxed);
                return Some(Sent::Done);
            }
            None
        }
    }

    /// Locks, unless the P is solo.
    #[inline(always)]
    fn enter(&self, solo: &Solo) -> bool {
        let alone = solo.enter();
        if !alone {
            self.lock();
        }
        alone
    }

    /// As [`Chan::enter`], unless somebody else holds the lock.
    #[inline(always)]
    fn try_enter(&self, solo: &Solo) -> Option<bool> {
        let alone = solo.enter();
        (alone || self.lock.compare_exchange(0, 1, Acquire, Relaxed).is_ok()).then_some(alone)
    }

    #[inline(always)]
    fn leave(&self, solo: &Solo, alone: bool) {
        if alone {
            solo.leave();
        } else {
            self.unlock();
        }
    }

    /// Sends a value of one word where that is no more than to put it into the buffer. `false`: nothing has happened.
    ///
    /// # Safety
    /// `ch` is a channel.
    #[inline(always)]
    pub unsafe fn send_word(ch: *mut Chan, value: u64, solo: &Solo) -> bool {
        unsafe {
            if (*ch).cap == 0 || (*ch).kind != 1 {
                return false;
            }
            let Some(alone) = (*ch).try_enter(solo) else { return false };
            let (count, at) = ((*ch).count.load(Relaxed), (*ch).send_at);
            let plain = (*ch).closed.load(Relaxed) == 0 && (*ch).receivers.is_empty() && count < (*ch).cap;
            if plain {
                *(*ch).buf.add(at as usize) = value;
                (*ch).send_at = (*ch).after(at);
                (*ch).count.store(count + 1, Relaxed);
            }
            (*ch).leave(solo, alone);
            plain
        }
    }

    /// Receives a value of one word where that is no more than to take it out of the buffer. `None`: nothing has happened.
    ///
    /// # Safety
    /// `ch` is a channel.
    #[inline(always)]
    pub unsafe fn recv_word(ch: *mut Chan, solo: &Solo) -> Option<u64> {
        unsafe {
            if (*ch).cap == 0 || (*ch).kind != 1 {
                return None;
            }
            let alone = (*ch).try_enter(solo)?;
            let (count, at) = ((*ch).count.load(Relaxed), (*ch).recv_at);
            let mut value = None;
            if count > 0 && (*ch).senders.is_empty() {
                let from = (*ch).buf.add(at as usize);
                value = Some(std::mem::take(&mut *from));
                (*ch).recv_at = (*ch).after(at);
                (*ch).count.store(count - 1, Relaxed);
            }
            (*ch).leave(solo, alone);
            value
        }
    }

    /// Sends or parks. The G's state must be written back before. `solo` is the running P's.
    ///
    /// # Safety
    /// `ch` is a channel, `g` the running G, `value` slots of its stack.
    #[inline(always)]
    pub unsafe fn send(ch: *mut Chan, g: *mut G, value: *mut u64, solo: &Solo, park: impl FnOnce()) -> Sent {
        unsafe {
            let alone = (*ch).enter(solo);
            if let Some(sent) = (*ch).try_send_locked(value) {
                (*ch).leave(solo, alone);
                return sent;
            }
            let n = &raw mut (*g).node;
            (*n).g = g;
            (*n).value = value;
            (*n).on = ch as *mut u64;
            (*n).select = false;
            park();
            (*ch).senders.push(n);
            (*ch).leave(solo, alone);
            Sent::Parked
        }
    }

    /// Tries to receive under the lock; `None`: the receiver would have to wait.
    ///
    /// # Safety
    /// The lock is held; `value` and `ok` are slots or null.
    #[inline(always)]
    pub unsafe fn try_recv_locked(&mut self, value: *mut u64, ok: *mut u64) -> Option<Received> {
        unsafe {
            let count = self.count.load(Relaxed);
            if count > 0 {
                let words = self.elem_words();
                let from = self.place(self.recv_at);
                if words > 0 {
                    if !value.is_null() {
                        copy(value, from, words);
                    }
                    if words == 1 {
                        *from = 0;
                    } else {
                        (0..words as usize).for_each(|i| *from.add(i) = 0);
                    }
                }
                self.recv_at = self.after(self.recv_at);
                if !ok.is_null() {
                    *ok = 1;
                }
                // A waiting sender's value takes the free place.
                let n = self.senders.pop();
                if !n.is_null() {
                    if words > 0 {
                        copy(self.place(self.send_at), (*n).value, words);
                    }
                    self.send_at = self.after(self.send_at);
                    return Some(Received::Woke((*n).g));
                }
                self.count.store(count - 1, Relaxed);
                return Some(Received::Done { ok: true });
            }
            let n = self.senders.pop();
            if !n.is_null() {
                if !value.is_null() {
                    copy(value, (*n).value, self.elem_words());
                }
                if !ok.is_null() {
                    *ok = 1;
                }
                return Some(Received::Woke((*n).g));
            }
            if self.closed.load(Relaxed) != 0 {
                zero(value, ok, self.elem_words());
                return Some(Received::Done { ok: false });
            }
            None
        }
    }

    /// Receives or parks. The G's state must be written back before. `solo` is the running P's.
    ///
    /// # Safety
    /// `ch` is a channel, `g` the running G, `value` and `ok` slots of its stack or null.
    #[inline(always)]
    pub unsafe fn recv(
        ch: *mut Chan,
        g: *mut G,
        value: *mut u64,
        ok: *mut u64,
        solo: &Solo,
        park: impl FnOnce(),
    ) -> Received {
        unsafe {
            let alone = (*ch).enter(solo);
            if let Some(received) = (*ch).try_recv_locked(value, ok) {
                (*ch).leave(solo, alone);
                return received;
            }
            let n = &raw mut (*g).node;
            (*n).g = g;
            (*n).value = value;
            (*n).ok = ok;
            (*n).on = ch as *mut u64;
            (*n).select = false;
            park();
            (*ch).receivers.push(n);
            (*ch).leave(solo, alone);
            Received::Parked
        }
    }

    /// Takes a G that waits to send or receive off the channel's queue, for good.
    ///
    /// # Safety
    /// The world is stopped, and `g` waits on a channel, not in a select.
    pub unsafe fn forget(g: *mut G, sends: bool) -> bool {
        // SAFETY: the node is the G's own, and names the channel whose queue it is on.
        unsafe {
            let n = &raw mut (*g).node;
            let ch = (*n).on as *mut Chan;
            (*ch).lock();
            let waits = (*n).queued;
            if waits {
                if sends {
                    (*ch).senders.remove(n);
                } else {
                    (*ch).receivers.remove(n);
                }
            }
            (*ch).unlock();
            waits
        }
    }

    /// Closes; the Gs it wakes are handed to `wake`: receivers have got zero values; senders (second argument true)
    /// are to panic. `false`: it was closed already.
    ///
    /// # Safety
    /// `ch` is a channel.
    pub unsafe fn close(ch: *mut Chan, mut wake: impl FnMut(*mut G, bool)) -> bool {
        unsafe {
            (*ch).lock();
            if (*ch).closed.load(Relaxed) != 0 {
                (*ch).unlock();
                return false;
            }
            (*ch).closed.store(1, Release);
            // Gather first: a woken G may run at once and must not find the lock held.
            let mut first = null_mut::<G>();
            let mut last = null_mut::<G>();
            let mut chain = |g: *mut G| {
                (*g).link = null_mut();
                if first.is_null() {
                    first = g;
                } else {
                    (*last).link = g;
                }
                last = g;
            };
            loop {
                let n = (*ch).receivers.pop();
                if n.is_null() {
                    break;
                }
                zero((*n).value, (*n).ok, (*ch).elem_words());
                (*(*n).g).handed = false;
                chain((*n).g);
            }
            loop {
                let n = (*ch).senders.pop();
                if n.is_null() {
                    break;
                }
                (*(*n).g).handed = true;
                chain((*n).g);
            }
            (*ch).unlock();
            while !first.is_null() {
                let g = first;
                first = (*g).link;
                let sender = (*g).handed;
                (*g).handed = false;
                wake(g, sender);
            }
            true
        }
    }
}

unsafe fn zero(value: *mut u64, ok: *mut u64, words: u64) {
    unsafe {
        if !value.is_null() {
            for i in 0..words as usize {
                *value.add(i) = 0;
            }
        }
        if !ok.is_null() {
            *ok = 0;
        }
    }
}
