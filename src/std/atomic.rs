//! Natives of `sync/atomic`: sequentially consistent operations on words of the program's memory.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

macro_rules! natives {
    ($($prefix:literal $kind:literal $atomic:ident $signed:ty, $int:ty;)*) => {
        pub const NATIVES: &[NativeEntry] = &[("sync/atomic.sameType", same_type), $(
            (concat!("sync/atomic.", $prefix, "Add", $kind), |cx| {
                let (a, d) = (at::<$atomic>(cx)?, cx.word(1) as $int);
                let v = a.fetch_add(d, SeqCst).wrapping_add(d);
                out(cx, v as $signed as i64 as u64)
            }),
            (concat!("sync/atomic.", $prefix, "And", $kind), |cx| {
                let (a, d) = (at::<$atomic>(cx)?, cx.word(1) as $int);
                let v = a.fetch_and(d, SeqCst);
                out(cx, v as $signed as i64 as u64)
            }),
            (concat!("sync/atomic.", $prefix, "Or", $kind), |cx| {
                let (a, d) = (at::<$atomic>(cx)?, cx.word(1) as $int);
                let v = a.fetch_or(d, SeqCst);
                out(cx, v as $signed as i64 as u64)
            }),
            (concat!("sync/atomic.", $prefix, "Load", $kind), |cx| {
                let v = at::<$atomic>(cx)?.load(SeqCst);
                out(cx, v as $signed as i64 as u64)
            }),
            (concat!("sync/atomic.", $prefix, "Store", $kind), |cx| {
                let old = at::<$atomic>(cx)?.swap(cx.word(1) as $int, SeqCst);
                overwritten(cx, old as u64);
                Ok(Outcome::Done)
            }),
            (concat!("sync/atomic.", $prefix, "Swap", $kind), |cx| {
                let v = at::<$atomic>(cx)?.swap(cx.word(1) as $int, SeqCst);
                overwritten(cx, v as u64);
                out(cx, v as $signed as i64 as u64)
            }),
            (concat!("sync/atomic.", $prefix, "CompareAndSwap", $kind), |cx| {
                let a = at::<$atomic>(cx)?;
                let ok = a.compare_exchange(cx.word(1) as $int, cx.word(2) as $int, SeqCst, SeqCst).is_ok();
                overwritten(cx, cx.word(1));
                out(cx, ok as u64)
            }),
        )*];
    };
}

natives! {
    "" "Int32" AtomicU32 i32, u32;
    "" "Uint32" AtomicU32 u32, u32;
    "" "Int64" AtomicU64 i64, u64;
    "" "Uint64" AtomicU64 u64, u64;
    "" "Uintptr" AtomicU64 u64, u64;
    // Any one-word value: pointers, interfaces.
    "any" "" AtomicU64 u64, u64;
}

/// A word may have been a pointer: who marks meanwhile must see it.
fn overwritten(cx: &Cx, old: u64) {
    if cx.env.heap.is_marking() {
        cx.env.heap.shade(old);
    }
}

/// The atomic that the pointer in parameter 0 leads to.
fn at<'a, A>(cx: &Cx) -> Result<&'a A, Trap> {
    let p = cx.word(0) as *const A;
    if p.is_null() {
        return Err(Trap::Runtime("invalid memory address or nil pointer dereference".into()));
    }
    // SAFETY: the compiler passes a pointer to a live value of this width.
    Ok(unsafe { &*p })
}

/// `sameType(a, b any) bool`
fn same_type(cx: &mut Cx) -> NativeResult {
    let same = cx.iface_type(cx.word(0)) == cx.iface_type(cx.word(1));
    cx.set_bool(0, same);
    Ok(Outcome::Done)
}

fn out(cx: &mut Cx, v: u64) -> NativeResult {
    cx.set_word(0, v);
    Ok(Outcome::Done)
}
