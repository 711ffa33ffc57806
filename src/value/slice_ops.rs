//! Operations on slices that allocate or move elements. Capacities grow as Go's do, because programs print them.
//!
//! # Safety
//! Slice words are valid; element pointers point to values of the element type. Elements may be read and written by
//! other Gs at the same time: they are moved word by word where they are words.
use super::env::{Env, TypeInfo};
use super::slice::{self, OWNED, Parts};
use crate::bytecode::program::{Mem, RType, RTypeId};
use crate::heap::Cache;

/// Go's allocation size classes in bytes.
const SIZE_CLASSES: [u32; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
    512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
    5120, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072,
    20480, 21760, 24576, 27264, 28672,
];

fn round_up_size(bytes: u64, pointers: bool) -> u64 {
    // Larger objects with pointers carry a header word in Go.
    let header = if pointers && bytes > 512 { 8 } else { 0 };
    let need = bytes + header;
    if need <= 32768 - 1024 + header {
        let i = SIZE_CLASSES.partition_point(|&c| (c as u64) < need);
        let class = SIZE_CLASSES.get(i).copied().unwrap_or(32768) as u64;
        if need <= class {
            return class - header;
        }
    }
    if need <= 32768 {
        return 32768 - header;
    }
    bytes.next_multiple_of(8192)
}

/// What a length can be at most.
pub const MAX_LEN: usize = isize::MAX as usize;

/// The capacity Go gives when `old_cap` must become at least `need`.
pub fn grown_cap(old_cap: usize, need: usize, go_size: u64, pointers: bool) -> Option<usize> {
    if need > MAX_LEN {
        return None;
    }
    if go_size == 0 {
        return Some(need);
    }
    let mut cap = old_cap;
    if need > 2 * old_cap {
        cap = need;
    } else if old_cap < 256 {
        cap = 2 * old_cap;
    } else {
        while cap < need {
            cap += (cap + 3 * 256) / 4;
        }
    }
    let bytes = (cap as u64).checked_mul(go_size).filter(|b| *b < 1 << 47)?;
    Some((round_up_size(bytes, pointers) / go_size) as usize)
}

/// A zeroed backing store; null when memory is out or the size is absurd.
pub fn alloc_elems(cache: &mut Cache, t: &RType, info: &TypeInfo, count: usize) -> *mut u8 {
    let Some(bytes) = count.checked_mul(info.elem_bytes).filter(|b| *b < 1 << 46) else {
        return std::ptr::null_mut();
    };
    if t.ptr_map.is_empty() {
        cache.alloc_bytes(bytes.max(1)) as *mut u8
    } else {
        cache.alloc_array(count.max(1), t.words as usize, &t.ptr_map) as *mut u8
    }
}

/// Elements are about to be overwritten: who marks meanwhile must see what they hold.
unsafe fn overwrite(env: &Env, t: &RType, at: *const u8, bytes: usize) {
    if env.heap.is_marking() && !t.ptr_map.is_empty() {
        unsafe { env.heap.shade_words(at as *const u64, bytes / 8) }
    }
}

/// Moves bytes; whole words one by one.
///
/// # Safety
/// Both ranges are live.
pub unsafe fn move_elems(dst: *mut u8, src: *const u8, bytes: usize, words: bool) {
    unsafe {
        if !words || bytes % 8 != 0 {
            std::ptr::copy(src, dst, bytes);
            return;
        }
        let (d, s, n) = (dst as *mut u64, src as *const u64, bytes / 8);
        if (d as usize) <= s as usize {
            for i in 0..n {
                slice::store(d.add(i), slice::load(s.add(i)));
            }
        } else {
            for i in (0..n).rev() {
                slice::store(d.add(i), slice::load(s.add(i)));
            }
        }
    }
}

/// Slices inside moved elements lose their owned mark: two places may refer to them now.
unsafe fn disown_elems(info: &TypeInfo, data: *const u8, count: usize) {
    if info.slice_words.is_empty() {
        return;
    }
    unsafe {
        for i in 0..count {
            let elem = data.add(i * info.elem_bytes) as *const u64;
            for &w in &info.slice_words {
                slice::disown(slice::load(elem.add(w as usize)));
            }
        }
    }
}

/// A bigger copy of a slice's elements: `(data, capacity)`.
unsafe fn grow(cache: &mut Cache, env: &Env, elem: RTypeId, old: Parts, need: usize) -> Option<(*mut u8, usize)> {
    let (t, info) = (env.ty(elem.0), &env.types[elem.0 as usize]);
    let cap = grown_cap(old.cap, need, info.go_size, !t.ptr_map.is_empty())?;
    let data = alloc_elems(cache, t, info, cap);
    if data.is_null() {
        return None;
    }
    unsafe {
        move_elems(data, old.data, old.len * info.elem_bytes, !t.ptr_map.is_empty());
        disown_elems(info, data, old.len);
    }
    Some((data, cap))
}

/// `append(s, v)`; `own`: `s = append(s, v)`, the header may be changed in place. `None`: out of memory.
///
/// # Safety
/// See the file's head; `v` are the value's register words.
pub unsafe fn append(cache: &mut Cache, env: &Env, elem: RTypeId, s: u64, v: *const u64, own: bool) -> Option<u64> {
    unsafe {
        let old = slice::parts(s);
        let (t, info) = (env.ty(elem.0), &env.types[elem.0 as usize]);
        let words = std::slice::from_raw_parts(v, t.words.max(1) as usize);
        if old.len < old.cap {
            overwrite(env, t, old.data.add(old.len * info.elem_bytes), info.elem_bytes);
            super::native::store(t, old.data.add(old.len * info.elem_bytes), words);
            if own && slice::load((s as *const u64).add(2)) & OWNED != 0 {
                slice::store((s as *mut u64).add(1), old.len as u64 + 1);
                return Some(s);
            }
            let cap = old.cap as u64 | if own { OWNED } else { 0 };
            return slice::new(cache, env.slice_header, old.data, old.len + 1, cap as usize);
        }
        let (data, cap) = grow(cache, env, elem, old, old.len + 1)?;
        super::native::store(t, data.add(old.len * info.elem_bytes), words);
        let cap = cap as u64 | if own { OWNED } else { 0 };
        slice::new(cache, env.slice_header, data, old.len + 1, cap as usize)
    }
}

/// `append(s, more...)`, where `more` has `count` elements at `src`.
///
/// # Safety
/// See the file's head.
pub unsafe fn append_elems(
    cache: &mut Cache,
    env: &Env,
    elem: RTypeId,
    s: u64,
    src: *const u8,
    count: usize,
) -> Option<u64> {
    unsafe {
        let old = slice::parts(s);
        if count == 0 {
            // The result is a second reference to the header.
            slice::disown(s);
            return Some(s);
        }
        let (t, info) = (env.ty(elem.0), &env.types[elem.0 as usize]);
        let len = old.len.checked_add(count)?;
        let (data, cap) = if len <= old.cap { (old.data, old.cap) } else { grow(cache, env, elem, old, len)? };
        // Before anything is moved: without memory this is tried again, and `src` may be part of what is overwritten.
        let made = slice::new(cache, env.slice_header, data, len, cap)?;
        overwrite(env, t, data.add(old.len * info.elem_bytes), count * info.elem_bytes);
        move_elems(
            data.add(old.len * info.elem_bytes),
            src,
            count * info.elem_bytes,
            t.mem == Mem::W || t.mem == Mem::N,
        );
        disown_elems(info, src, count);
        Some(made)
    }
}

/// `copy(dst, src)` of `n` elements.
///
/// # Safety
/// See the file's head; both have at least `n` elements.
pub unsafe fn copy(env: &Env, elem: RTypeId, dst: *mut u8, src: *const u8, n: usize) {
    let (t, info) = (env.ty(elem.0), &env.types[elem.0 as usize]);
    unsafe {
        overwrite(env, t, dst, n * info.elem_bytes);
        move_elems(dst, src, n * info.elem_bytes, t.mem == Mem::W || t.mem == Mem::N);
        disown_elems(info, src, n);
    }
}

#[cfg(test)]
mod tests {
    use super::grown_cap;

    #[test]
    fn capacities_are_gos() {
        let grow = |elem: u64, pointers: bool| {
            let (mut cap, mut caps) = (0, Vec::new());
            for len in 1..2000 {
                if len > cap {
                    cap = grown_cap(cap, len, elem, pointers).unwrap();
                    caps.push(cap);
                }
            }
            caps
        };
        assert_eq!(grow(8, false), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 848, 1280, 1792, 2560]);
        assert_eq!(grow(1, false), [8, 16, 32, 64, 128, 256, 512, 896, 1408, 2048]);
        assert_eq!(grown_cap(3, 5, 8, false), Some(6));
    }
}
