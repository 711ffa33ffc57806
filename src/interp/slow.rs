//! Operations too big for a handler: strings, slices, maps, interfaces, channels, closures.
//!
//! # Safety
//! As in `ops`: words are valid for their slots. A word result at or above [`FAILED`] is no value.
use super::ctx::Ctx;
use super::traceback;
use super::unwind::extra;
use crate::base::grow::Grow;
use crate::base::limits::{LONG_BYTES, MAX_OBJECT};
use crate::bytecode::op::Op;
use crate::bytecode::program::{Kind, RType, RTypeId, SLICE_MAX, SLICE_TYPE, SLICE_UNSIGNED, iface};
use crate::sync::chan::Chan;
use crate::value::native::Trap;
use crate::value::{eq, iface as ifv, map, number, slice, slice_ops, string};
use std::sync::atomic::AtomicU64;

/// Results from here on are failures.
pub const FAILED: u64 = u64::MAX - 15;
pub const NO_MEMORY: u64 = u64::MAX;
const BAD_BOUNDS: u64 = u64::MAX - 1;

pub use crate::value::map::MapType as MapInfo;

fn or_no_memory(w: Option<u64>) -> u64 {
    w.unwrap_or(NO_MEMORY)
}

/// Copies words; the ranges may overlap.
#[inline(never)]
pub unsafe fn move_words(dst: *mut u64, src: *const u64, n: usize) {
    unsafe {
        if (dst as usize) <= src as usize {
            for i in 0..n {
                slice::store(dst.add(i), slice::load(src.add(i)));
            }
        } else {
            for i in (0..n).rev() {
                slice::store(dst.add(i), slice::load(src.add(i)));
            }
        }
    }
}

// ---- numbers

/// Float to integer as amd64's CVTTSD2SI: what does not fit gives the smallest integer.
#[inline(always)]
pub fn f2i(v: f64) -> i64 {
    if (-9.223372036854775808e18..9.223372036854775808e18).contains(&v) { v as i64 } else { i64::MIN }
}

/// Float to uint64 as Go on amd64.
#[inline(always)]
pub fn f2u(v: f64) -> u64 {
    if v < 9.223372036854775808e18 { f2i(v) as u64 } else { f2i(v - 9.223372036854775808e18) as u64 ^ 1 << 63 }
}

#[inline(never)]
pub unsafe fn complex(pc: *const u64, r: *mut u64, op: Op) {
    unsafe {
        let field = |i: usize| r.add(*(pc as *const u16).sub(4 - i) as usize);
        let get = |p: *mut u64| (f64::from_bits(*p), f64::from_bits(*p.add(1)));
        let ((a, b), (c, d)) = (get(field(2)), get(field(3)));
        let (re, im) = match op {
            Op::AddC => (a + c, b + d),
            Op::SubC => (a - c, b - d),
            Op::MulC => (a * c - b * d, a * d + b * c),
            _ => complex_div(a, b, c, d),
        };
        let out = field(1);
        *out = re.to_bits();
        *out.add(1) = im.to_bits();
    }
}

/// Complex division with Go's treatment of infinities and NaNs.
pub fn complex_div(a: f64, b: f64, c: f64, d: f64) -> (f64, f64) {
    let (n_nan, m_nan) = (a.is_nan() || b.is_nan(), c.is_nan() || d.is_nan());
    let (n_inf, m_inf) = (a.is_infinite() || b.is_infinite(), c.is_infinite() || d.is_infinite());
    // Scaled so that neither product overflows.
    let (mut e, mut f);
    if c.abs() >= d.abs() {
        let ratio = d / c;
        let denom = c + ratio * d;
        e = (a + b * ratio) / denom;
        f = (b - a * ratio) / denom;
    } else {
        let ratio = c / d;
        let denom = d + ratio * c;
        e = (a * ratio + b) / denom;
        f = (b * ratio - a) / denom;
    }
    if e.is_nan() && f.is_nan() {
        let unit = |v: f64, inf: bool| (if inf { 1.0f64 } else { 0.0 }).copysign(v);
        if c == 0.0 && d == 0.0 && (!a.is_nan() || !b.is_nan()) {
            let inf = f64::INFINITY.copysign(c);
            (e, f) = (inf * a, inf * b);
        } else if n_inf && !m_inf && !m_nan {
            let (a, b) = (unit(a, a.is_infinite()), unit(b, b.is_infinite()));
            e = f64::INFINITY * (a * c + b * d);
            f = f64::INFINITY * (b * c - a * d);
        } else if m_inf && !n_inf && !n_nan {
            let (c, d) = (unit(c, c.is_infinite()), unit(d, d.is_infinite()));
            e = 0.0 * (a * c + b * d);
            f = 0.0 * (b * c - a * d);
        }
    }
    (e, f)
}

/// So many bytes are looked at or written before the next safepoint.
#[inline(always)]
unsafe fn expect_long(cx: *mut Ctx, bytes: usize) {
    if bytes > LONG_BYTES {
        unsafe {
            (*cx).p.expect_long();
            (*cx).cache.overdue |= (*cx).p.late;
        }
    }
}

// ---- strings

#[inline(always)]
pub unsafe fn str_eq(x: u64, y: u64) -> bool {
    unsafe { x == y || (string::len(x) == string::len(y) && string::bytes(x) == string::bytes(y)) }
}

#[inline(never)]
pub unsafe fn concat(cx: *mut Ctx, _at: *mut u64, x: u64, y: u64) -> u64 {
    unsafe {
        let (xs, ys) = (string::bytes(x), string::bytes(y));
        if xs.is_empty() {
            return y;
        }
        if ys.is_empty() {
            return x;
        }
        expect_long(cx, xs.len() + ys.len());
        let Some((w, data)) = string::alloc(&mut (*cx).cache, xs.len() + ys.len()) else { return NO_MEMORY };
        std::ptr::copy_nonoverlapping(xs.as_ptr(), data, xs.len());
        std::ptr::copy_nonoverlapping(ys.as_ptr(), data.add(xs.len()), ys.len());
        w
    }
}

#[inline(never)]
pub unsafe fn concat_n(cx: *mut Ctx, parts: *const u64, n: usize) -> u64 {
    unsafe {
        let mut len = 0;
        let mut last = 0;
        let mut count = 0;
        for i in 0..n {
            let k = string::len(*parts.add(i));
            if k > 0 {
                last = *parts.add(i);
                count += 1;
            }
            len += k;
        }
        if count <= 1 {
            return last;
        }
        expect_long(cx, len);
        let Some((w, data)) = string::alloc(&mut (*cx).cache, len) else { return NO_MEMORY };
        let mut at = data;
        for i in 0..n {
            let s = string::bytes(*parts.add(i));
            std::ptr::copy_nonoverlapping(s.as_ptr(), at, s.len());
            at = at.add(s.len());
        }
        w
    }
}

#[inline(never)]
pub unsafe fn substr(cx: *mut Ctx, s: u64, lo: usize, hi: usize) -> u64 {
    unsafe { or_no_memory(string::part(&mut (*cx).cache, (*(*cx).rt).env.string_view, s, lo, hi)) }
}

#[inline(never)]
pub unsafe fn str_of_rune(cx: *mut Ctx, rune: i64) -> u64 {
    unsafe {
        let mut out = Vec::with_capacity(4);
        string::encode_rune(rune, &mut out);
        or_no_memory(string::new(&mut (*cx).cache, &out))
    }
}

#[inline(never)]
pub unsafe fn str_of_bytes(cx: *mut Ctx, s: u64) -> u64 {
    unsafe {
        let p = slice::parts(s);
        if p.len == 0 {
            return 0;
        }
        expect_long(cx, p.len);
        let Some((w, data)) = string::alloc(&mut (*cx).cache, p.len) else { return NO_MEMORY };
        std::ptr::copy_nonoverlapping(p.data, data, p.len);
        w
    }
}

/// A new slice of scalars of `size` bytes, and where its `len` elements are to be written.
unsafe fn scalars(cx: *mut Ctx, len: usize, size: usize) -> Option<(u64, *mut u8)> {
    unsafe {
        expect_long(cx, len * size);
        let cap = slice_ops::grown_cap(0, len.max(1), size as u64, false).unwrap_or(len);
        let cap = if len == 0 { 0 } else { cap.max(len) };
        let data = (*cx).cache.alloc_bytes((cap * size).max(1)) as *mut u8;
        if data.is_null() {
            return None;
        }
        Some((slice::new(&mut (*cx).cache, (*(*cx).rt).env.slice_header, data, len, cap)?, data))
    }
}

#[inline(never)]
pub unsafe fn bytes_of_str(cx: *mut Ctx, s: u64) -> u64 {
    unsafe {
        let b = string::bytes(s);
        let Some((w, data)) = scalars(cx, b.len(), 1) else { return NO_MEMORY };
        std::ptr::copy_nonoverlapping(b.as_ptr(), data, b.len());
        w
    }
}

#[inline(never)]
pub unsafe fn str_of_runes(cx: *mut Ctx, s: u64) -> u64 {
    unsafe {
        let p = slice::parts(s);
        expect_long(cx, p.len * 4);
        let mut out = Vec::with_capacity(p.len);
        for i in 0..p.len {
            string::encode_rune(*(p.data as *const i32).add(i) as i64, &mut out);
        }
        or_no_memory(string::new(&mut (*cx).cache, &out))
    }
}

#[inline(never)]
pub unsafe fn runes_of_str(cx: *mut Ctx, s: u64) -> u64 {
    unsafe {
        let b = string::bytes(s);
        expect_long(cx, b.len());
        // Counted first, so that they are written where they stay.
        let mut count = 0;
        string::each_rune(b, |_| count += 1);
        let Some((w, data)) = scalars(cx, count, 4) else { return NO_MEMORY };
        let mut at = data as *mut u32;
        string::each_rune(b, |rune| {
            *at = rune;
            at = at.add(1);
        });
        w
    }
}

/// `out[0]` = the rune of `s` at byte `i`, `out[1]` = the index after it.
#[inline(never)]
pub unsafe fn decode_at(s: u64, i: usize, out: *mut u64) {
    unsafe {
        let (rune, width) = string::decode_rune(&string::bytes(s)[i..]);
        *out = rune as u64;
        *out.add(1) = (i + width) as u64;
    }
}

// ---- slices

#[inline(never)]
pub unsafe fn make_slice(cx: *mut Ctx, elem: u32, len: i64, cap: i64) -> u64 {
    unsafe {
        let env = &(*(*cx).rt).env;
        let (t, info) = (env.ty(elem), &env.types[elem as usize]);
        if len < 0 || cap < len || (cap as u64).saturating_mul(info.elem_bytes as u64) >= MAX_OBJECT {
            return BAD_BOUNDS;
        }
        expect_long(cx, cap as usize * info.elem_bytes);
        let data = slice_ops::alloc_elems(&mut (*cx).cache, t, info, cap as usize);
        if data.is_null() {
            return NO_MEMORY;
        }
        or_no_memory(slice::new(&mut (*cx).cache, env.slice_header, data, len as usize, cap as usize))
    }
}

/// Whether the `MkSlice` behind whose first word `pc` stands failed because of its operands, not for lack of memory.
pub unsafe fn make_slice_is_bad(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> bool {
    unsafe {
        let slot = |field: usize| *r.add(*(pc as *const u16).sub(4 - field) as usize) as i64;
        let bytes = (*cx).rt().env.types[*pc as u32 as usize].elem_bytes as u64;
        let (len, cap) = (slot(2), slot(3));
        len < 0 || cap < len || (cap as u64).saturating_mul(bytes) >= MAX_OBJECT
    }
}

/// Whether the bounds of the `SliceOf` or `SliceArr` behind whose first word `pc` stands are good.
pub unsafe fn slice_bounds_hold(pc: *const u64, r: *mut u64) -> bool {
    unsafe {
        let field = |i: usize| *(pc as *const u16).sub(4 - i) as usize;
        let word = *r.add(field(2));
        if field(0) == Op::SliceArr as usize {
            return word != 0 && bounds(r.add(field(3)), *pc, *pc >> 32).is_some();
        }
        bounds(r.add(field(3)), *pc, slice::parts(word).cap as u64).is_some()
    }
}

pub unsafe fn make_slice_text(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> String {
    unsafe {
        let env = &(*(*cx).rt).env;
        let len = *r.add(*(pc as *const u16).sub(2) as usize) as i64;
        let bytes = env.types[*pc as u32 as usize].elem_bytes as u64;
        let bad = len < 0 || (len as u64).saturating_mul(bytes) >= MAX_OBJECT;
        if bad { "makeslice: len out of range".into() } else { "makeslice: cap out of range".into() }
    }
}

unsafe fn bounds(at: *const u64, info: u64, cap: u64) -> Option<(u64, u64, u64)> {
    unsafe {
        let (lo, hi) = (*at, *at.add(1));
        let max = if info & SLICE_MAX != 0 { *at.add(2) } else { cap };
        (max <= cap && hi <= max && lo <= hi).then_some((lo, hi, max))
    }
}

/// `array[lo:hi:max]`; `info`: the extra word.
#[inline(never)]
pub unsafe fn slice_array(cx: *mut Ctx, addr: u64, at: *const u64, info: u64) -> u64 {
    unsafe {
        let env = &(*(*cx).rt).env;
        let len = info >> 32;
        let Some((lo, hi, max)) = bounds(at, info, len) else { return BAD_BOUNDS };
        if addr == 0 {
            return BAD_BOUNDS;
        }
        let bytes = env.types[(info & SLICE_TYPE) as usize].elem_bytes as u64;
        // A slice of nothing at the end must not point behind the object.
        let lo_at = if lo == max { 0 } else { lo };
        let data = (addr + lo_at * bytes) as *mut u8;
        or_no_memory(slice::new(&mut (*cx).cache, env.slice_header, data, (hi - lo) as usize, (max - lo) as usize))
    }
}

#[inline(never)]
pub unsafe fn slice_slice(cx: *mut Ctx, s: u64, at: *const u64, info: u64) -> u64 {
    unsafe {
        let env = &(*(*cx).rt).env;
        let p = slice::parts(s);
        let Some((lo, hi, max)) = bounds(at, info, p.cap as u64) else { return BAD_BOUNDS };
        if s == 0 {
            return 0;
        }
        let bytes = env.types[(info & SLICE_TYPE) as usize].elem_bytes;
        let lo_at = if lo == max { 0 } else { lo as usize };
        or_no_memory(slice::new(
            &mut (*cx).cache,
            env.slice_header,
            p.data.add(lo_at * bytes),
            (hi - lo) as usize,
            (max - lo) as usize,
        ))
    }
}

/// What was sliced, for the text of a bounds error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sliced {
    String,
    Array,
    Slice,
}

/// Go's text for slice bounds that are out of range; `unsigned`: those that are never shown as negative.
pub fn slice_text(bounds: [u64; 2], max: Option<u64>, unsigned: [bool; 3], len: u64, cap: u64, what: Sliced) -> String {
    let [lo, hi] = bounds;
    let (with, limit) = match what {
        Sliced::Slice => ("capacity", cap),
        _ => ("length", len),
    };
    let neg = |v: u64, i: usize| (v as i64) < 0 && !unsigned[i];
    if let Some(max) = max {
        if neg(max, 2) {
            return format!("slice bounds out of range [::{}]", max as i64);
        }
        if max > cap {
            return format!("slice bounds out of range [::{max}] with {with} {limit}");
        }
        if neg(hi, 1) {
            return format!("slice bounds out of range [:{}:]", hi as i64);
        }
        if hi > max {
            return format!("slice bounds out of range [:{hi}:{max}]");
        }
        if neg(lo, 0) {
            return format!("slice bounds out of range [{}::]", lo as i64);
        }
        return format!("slice bounds out of range [{lo}:{hi}:]");
    }
    let end = hi;
    if neg(end, 1) {
        return format!("slice bounds out of range [:{}]", end as i64);
    }
    if end > limit {
        return format!("slice bounds out of range [:{end}] with {with} {limit}");
    }
    if neg(lo, 0) {
        return format!("slice bounds out of range [{}:]", lo as i64);
    }
    format!("slice bounds out of range [{lo}:{end}]")
}

/// The text for the `SliceOf` or `SliceArr` behind whose first word `pc` stands.
pub unsafe fn slice_bounds_text(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> String {
    unsafe {
        let _ = cx;
        let field = |i: usize| *(pc as *const u16).sub(4 - i) as usize;
        let at = r.add(field(3));
        let bounds = [*at, *at.add(1)];
        let max = (*pc & SLICE_MAX != 0).then(|| *at.add(2));
        let unsigned = [0, 1, 2].map(|i| *pc & (SLICE_UNSIGNED >> i) != 0);
        if field(0) == Op::SliceArr as usize {
            if *r.add(field(2)) == 0 {
                return "invalid memory address or nil pointer dereference".into();
            }
            let len = *pc >> 32;
            return slice_text(bounds, max, unsigned, len, len, Sliced::Array);
        }
        let p = slice::parts(*r.add(field(2)));
        slice_text(bounds, max, unsigned, p.len as u64, p.cap as u64, Sliced::Slice)
    }
}

#[inline(never)]
pub unsafe fn append(cx: *mut Ctx, elem: u32, s: u64, v: *const u64, own: bool) -> u64 {
    unsafe {
        let rt = &*(*cx).rt;
        // The commonest case: one word, room, header in place.
        let t = &rt.env.program.types[elem as usize];
        if own && s != 0 && t.mem == crate::bytecode::program::Mem::W {
            let h = s as *mut u64;
            let (len, cap) = (slice::load(h.add(1)), slice::load(h.add(2)));
            if cap & slice::OWNED != 0 && len < cap & !slice::OWNED {
                slice::store((*h as *mut u64).add(len as usize), *v);
                slice::store(h.add(1), len + 1);
                return s;
            }
        }
        let old = slice::parts(s);
        if old.len == old.cap {
            expect_long(cx, old.len * rt.env.types[elem as usize].elem_bytes);
        }
        or_no_memory(slice_ops::append(&mut (*cx).cache, &rt.env, RTypeId(elem), s, v, own))
    }
}

#[inline(never)]
pub unsafe fn append_slice(cx: *mut Ctx, elem: u32, s: u64, more: u64) -> u64 {
    unsafe {
        let p = slice::parts(more);
        let rt = &*(*cx).rt;
        expect_long(cx, p.len * rt.env.types[elem as usize].elem_bytes);
        or_no_memory(slice_ops::append_elems(&mut (*cx).cache, &rt.env, RTypeId(elem), s, p.data, p.len))
    }
}

#[inline(never)]
pub unsafe fn append_str(cx: *mut Ctx, s: u64, more: u64) -> u64 {
    unsafe {
        let b = string::bytes(more);
        let rt = &*(*cx).rt;
        expect_long(cx, b.len());
        let Some(byte) = rt.byte_type else { return NO_MEMORY };
        or_no_memory(slice_ops::append_elems(&mut (*cx).cache, &rt.env, byte, s, b.as_ptr(), b.len()))
    }
}

#[inline(never)]
pub unsafe fn copy_slice(cx: *mut Ctx, elem: u32, dst: u64, src: u64) -> u64 {
    unsafe {
        let (d, s) = (slice::parts(dst), slice::parts(src));
        let n = d.len.min(s.len);
        if n > 0 {
            expect_long(cx, n * (*cx).rt().env.types[elem as usize].elem_bytes);
            slice_ops::copy(&(*(*cx).rt).env, RTypeId(elem), d.data, s.data, n);
        }
        n as u64
    }
}

#[inline(never)]
pub unsafe fn copy_str(dst: u64, src: u64) -> u64 {
    unsafe {
        let (d, s) = (slice::parts(dst), string::bytes(src));
        let n = d.len.min(s.len());
        if n > 0 {
            std::ptr::copy(s.as_ptr(), d.data, n);
        }
        n as u64
    }
}

#[inline(never)]
pub unsafe fn clear_slice(cx: *mut Ctx, elem: u32, s: u64) {
    unsafe {
        let p = slice::parts(s);
        if p.len > 0 {
            let bytes = p.len * (*cx).rt().env.types[elem as usize].elem_bytes;
            expect_long(cx, bytes);
            std::ptr::write_bytes(p.data, 0, bytes);
        }
    }
}

/// Slices in the value at `p` lose their owned mark.
#[inline(never)]
pub unsafe fn disown_value(cx: *mut Ctx, ty: u32, p: *const u64) {
    unsafe {
        for &w in &(*cx).rt().env.types[ty as usize].slice_words {
            slice::disown(slice::load(p.add(w as usize)));
        }
    }
}

// ---- interfaces

#[inline(never)]
pub unsafe fn box_word(cx: *mut Ctx, ty: u32, v: u64) -> u64 {
    unsafe {
        let p = (*cx).cache.alloc((*(*cx).rt).env.scalar_box);
        if p.is_null() {
            return NO_MEMORY;
        }
        *p = v;
        ifv::direct(ty, p as u64)
    }
}

#[inline(never)]
pub unsafe fn box_words(cx: *mut Ctx, ty: u32, v: *const u64) -> u64 {
    unsafe {
        let env = &(*(*cx).rt).env;
        let words = env.ty(ty).words as usize;
        if words == 0 {
            return ifv::direct(ty, 0);
        }
        let p = (*cx).cache.alloc(env.types[ty as usize].shape);
        if p.is_null() {
            return NO_MEMORY;
        }
        move_words(p, v, words);
        ifv::direct(ty, p as u64)
    }
}

#[inline(never)]
pub unsafe fn unbox_words(cx: *mut Ctx, ty: u32, w: u64, out: *mut u64) {
    unsafe {
        let words = (*(*cx).rt).env.ty(ty).words as usize;
        if words > 0 {
            move_words(out, (w & iface::PAYLOAD) as *const u64, words);
        }
    }
}

/// Whether an interface's dynamic type has all methods of an interface type.
#[inline(never)]
pub unsafe fn implements(cx: *mut Ctx, w: u64, target: u32) -> bool {
    let ty = iface::type_of(w);
    let rt = unsafe { &*(*cx).rt };
    ty != 0 && missing_method(&rt.env.program.types, ty, target).is_none()
}

fn missing_method(types: &Grow<RType>, ty: u32, target: u32) -> Option<u32> {
    let have = &types[ty as usize].methods;
    let mut at = 0;
    for m in &types[target as usize].iface_methods {
        while at < have.len() && have[at].id < *m {
            at += 1;
        }
        if at == have.len() || have[at].id != *m {
            return Some(m.0);
        }
    }
    None
}

/// Go's text for the failed `AssertT` or `AssertI` behind whose first word `pc` stands.
pub unsafe fn assertion_text(cx: *mut Ctx, pc: *const u64, r: *mut u64) -> String {
    unsafe {
        let rt = &*(*cx).rt;
        let types = &rt.env.program.types;
        let field = |i: usize| *(pc as *const u16).sub(4 - i) as usize;
        let have = iface::type_of(*r.add(field(1)));
        let (want, from) = (&types[field(2)], &types[*pc as u32 as usize]);
        let from_name = if from.name == "interface {}" { "interface {}" } else { from.name.as_str() };
        if field(0) == Op::AssertI as usize {
            if have == 0 {
                return format!("interface conversion: interface is nil, not {}", want.name);
            }
            let missing = missing_method(types, have, field(2) as u32).unwrap_or(0);
            return format!(
                "interface conversion: {} is not {}: missing method {}",
                types[have as usize].name, want.name, rt.env.program.methods[missing as usize].name
            );
        }
        let have_name = if have == 0 { "nil" } else { types[have as usize].name.as_str() };
        if have != 0 && have_name == want.name {
            return format!(
                "interface conversion: {from_name} is {have_name}, not {} (types from different scopes)",
                want.name
            );
        }
        format!("interface conversion: {from_name} is {have_name}, not {}", want.name)
    }
}

/// `None`: not comparable; the trap lies in the G's extra state.
#[inline(never)]
pub unsafe fn eq_iface(cx: *mut Ctx, x: u64, y: u64) -> Option<bool> {
    unsafe {
        match eq::iface_eq(&(*(*cx).rt).env.program, x, y) {
            Ok(eq) => Some(eq),
            Err(text) => {
                extra((*cx).side.g).trap = Some(Trap::Runtime(text));
                None
            }
        }
    }
}

#[inline(never)]
pub unsafe fn eq_values(cx: *mut Ctx, ty: u32, x: *const u64, y: *const u64) -> Option<bool> {
    unsafe {
        match eq::values_eq(&(*(*cx).rt).env.program, RTypeId(ty), x, y) {
            Ok(eq) => Some(eq),
            Err(text) => {
                extra((*cx).side.g).trap = Some(Trap::Runtime(text));
                None
            }
        }
    }
}

// ---- maps

unsafe fn map_fail(cx: *mut Ctx, e: map::MapError) -> bool {
    unsafe {
        extra((*cx).side.g).trap = Some(match e {
            map::MapError::Panic(text) => Trap::Runtime(text),
            map::MapError::Plain(text) => Trap::Plain(text),
            map::MapError::Race(text, other) if other <= map::NATIVE => Trap::Fatal(text.to_string()),
            map::MapError::Race(text, other) => {
                let rt = (*cx).rt();
                let at = rt.index_of(other as *const u64).wrapping_sub(1);
                Trap::Fatal(match rt.program.func_at(at) {
                    Some(f) => format!("{text}\nthe other: {}\n\t{}", f.name, traceback::place(rt, f.pos_at(at))),
                    None => text.to_string(),
                })
            }
            map::MapError::OutOfMemory => Trap::OutOfMemory,
        });
        false
    }
}

#[inline(always)]
unsafe fn map_type<'a>(cx: *mut Ctx, ty: u32) -> &'a MapInfo {
    unsafe {
        match &(&(*(*cx).rt).env.map_types)[ty as usize] {
            Some(m) => m,
            None => unreachable!("type {ty} is no map"),
        }
    }
}

pub fn map_len(m: u64) -> u64 {
    // SAFETY: a map word.
    unsafe { map::len(m as *const u64) as u64 }
}

#[inline(never)]
pub unsafe fn map_make(cx: *mut Ctx, ty: u32, hint: i64) -> u64 {
    unsafe {
        let p = map::new(&mut (*cx).cache, map_type(cx, ty), hint.max(0) as usize);
        if p.is_null() { NO_MEMORY } else { p as u64 }
    }
}

/// As [`map_type`], for handlers that keep no native frame: of a type that was there from the start.
#[inline(always)]
unsafe fn map_type_at_hand<'a>(cx: *mut Ctx, ty: u32) -> Option<&'a MapInfo> {
    unsafe { (&(*(*cx).rt).env.map_types).base().get(ty as usize)?.as_ref() }
}

/// The value of a key, if it is one word and quickly found.
#[inline(always)]
pub unsafe fn map_quick<'a>(cx: *mut Ctx, ty: u32, m: u64, key: u64) -> Option<&'a AtomicU64> {
    unsafe { map::find_quick(map_type_at_hand(cx, ty)?, m as *const u64, key, &(*cx).map_memos) }
}

/// `m[key] = value`, if that is quickly done.
#[inline(always)]
pub unsafe fn map_set_quick(cx: *mut Ctx, pc: *const u64, m: u64, key: u64, value: u64) -> bool {
    unsafe {
        let Some(t) = map_type_at_hand(cx, *pc as u32) else { return false };
        let Some(at) = map::find_quick(t, m as *const u64, key, &(*cx).map_memos) else { return false };
        map::set_quick(t, m as *mut u64, at, value, pc as u64)
    }
}

#[inline(never)]
pub unsafe fn map_get(cx: *mut Ctx, ty: u32, m: u64, key: *const u64, out: *mut u64, ok: bool) -> bool {
    unsafe {
        let t = map_type(cx, ty);
        let words = t.val_words as usize;
        match map::get_with(&(*(*cx).rt).env.program, t, m as *mut u64, key, Some(&mut (*cx).map_memos)) {
            Ok(found) => {
                match found {
                    Some(v) => {
                        for i in 0..words {
                            *out.add(i) = slice::load(v.add(i));
                        }
                        if !t.val_slices.is_empty() {
                            for &w in &t.val_slices {
                                slice::disown(*out.add(w as usize));
                            }
                        }
                    }
                    None => {
                        for i in 0..words {
                            *out.add(i) = 0;
                        }
                    }
                }
                if ok {
                    *out.add(words) = found.is_some() as u64;
                }
                true
            }
            Err(e) => map_fail(cx, e),
        }
    }
}

#[inline(never)]
pub unsafe fn map_set(cx: *mut Ctx, pc: *const u64, m: u64, key: *const u64, value: *const u64) -> bool {
    unsafe {
        let t = map_type(cx, *pc as u32);
        let program = &(*(*cx).rt).env.program;
        match map::set(&mut (*cx).cache, program, t, m as *mut u64, key, value, pc as u64, &(*cx).map_memos) {
            Ok(()) => true,
            Err(e) => map_fail(cx, e),
        }
    }
}

#[inline(never)]
pub unsafe fn map_delete(cx: *mut Ctx, pc: *const u64, m: u64, key: *const u64) -> bool {
    unsafe {
        let t = map_type(cx, *pc as u32);
        match map::delete(&(*(*cx).rt).env.program, t, m as *mut u64, key, pc as u64) {
            Ok(()) => true,
            Err(e) => map_fail(cx, e),
        }
    }
}

#[inline(never)]
pub unsafe fn map_clear(cx: *mut Ctx, pc: *const u64, m: u64) -> bool {
    unsafe {
        match map::clear(map_type(cx, *pc as u32), m as *mut u64, pc as u64) {
            Ok(()) => true,
            Err(e) => map_fail(cx, e),
        }
    }
}

#[inline(never)]
pub unsafe fn map_iter(cx: *mut Ctx, ty: u32, m: u64) -> u64 {
    unsafe {
        let random = (*cx).p.rng.next();
        let p = map::iter_new(&mut (*cx).cache, map_type(cx, ty), m as *mut u64, random);
        if p.is_null() { NO_MEMORY } else { p as u64 }
    }
}

/// 1: `key` and `value` (either may be null) hold the next entry; 0: the end; else failed.
#[inline(never)]
pub unsafe fn map_next(cx: *mut Ctx, ty: u32, iter: u64, key: *mut u64, value: *mut u64) -> u64 {
    unsafe {
        let t = map_type(cx, ty);
        match map::iter_next(&(*(*cx).rt).env.program, t, iter as *mut u64) {
            Ok(Some((k, v))) => {
                if !key.is_null() {
                    for i in 0..t.key_words as usize {
                        *key.add(i) = slice::load(k.add(i));
                    }
                }
                if !value.is_null() {
                    for i in 0..t.val_words as usize {
                        *value.add(i) = slice::load(v.add(i));
                    }
                    for &w in &t.val_slices {
                        slice::disown(*value.add(w as usize));
                    }
                }
                1
            }
            Ok(None) => 0,
            Err(e) => {
                map_fail(cx, e);
                2
            }
        }
    }
}

// ---- closures, channels

#[inline(never)]
pub unsafe fn make_closure(cx: *mut Ctx, shape: usize, captures: *const u64) -> u64 {
    unsafe {
        let rt = &*(*cx).rt;
        let p = (*cx).cache.alloc(rt.closure_shapes[shape]);
        if p.is_null() {
            return NO_MEMORY;
        }
        let s = &rt.program.closures[shape];
        *p = rt.pc_at(rt.program.funcs[s.func.0 as usize].entry) as u64;
        for i in 0..s.captures as usize {
            *p.add(1 + i) = *captures.add(i);
        }
        p as u64
    }
}

#[inline(never)]
pub unsafe fn make_chan(cx: *mut Ctx, elem: u32, cap: i64) -> u64 {
    unsafe {
        let rt = &*(*cx).rt;
        let t = rt.env.ty(elem);
        if cap < 0 || (cap as u64).saturating_mul(t.words as u64 * 8) >= MAX_OBJECT {
            return BAD_BOUNDS;
        }
        expect_long(cx, cap as usize * t.words as usize * 8);
        let ch = Chan::make(&mut (*cx).cache, rt.chan_shape, t.words as usize, &t.ptr_map, cap as usize);
        if ch.is_null() {
            return NO_MEMORY;
        }
        Chan::set_maker(ch, (*cx).side.g);
        ch as u64
    }
}

/// `false`: it was closed already.
#[inline(never)]
pub unsafe fn close(cx: *mut Ctx, ch: u64) -> bool {
    unsafe { Chan::close(ch as *mut Chan, |g, sender| super::call::ready_closed(cx, g, sender)) }
}

// ---- the built-in print

#[inline(never)]
pub unsafe fn print(cx: *mut Ctx, ty: u32, v: *const u64, mode: usize) {
    unsafe {
        let rt = &*(*cx).rt;
        let mut out: Vec<u8> = Vec::new();
        if mode == 1 {
            out.push(b' ');
        }
        if mode == 2 {
            out.push(b'\n');
        } else {
            let t = rt.env.ty(ty);
            match t.kind {
                Kind::Bool => out.extend_from_slice(if *v != 0 { b"true" } else { b"false" }),
                Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                    out.extend_from_slice((*v as i64).to_string().as_bytes())
                }
                Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                    out.extend_from_slice((*v).to_string().as_bytes())
                }
                Kind::Float32 | Kind::Float64 => {
                    let text = number::float_text(f64::from_bits(*v), b'g', -1, t.kind == Kind::Float32);
                    out.extend_from_slice(text.as_bytes())
                }
                Kind::Complex64 | Kind::Complex128 => {
                    out.extend_from_slice(super::unwind::complex_text(t.kind, v).as_bytes())
                }
                Kind::String => out.extend_from_slice(string::bytes(*v)),
                Kind::Slice => {
                    let p = slice::parts(*v);
                    out.extend_from_slice(format!("[{}/{}]{:#x}", p.len, p.cap, p.data as usize).as_bytes())
                }
                Kind::Interface => {
                    let text = format!("({:#x},{:#x})", iface::type_of(*v), *v & iface::PAYLOAD);
                    out.extend_from_slice(text.as_bytes())
                }
                _ => out.extend_from_slice(format!("{:#x}", *v).as_bytes()),
            }
        }
        let _ = rt.env.host.stderr(&out);
    }
}
