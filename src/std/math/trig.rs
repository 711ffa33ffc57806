//! Trigonometric functions and their inverses, after Cephes, in Go's order of evaluation.
use super::poly;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const SIN: [f64; 6] = [
    -0.1666666666666663,
    0.008333333333322118,
    -0.0001984126982958954,
    2.7557313621385722e-06,
    -2.5050747762857807e-08,
    1.5896230157654656e-10,
];
const COS: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873056,
    2.4801587288851704e-05,
    -2.755731417929674e-07,
    2.087570084197473e-09,
    -1.1358536521387682e-11,
];
const TAN_P: [f64; 3] = [-17956525.197648488, 1153516.6483858742, -13093.693918138379];
const TAN_Q: [f64; 5] = [-53869575.592945464, 25008380.18233579, -1320892.3444021097, 13681.296347069296, 1.0];
const ATAN_P: [f64; 5] =
    [-64.85021904942025, -122.88666844901361, -75.00855792314705, -16.157537187333652, -0.8750608600031904];
const ATAN_Q: [f64; 6] =
    [194.5506571482614, 485.3903996359137, 432.88106049129027, 165.02700983169885, 24.858464901423062, 1.0];

/// From here on arguments are reduced with as many bits of 4/pi as it takes (Payne and Hanek).
const REDUCE_FROM: f64 = (1u64 << 29) as f64;

/// The bits of 4/pi.
const FOUR_OVER_PI: [u64; 20] = [
    0x0000000000000001,
    0x45f306dc9c882a53,
    0xf84eafa3ea69bb81,
    0xb6c52b3278872083,
    0xfca2c757bd778ac3,
    0x6e48dc74849ba5c0,
    0x0c925dd413a32439,
    0xfc3bd63962534e7d,
    0xd1046bea5d768909,
    0xd338e04d68befc82,
    0x7323ac7306a673e9,
    0x3908bf177bf25076,
    0x3ff12fffbc0b301f,
    0xde5e2316b414da3e,
    0xda6cfd9e4f96136e,
    0x9e8c7ecd3cbfd45a,
    0xea4f758fd7cbe2f6,
    0x7a0e73ef14a525d4,
    0xd7f6bf623f1aba10,
    0xac06608df8f6d757,
];

/// The octant of `x >= 0` and what is left of it, in [-pi/4, pi/4].
fn reduce(x: f64) -> (u64, f64) {
    if x >= REDUCE_FROM {
        return reduce_large(x);
    }
    // pi/4 in three parts.
    const A: f64 = 7.85398125648498535156e-1;
    const B: f64 = 3.77489470793079817668e-8;
    const C: f64 = 2.69515142907905952645e-15;
    let mut j = (x * f64::from_bits(0x3ff4_5f30_6dc9_c883)) as u64;
    let mut y = j as f64;
    if j & 1 == 1 {
        j += 1;
        y += 1.0;
    }
    (j & 7, ((x - y * A) - y * B) - y * C)
}

fn reduce_large(x: f64) -> (u64, f64) {
    let bits = x.to_bits();
    let exp = (bits >> 52 & 0x7ff) as i64 - 1023 - 52;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // The three words of 4/pi that matter for this exponent.
    let (digit, shift) = ((exp + 61) as usize / 64, (exp + 61) as u32 % 64);
    let word = |i: usize| {
        let two = (FOUR_OVER_PI[digit + i] as u128) << 64 | FOUR_OVER_PI[digit + i + 1] as u128;
        (two << shift >> 64) as u64
    };
    let z2 = (word(2) as u128 * mantissa as u128) >> 64;
    let z1 = word(1) as u128 * mantissa as u128;
    let z0 = (word(0).wrapping_mul(mantissa) as u128) << 64;
    let all = z0.wrapping_add(z1).wrapping_add(z2);
    // The upper 3 bits are the octant, the rest is the fraction.
    let mut j = (all >> 125) as u64;
    let frac = all << 3;
    let hi = (frac >> 64) as u64;
    let zeros = hi.leading_zeros();
    let e = 1023 - (zeros as u64 + 1);
    let hi = ((frac << (zeros + 1)) >> 64) as u64 >> (64 - 52) | e << 52;
    let mut z = f64::from_bits(hi);
    if j & 1 == 1 {
        j = (j + 1) & 7;
        z -= 1.0;
    }
    (j, z * FRAC_PI_4)
}

fn sin_poly(z: f64) -> f64 {
    let zz = z * z;
    z + z * zz * poly(zz, &SIN)
}

fn cos_poly(z: f64) -> f64 {
    let zz = z * z;
    1.0 - 0.5 * zz + zz * zz * poly(zz, &COS)
}

pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    sin_cos(x).0
}

pub fn cos(x: f64) -> f64 {
    sin_cos(x).1
}

pub fn sin_cos(x: f64) -> (f64, f64) {
    if x == 0.0 {
        return (x, 1.0);
    }
    if !x.is_finite() {
        return (f64::NAN, f64::NAN);
    }
    let (mut sin_negative, mut cos_negative) = (x < 0.0, false);
    let (mut j, z) = reduce(x.abs());
    if j > 3 {
        j -= 4;
        sin_negative = !sin_negative;
        cos_negative = !cos_negative;
    }
    if j > 1 {
        cos_negative = !cos_negative;
    }
    let (mut s, mut c) = (sin_poly(z), cos_poly(z));
    if j == 1 || j == 2 {
        (s, c) = (c, s);
    }
    (if sin_negative { -s } else { s }, if cos_negative { -c } else { c })
}

pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (j, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = if zz > 1e-14 { z + z * (zz * poly(zz, &TAN_P) / poly(zz, &TAN_Q)) } else { z };
    if j & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

/// The arctangent in [0, 0.66].
fn atan_core(x: f64) -> f64 {
    let z = x * x;
    let z = z * poly(z, &ATAN_P) / poly(z, &ATAN_Q);
    x * z + x
}

/// The arctangent of a positive number.
fn atan_positive(x: f64) -> f64 {
    // What pi/2 lacks as a float.
    const MORE_BITS: f64 = 6.123233995736765886130e-17;
    if x <= 0.66 {
        return atan_core(x);
    }
    if x > 2.41421356237309504880 {
        return FRAC_PI_2 - atan_core(1.0 / x) + MORE_BITS;
    }
    FRAC_PI_4 + atan_core((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
}

pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        x
    } else if x > 0.0 {
        atan_positive(x)
    } else {
        -atan_positive(-x)
    }
}

pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    if x > 1.0 {
        return f64::NAN;
    }
    let t = (1.0 - x * x).sqrt();
    let t = if x > 0.7 { FRAC_PI_2 - atan_positive(t / x) } else { atan_positive(x / t) };
    if negative { -t } else { t }
}

pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

pub fn atan2(y: f64, x: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let size = if y == 0.0 {
        if x.is_sign_positive() { 0.0 } else { PI }
    } else if x == 0.0 {
        FRAC_PI_2
    } else if x.is_infinite() {
        match (x > 0.0, y.is_infinite()) {
            (true, true) => FRAC_PI_4,
            (true, false) => 0.0,
            (false, true) => 3.0 * PI / 4.0,
            (false, false) => PI,
        }
    } else if y.is_infinite() {
        FRAC_PI_2
    } else {
        let q = atan(y / x);
        return match x < 0.0 {
            true if q <= 0.0 => q + PI,
            true => q - PI,
            false => q,
        };
    };
    size.copysign(y)
}
