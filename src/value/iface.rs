//! Interface words: boxing and unboxing by runtime type. The bit layout is in `bytecode::program::iface`.
use crate::bytecode::program::{Boxing, iface::*};
use crate::heap::{Cache, ShapeId};

/// # Safety
/// `value` is a valid direct value.
#[inline(always)]
pub fn direct(ty: u32, value: u64) -> u64 {
    (ty as u64) << TYPE_SHIFT | value
}

#[inline(always)]
pub fn int(cache: &mut Cache, box_shape: ShapeId, ty: u32, v: i64) -> Option<u64> {
    if v << 16 >> 16 == v {
        return Some(INLINE | (ty as u64) << TYPE_SHIFT | (v as u64 & PAYLOAD));
    }
    boxed(cache, box_shape, ty, v as u64)
}

#[inline(always)]
pub fn uint(cache: &mut Cache, box_shape: ShapeId, ty: u32, v: u64) -> Option<u64> {
    if v <= PAYLOAD {
        return Some(INLINE | (ty as u64) << TYPE_SHIFT | v);
    }
    boxed(cache, box_shape, ty, v)
}

#[inline(always)]
pub fn float(cache: &mut Cache, box_shape: ShapeId, ty: u32, v: f64) -> Option<u64> {
    let bits = v.to_bits();
    if bits & 0xffff == 0 {
        return Some(INLINE | (ty as u64) << TYPE_SHIFT | bits >> 16);
    }
    boxed(cache, box_shape, ty, bits)
}

fn boxed(cache: &mut Cache, shape: ShapeId, ty: u32, v: u64) -> Option<u64> {
    let p = cache.alloc(shape);
    if p.is_null() {
        return None;
    }
    // SAFETY: a fresh object of one word.
    unsafe { *p = v };
    Some((ty as u64) << TYPE_SHIFT | p as u64)
}

/// # Safety
/// `w` holds a signed integer.
#[inline(always)]
pub unsafe fn as_int(w: u64) -> i64 {
    if w & INLINE != 0 { (w << 16) as i64 >> 16 } else { unsafe { *((w & PAYLOAD) as *const i64) } }
}

/// # Safety
/// `w` holds an unsigned integer or bool.
#[inline(always)]
pub unsafe fn as_uint(w: u64) -> u64 {
    if w & INLINE != 0 { w & PAYLOAD } else { unsafe { *((w & PAYLOAD) as *const u64) } }
}

/// # Safety
/// `w` holds a float.
#[inline(always)]
pub unsafe fn as_float(w: u64) -> f64 {
    f64::from_bits(if w & INLINE != 0 { w << 16 } else { unsafe { *((w & PAYLOAD) as *const u64) } })
}

/// Writes the value an interface word holds to `out` as register words.
///
/// # Safety
/// `w` holds a value of a type with this boxing and number of words; `out` has room for them.
pub unsafe fn unbox(w: u64, boxing: Boxing, words: usize, out: *mut u64) {
    unsafe {
        match boxing {
            Boxing::Direct => *out = w & PAYLOAD,
            Boxing::Int => *out = as_int(w) as u64,
            Boxing::Uint => *out = as_uint(w),
            Boxing::Float => *out = as_float(w).to_bits(),
            Boxing::Words => {
                if words > 0 {
                    std::ptr::copy_nonoverlapping((w & PAYLOAD) as *const u64, out, words)
                }
            }
            Boxing::Never => *out = w,
        }
    }
}
