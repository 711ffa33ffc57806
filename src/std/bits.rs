//! Natives of `math/bits`.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("math/bits.Len64", |cx| one(cx, |x| 64 - x.leading_zeros() as u64)),
    ("math/bits.Mul64", |cx| {
        let wide = cx.uint(0) as u128 * cx.uint(1) as u128;
        cx.set_word(0, (wide >> 64) as u64);
        cx.set_word(1, wide as u64);
        Ok(Outcome::Done)
    }),
    ("math/bits.OnesCount64", |cx| one(cx, |x| x.count_ones() as u64)),
    ("math/bits.Reverse64", |cx| one(cx, u64::reverse_bits)),
    ("math/bits.ReverseBytes64", |cx| one(cx, u64::swap_bytes)),
    ("math/bits.TrailingZeros64", |cx| one(cx, |x| x.trailing_zeros() as u64)),
    ("math/bits.div", div),
];

#[inline(always)]
fn one(cx: &mut Cx, f: fn(u64) -> u64) -> NativeResult {
    let v = f(cx.uint(0));
    cx.set_word(0, v);
    Ok(Outcome::Done)
}

/// `div(hi, lo, y uint64, overflow bool) (quo, rem uint64)`
fn div(cx: &mut Cx) -> NativeResult {
    let (hi, lo, y) = (cx.uint(0), cx.uint(1), cx.uint(2));
    if y == 0 {
        return Err(Trap::Runtime("integer divide by zero".into()));
    }
    if cx.bool(3) {
        return Err(Trap::Runtime("integer overflow".into()));
    }
    let (x, y) = ((hi as u128) << 64 | lo as u128, y as u128);
    cx.set_word(0, (x / y) as u64);
    cx.set_word(1, (x % y) as u64);
    Ok(Outcome::Done)
}
