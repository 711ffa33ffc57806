//! Slices: 0 for nil or the address of a header object `{data pointer, length, capacity | OWNED}`.
use crate::bytecode::program::BitMap;
use crate::heap::{Cache, Heap, ShapeId};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Mark in the capacity word: the header belongs to exactly one variable.
pub const OWNED: u64 = 1 << 63;

/// Shape of a header.
pub fn header_shape(heap: &Heap) -> ShapeId {
    heap.shape(3, &BitMap(vec![1]))
}

/// A header's three parts.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub data: *mut u8,
    pub len: usize,
    pub cap: usize,
}

/// # Safety
/// `word` is a valid slice word.
#[inline(always)]
pub unsafe fn parts(word: u64) -> Parts {
    if word == 0 {
        return Parts { data: std::ptr::null_mut(), len: 0, cap: 0 };
    }
    unsafe {
        let p = word as *const u64;
        Parts { data: *p as *mut u8, len: load(p.add(1)) as usize, cap: (load(p.add(2)) & !OWNED) as usize }
    }
}

/// # Safety
/// `p` is a word of a live object.
#[inline(always)]
pub unsafe fn load(p: *const u64) -> u64 {
    unsafe { (*(p as *const AtomicU64)).load(Relaxed) }
}

/// # Safety
/// `p` is a word of a live object.
#[inline(always)]
pub unsafe fn store(p: *mut u64, v: u64) {
    unsafe { (*(p as *const AtomicU64)).store(v, Relaxed) }
}

/// A new header. `None`: out of memory.
#[inline]
pub fn new(cache: &mut Cache, shape: ShapeId, data: *mut u8, len: usize, cap: usize) -> Option<u64> {
    let p = cache.alloc(shape);
    if p.is_null() {
        return None;
    }
    // SAFETY: fresh object of three words.
    unsafe {
        *p = data as u64;
        *p.add(1) = len as u64;
        *p.add(2) = cap as u64;
    }
    Some(p as u64)
}

/// Clears the owned mark.
///
/// # Safety
/// `word` is a valid slice word.
#[inline(always)]
pub unsafe fn disown(word: u64) {
    if word != 0 {
        unsafe {
            let p = (word as *mut u64).add(2);
            let cap = load(p);
            if cap & OWNED != 0 {
                store(p, cap & !OWNED);
            }
        }
    }
}
