//! Strings: 0 for "" or the address of an object `{data pointer, length}`. A string made by the runtime carries its
//! bytes behind the two words, so it is one object; a longer
//! substring is a two-word view that points into its parent.
//!
//! # Safety
//! Every function that takes a word requires it to be a valid string word of this VM, reachable until it returns.
use crate::bytecode::program::BitMap;
use crate::heap::{Cache, Heap, ShapeId};

/// Shape of a view: `{data pointer, length}`.
pub fn view_shape(heap: &Heap) -> ShapeId {
    heap.shape(2, &BitMap(vec![1]))
}

/// The bytes of a string word.
///
/// # Safety
/// `word` is a valid string word; the object outlives `'a`.
#[inline(always)]
pub unsafe fn bytes<'a>(word: u64) -> &'a [u8] {
    if word == 0 {
        return &[];
    }
    // SAFETY: a string object is never changed after it was published.
    unsafe {
        let p = word as *const u64;
        std::slice::from_raw_parts(*p as *const u8, *p.add(1) as usize)
    }
}

/// Length in bytes.
///
/// # Safety
/// As [`bytes`].
#[inline(always)]
pub unsafe fn len(word: u64) -> usize {
    if word == 0 { 0 } else { unsafe { *(word as *const u64).add(1) as usize } }
}

/// A new string of `len` bytes whose contents the caller writes through the returned data pointer at once. `None`: out
/// of memory.
#[inline]
pub fn alloc(cache: &mut Cache, len: usize) -> Option<(u64, *mut u8)> {
    debug_assert!(len > 0);
    let p = cache.alloc_bytes_uninit(len.checked_add(16)?);
    if p.is_null() {
        return None;
    }
    // SAFETY: the object has 16 + len bytes.
    unsafe {
        let data = p.add(2) as *mut u8;
        *p = data as u64;
        *p.add(1) = len as u64;
        Some((p as u64, data))
    }
}

/// A new string with a copy of `s`. `None`: out of memory.
#[inline]
pub fn new(cache: &mut Cache, s: &[u8]) -> Option<u64> {
    if s.is_empty() {
        return Some(0);
    }
    let (word, data) = alloc(cache, s.len())?;
    // SAFETY: `data` has room for `s.len()` bytes and is fresh.
    unsafe { std::ptr::copy_nonoverlapping(s.as_ptr(), data, s.len()) };
    Some(word)
}

/// A part of a string up to this length is copied: that takes hardly more memory than a view, is read at one place, and keeps
/// nothing else alive.
const SHORT: usize = 16;

/// `parent[lo..hi]`, bounds checked by the caller.
///
/// # Safety
/// `parent` is a valid string word and `lo <= hi <= len`.
#[inline]
pub unsafe fn part(cache: &mut Cache, shape: ShapeId, parent: u64, lo: usize, hi: usize) -> Option<u64> {
    if lo == hi {
        return Some(0);
    }
    unsafe {
        if lo == 0 && hi == len(parent) {
            return Some(parent);
        }
        if hi - lo <= SHORT {
            return new(cache, &bytes(parent)[lo..hi]);
        }
        let p = cache.alloc(shape);
        if p.is_null() {
            return None;
        }
        *p = *(parent as *const u64) + lo as u64;
        *p.add(1) = (hi - lo) as u64;
        Some(p as u64)
    }
}

/// Decodes the rune at the start of `s` (not empty): `(rune, width)`, `(0xFFFD, 1)` for invalid UTF-8, as Go.
#[inline]
pub fn decode_rune(s: &[u8]) -> (u32, usize) {
    let b0 = s[0];
    if b0 < 0x80 {
        return (b0 as u32, 1);
    }
    decode_rune_slow(s)
}

/// Calls `f` for each rune of `s`.
#[inline(always)]
pub fn each_rune(mut s: &[u8], mut f: impl FnMut(u32)) {
    while let Some(&first) = s.first() {
        if first < 0x80 {
            f(first as u32);
            s = &s[1..];
        } else {
            let (rune, width) = decode_rune_slow(s);
            f(rune);
            s = &s[width..];
        }
    }
}

fn decode_rune_slow(s: &[u8]) -> (u32, usize) {
    let bad = (0xFFFD, 1);
    let cont = |i: usize| s.get(i).copied().filter(|b| b & 0xC0 == 0x80).map(|b| (b & 0x3F) as u32);
    let b0 = s[0] as u32;
    match b0 {
        0xC2..=0xDF => match cont(1) {
            Some(b1) => ((b0 & 0x1F) << 6 | b1, 2),
            None => bad,
        },
        0xE0..=0xEF => match (cont(1), cont(2)) {
            (Some(b1), Some(b2)) => {
                let r = (b0 & 0x0F) << 12 | b1 << 6 | b2;
                if r < 0x800 || (0xD800..0xE000).contains(&r) { bad } else { (r, 3) }
            }
            _ => bad,
        },
        0xF0..=0xF4 => match (cont(1), cont(2), cont(3)) {
            (Some(b1), Some(b2), Some(b3)) => {
                let r = (b0 & 0x07) << 18 | b1 << 12 | b2 << 6 | b3;
                if (0x10000..0x110000).contains(&r) { (r, 4) } else { bad }
            }
            _ => bad,
        },
        _ => bad,
    }
}

/// Appends a rune's UTF-8, U+FFFD for what is no Unicode scalar value.
pub fn encode_rune(r: i64, out: &mut Vec<u8>) {
    let c = u32::try_from(r).ok().and_then(char::from_u32).unwrap_or('\u{FFFD}');
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
