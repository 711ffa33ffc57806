//! Growing byte slices that lie in fields of the program's structs (`strings.Builder`, `bytes.Buffer`), and strings
//! that share their bytes.
use crate::base::limits::MAX_OBJECT;
use crate::value::native::{Cx, Trap};
use crate::value::slice::{self, OWNED};
use crate::value::slice_ops::grown_cap;

pub fn nil_pointer() -> Trap {
    Trap::Runtime("invalid memory address or nil pointer dereference".into())
}

/// The panic of `make` with what no slice can have.
pub fn len_out_of_range() -> Trap {
    Trap::Runtime("makeslice: len out of range".into())
}

/// Appends to the `[]byte` at `field`, whose header no one else uses when it is marked as owned.
///
/// # Safety
/// `field` is the address of a live slice of bytes.
pub unsafe fn append(cx: &mut Cx, field: *mut u64, src: &[u8]) -> Result<(), Trap> {
    unsafe {
        let word = slice::load(field);
        let old = slice::parts(word);
        let len = old.len + src.len();
        if len <= old.cap {
            std::ptr::copy_nonoverlapping(src.as_ptr(), old.data.add(old.len), src.len());
            set_len(cx, field, word, len)
        } else {
            let need = grown_cap(old.cap, len, 1, false).ok_or(Trap::OutOfMemory)?;
            let data = regrow(cx, field, len, need)?;
            std::ptr::copy_nonoverlapping(src.as_ptr(), data.add(old.len), src.len());
            Ok(())
        }
    }
}

/// Makes room for `n` more bytes.
///
/// # Safety
/// `field` is the address of a live slice of bytes.
pub unsafe fn reserve(cx: &mut Cx, field: *mut u64, n: usize) -> Result<(), Trap> {
    unsafe {
        let old = slice::parts(slice::load(field));
        if old.cap - old.len < n {
            let need = 2usize.saturating_mul(old.cap).saturating_add(n);
            if need as u64 >= MAX_OBJECT {
                return Err(len_out_of_range());
            }
            let need = grown_cap(0, need, 1, false).ok_or(Trap::OutOfMemory)?;
            regrow(cx, field, old.len, need)?;
        }
        Ok(())
    }
}

unsafe fn set_len(cx: &mut Cx, field: *mut u64, word: u64, len: usize) -> Result<(), Trap> {
    unsafe {
        if word == 0 {
            return Ok(());
        }
        let header = word as *mut u64;
        let cap = slice::load(header.add(2));
        if cap & OWNED != 0 {
            slice::store(header.add(1), len as u64);
            return Ok(());
        }
        let p = slice::parts(word);
        let new = slice::new(cx.cache, cx.env.slice_header, p.data, len, (cap | OWNED) as usize);
        cx.env.heap.shade(word);
        slice::store(field, new.ok_or(Trap::OutOfMemory)?);
        Ok(())
    }
}

/// Moves the bytes to a bigger store; the slice then has length `len`.
unsafe fn regrow(cx: &mut Cx, field: *mut u64, len: usize, cap: usize) -> Result<*mut u8, Trap> {
    unsafe {
        let old = slice::parts(slice::load(field));
        let data = cx.cache.alloc_bytes(cap.max(1)) as *mut u8;
        if data.is_null() {
            return Err(Trap::OutOfMemory);
        }
        std::ptr::copy_nonoverlapping(old.data, data, old.len);
        let cap = (cap as u64 | OWNED) as usize;
        let new = slice::new(cx.cache, cx.env.slice_header, data, len, cap).ok_or(Trap::OutOfMemory)?;
        cx.env.heap.shade(slice::load(field));
        slice::store(field, new);
        Ok(data)
    }
}

/// A string that shares the bytes of a `[]byte` word. Its owner only ever appends behind them.
pub fn share_as_string(cx: &mut Cx, word: u64) -> Result<u64, Trap> {
    // SAFETY: the caller passes a slice word.
    let p = unsafe { slice::parts(word) };
    if p.len == 0 {
        return Ok(0);
    }
    let view = cx.cache.alloc(cx.env.string_view);
    if view.is_null() {
        return Err(Trap::OutOfMemory);
    }
    // SAFETY: a fresh object of two words.
    unsafe {
        *view = p.data as u64;
        *view.add(1) = p.len as u64;
    }
    Ok(view as u64)
}
