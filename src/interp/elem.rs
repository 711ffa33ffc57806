//! Handlers that read or write one scalar in memory: through a pointer, in a slice, in an array in the frame.
//!
//! # Safety
//! As in `ops`.
#![allow(non_snake_case)]
use super::ctx::Ctx;
use super::fail;
use super::ops::H;
use crate::next;
use crate::value::slice;

/// Reads a scalar as the 64-bit word a register holds.
macro_rules! load {
    (W, $p:expr) => {
        slice::load($p as *const u64)
    };
    (F32, $p:expr) => {
        (*($p as *const f32) as f64).to_bits()
    };
    ($ty:ident, $p:expr) => {
        *($p as *const $ty) as i64 as u64
    };
}
macro_rules! store {
    (W, $p:expr, $v:expr) => {
        slice::store($p as *mut u64, $v)
    };
    (F32, $p:expr, $v:expr) => {
        *($p as *mut f32) = f64::from_bits($v) as f32
    };
    ($ty:ident, $p:expr, $v:expr) => {
        *($p as *mut $ty) = $v as $ty
    };
}

macro_rules! a {
    ($pc:ident) => {
        *($pc as *const u16).sub(3) as usize
    };
}
macro_rules! b {
    ($pc:ident) => {
        *($pc as *const u16).sub(2) as usize
    };
}
macro_rules! c {
    ($pc:ident) => {
        *($pc as *const u16).sub(1) as usize
    };
}

macro_rules! handler {
    ($name:ident, $pc:ident, $r:ident, $cx:ident, $n:ident, $t:ident, $body:block) => {
        pub unsafe extern "C" fn $name($pc: *const u64, $r: *mut u64, $cx: *mut Ctx, $n: i64, $t: *const H) -> u64 {
            unsafe { $body }
        }
    };
}

/// `R[a] = m(R[b] + c)`
macro_rules! loads {
    ($($name:ident $ty:ident;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let p = *r.add(b!(pc));
        if p == 0 { return fail::nil_deref(pc, r, cx, n, t) }
        *r.add(a!(pc)) = load!($ty, p + c!(pc) as u64);
        next!(pc, r, cx, n, t)
    });)* };
}
macro_rules! stores {
    ($($name:ident $ty:ident;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let p = *r.add(b!(pc));
        if p == 0 { return fail::nil_deref(pc, r, cx, n, t) }
        store!($ty, p + c!(pc) as u64, *r.add(a!(pc)));
        next!(pc, r, cx, n, t)
    });)* };
}
/// `R[a] = slice R[b] [R[c]]`
macro_rules! slice_loads {
    ($($name:ident $ty:ident $size:literal;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let (h, i) = (*r.add(b!(pc)) as *const u64, *r.add(c!(pc)));
        if h.is_null() || i >= slice::load(h.add(1)) { return fail::index_slice(pc, r, cx, n, t) }
        *r.add(a!(pc)) = load!($ty, *h + i * $size);
        next!(pc, r, cx, n, t)
    });)* };
}
macro_rules! slice_stores {
    ($($name:ident $ty:ident $size:literal;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let (h, i) = (*r.add(b!(pc)) as *const u64, *r.add(c!(pc)));
        if h.is_null() || i >= slice::load(h.add(1)) { return fail::index_slice(pc, r, cx, n, t) }
        store!($ty, *h + i * $size, *r.add(a!(pc)));
        next!(pc, r, cx, n, t)
    });)* };
}
/// Arrays in the frame; the extra word's low half is the length.
macro_rules! frame_loads {
    ($($name:ident $ty:ident $size:literal;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let i = *r.add(c!(pc));
        if i >= *pc as u32 as u64 { return fail::index_array_low(pc, r, cx, n, t) }
        *r.add(a!(pc)) = load!($ty, r.add(b!(pc)) as u64 + i * $size);
        next!(pc.add(1), r, cx, n, t)
    });)* };
}
macro_rules! frame_stores {
    ($($name:ident $ty:ident $size:literal;)*) => { $(handler!($name, pc, r, cx, n, t, {
        let i = *r.add(c!(pc));
        if i >= *pc as u32 as u64 { return fail::index_array_low(pc, r, cx, n, t) }
        store!($ty, r.add(b!(pc)) as u64 + i * $size, *r.add(a!(pc)));
        next!(pc.add(1), r, cx, n, t)
    });)* };
}

loads! { LdI8 i8; LdI16 i16; LdI32 i32; LdU8 u8; LdU16 u16; LdU32 u32; LdF32 F32; LdW W; }
stores! { StI8 u8; StI16 u16; StI32 u32; StF32 F32; StW W; }
slice_loads! { IxI8 i8 1; IxI16 i16 2; IxI32 i32 4; IxU8 u8 1; IxU16 u16 2; IxU32 u32 4; IxF32 F32 4; IxW W 8; }
slice_stores! { SxI8 u8 1; SxI16 u16 2; SxI32 u32 4; SxF32 F32 4; SxW W 8; }
frame_loads! { FxI8 i8 1; FxI16 i16 2; FxI32 i32 4; FxU8 u8 1; FxU16 u16 2; FxU32 u32 4; FxF32 F32 4; FxW W 8; }
frame_stores! { FsI8 u8 1; FsI16 u16 2; FsI32 u32 4; FsF32 F32 4; FsW W 8; }
