//! Natives of `math`. Go prints floats with as many digits as it takes to tell them apart, so every function here gives
//! Go's result to the last bit (as on amd64); the tests hold results of the real thing.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};

mod bessel;
mod explog;
mod float;
mod special;
mod trig;

pub const NATIVES: &[NativeEntry] = &[
    ("math.Abs", |cx| one(cx, f64::abs)),
    ("math.Acos", |cx| one(cx, trig::acos)),
    ("math.Acosh", |cx| one(cx, explog::acosh)),
    ("math.Asin", |cx| one(cx, trig::asin)),
    ("math.Asinh", |cx| one(cx, explog::asinh)),
    ("math.Atan", |cx| one(cx, trig::atan)),
    ("math.Atan2", |cx| two(cx, trig::atan2)),
    ("math.Atanh", |cx| one(cx, explog::atanh)),
    ("math.Cbrt", |cx| one(cx, float::cbrt)),
    ("math.Ceil", |cx| one(cx, f64::ceil)),
    ("math.Copysign", |cx| two(cx, f64::copysign)),
    ("math.Cos", |cx| one(cx, trig::cos)),
    ("math.Cosh", |cx| one(cx, explog::cosh)),
    ("math.Dim", |cx| two(cx, float::dim)),
    ("math.Erf", |cx| one(cx, special::erf)),
    ("math.Erfc", |cx| one(cx, special::erfc)),
    ("math.Erfinv", |cx| one(cx, special::erfinv)),
    ("math.Exp", |cx| one(cx, explog::exp)),
    ("math.Exp2", |cx| one(cx, explog::exp2)),
    ("math.Expm1", |cx| one(cx, explog::expm1)),
    ("math.FMA", fma),
    ("math.Float32bits", float32_bits),
    ("math.Float32frombits", float32_from_bits),
    ("math.Float64bits", same_word),
    ("math.Float64frombits", same_word),
    ("math.Floor", |cx| one(cx, f64::floor)),
    ("math.Frexp", frexp),
    ("math.Gamma", |cx| one(cx, special::gamma)),
    ("math.Hypot", |cx| two(cx, float::hypot)),
    ("math.Ilogb", ilogb),
    ("math.J0", |cx| one(cx, bessel::j0)),
    ("math.J1", |cx| one(cx, bessel::j1)),
    ("math.Jn", jn),
    ("math.Ldexp", ldexp),
    ("math.Lgamma", lgamma),
    ("math.Log", |cx| one(cx, explog::log)),
    ("math.Log10", |cx| one(cx, explog::log10)),
    ("math.Log1p", |cx| one(cx, explog::log1p)),
    ("math.Log2", |cx| one(cx, explog::log2)),
    ("math.Logb", |cx| one(cx, float::logb)),
    ("math.Max", |cx| two(cx, float::max)),
    ("math.Min", |cx| two(cx, float::min)),
    ("math.Mod", |cx| two(cx, float::fmod)),
    ("math.Modf", modf),
    ("math.Nextafter", |cx| two(cx, float::nextafter)),
    ("math.Nextafter32", nextafter32),
    ("math.Pow", |cx| two(cx, float::pow)),
    ("math.Pow10", pow10),
    ("math.Remainder", |cx| two(cx, float::remainder)),
    ("math.Round", |cx| one(cx, float::round)),
    ("math.RoundToEven", |cx| one(cx, f64::round_ties_even)),
    ("math.Sin", |cx| one(cx, trig::sin)),
    ("math.Sincos", sin_cos),
    ("math.Sinh", |cx| one(cx, explog::sinh)),
    ("math.Sqrt", |cx| one(cx, f64::sqrt)),
    ("math.Tan", |cx| one(cx, trig::tan)),
    ("math.Tanh", |cx| one(cx, explog::tanh)),
    ("math.Trunc", |cx| one(cx, f64::trunc)),
    ("math.Y0", |cx| one(cx, bessel::y0)),
    ("math.Y1", |cx| one(cx, bessel::y1)),
    ("math.Yn", yn),
];

/// `c[0] + x * (c[1] + x * (...))`
fn poly(x: f64, c: &[f64]) -> f64 {
    let mut v = c[c.len() - 1];
    for c in c[..c.len() - 1].iter().rev() {
        v = v * x + c;
    }
    v
}

#[inline(always)]
fn one(cx: &mut Cx, f: fn(f64) -> f64) -> NativeResult {
    let v = f(cx.float(0));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

#[inline(always)]
fn two(cx: &mut Cx, f: fn(f64, f64) -> f64) -> NativeResult {
    let v = f(cx.float(0), cx.float(1));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

fn fma(cx: &mut Cx) -> NativeResult {
    let v = cx.float(0).mul_add(cx.float(1), cx.float(2));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

/// A `float64` register holds the number's bits.
fn same_word(cx: &mut Cx) -> NativeResult {
    let v = cx.word(0);
    cx.set_word(0, v);
    Ok(Outcome::Done)
}

fn float32_bits(cx: &mut Cx) -> NativeResult {
    let v = (cx.float(0) as f32).to_bits();
    cx.set_word(0, v as u64);
    Ok(Outcome::Done)
}

fn float32_from_bits(cx: &mut Cx) -> NativeResult {
    let v = f32::from_bits(cx.word(0) as u32) as f64;
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

fn nextafter32(cx: &mut Cx) -> NativeResult {
    let v = float::nextafter32(cx.float(0) as f32, cx.float(1) as f32);
    cx.set_float(0, v as f64);
    Ok(Outcome::Done)
}

fn frexp(cx: &mut Cx) -> NativeResult {
    let (frac, exp) = float::frexp(cx.float(0));
    cx.set_float(0, frac);
    cx.set_int(1, exp);
    Ok(Outcome::Done)
}

fn ldexp(cx: &mut Cx) -> NativeResult {
    let v = float::ldexp(cx.float(0), cx.int(1));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

fn ilogb(cx: &mut Cx) -> NativeResult {
    let v = float::ilogb(cx.float(0));
    cx.set_int(0, v);
    Ok(Outcome::Done)
}

fn modf(cx: &mut Cx) -> NativeResult {
    let (int, frac) = float::modf(cx.float(0));
    cx.set_float(0, int);
    cx.set_float(1, frac);
    Ok(Outcome::Done)
}

fn sin_cos(cx: &mut Cx) -> NativeResult {
    let (sin, cos) = trig::sin_cos(cx.float(0));
    cx.set_float(0, sin);
    cx.set_float(1, cos);
    Ok(Outcome::Done)
}

fn lgamma(cx: &mut Cx) -> NativeResult {
    let (v, sign) = special::lgamma(cx.float(0));
    cx.set_float(0, v);
    cx.set_int(1, sign);
    Ok(Outcome::Done)
}

fn jn(cx: &mut Cx) -> NativeResult {
    let v = bessel::jn(cx.int(0), cx.float(1));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

fn yn(cx: &mut Cx) -> NativeResult {
    let v = bessel::yn(cx.int(0), cx.float(1));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

fn pow10(cx: &mut Cx) -> NativeResult {
    let v = float::pow10(cx.int(0));
    cx.set_float(0, v);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests;
