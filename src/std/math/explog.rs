//! Exponentials, logarithms and hyperbolic functions. Go's amd64 code computes `Exp` and `Log` in its own way; these
//! do the same steps. The others are after FreeBSD's and Cephes' algorithms, in Go's order of evaluation.
use super::float::{frexp, ldexp};
use super::poly;
use std::f64::consts::{LN_2, LOG2_E};

const LN2_HI: f64 = 6.93147180369123816490e-01;
const LN2_LO: f64 = 1.90821492927058770002e-10;
/// The seven coefficients of log's and log1p's polynomials.
const LG: [f64; 7] = [
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
];

/// Go's assembly for machines with fused multiply-add: x = k ln 2 + 16 r, a Taylor polynomial of exp(r) - 1, then four
/// squarings.
pub fn exp(x: f64) -> f64 {
    const LN2_UPPER: f64 = 0.69314718055966295651160180568695068359375;
    const LN2_LOWER: f64 = 0.28235290563031577122588448175013436025525412068e-12;
    const TAYLOR: [f64; 8] = [
        1.0,
        0.5,
        1.6666666666666666667e-1,
        4.1666666666666666667e-2,
        8.3333333333333333333e-3,
        1.3888888888888888889e-3,
        1.9841269841269841270e-4,
        2.4801587301587301587e-5,
    ];
    if x.is_nan() {
        return x;
    }
    if x > 7.09782712893384e+02 {
        return f64::INFINITY;
    }
    if x < -1000.0 {
        return 0.0;
    }
    let k = (LOG2_E * x).round_ties_even();
    let r = (-k).mul_add(LN2_UPPER, x);
    let r = (-k).mul_add(LN2_LOWER, r) * 0.0625;
    let mut p = TAYLOR[7];
    for c in TAYLOR[..7].iter().rev() {
        p = p.mul_add(r, *c);
    }
    let mut y = r * p;
    for _ in 0..3 {
        y *= y + 2.0;
    }
    let y = y.mul_add(y + 2.0, 1.0);
    let e = k as i64 + 0x3ff;
    let power = |e: i64| f64::from_bits((e as u64) << 52);
    if e >= 0x7ff {
        f64::INFINITY
    } else if e > 0 {
        y * power(e)
    } else if e < -52 {
        0.0
    } else {
        y * power(e + 0x3fe) * power(1)
    }
}

fn exp_multi(hi: f64, lo: f64, k: i64) -> f64 {
    const P: [f64; 5] = [
        1.66666666666666657415e-01,
        -2.77777777770155933842e-03,
        6.61375632143793436117e-05,
        -1.65339022054652515390e-06,
        4.13813679705723846039e-08,
    ];
    let r = hi - lo;
    let t = r * r;
    let c = r - t * poly(t, &P);
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    ldexp(y, k)
}

pub fn exp2(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 1.0239999999999999e+03 {
        return f64::INFINITY;
    }
    if x < -1.0740e+03 {
        return 0.0;
    }
    let k = if x > 0.0 {
        (x + 0.5) as i64
    } else if x < 0.0 {
        (x - 0.5) as i64
    } else {
        0
    };
    let t = x - k as f64;
    exp_multi(t * LN2_HI, -t * LN2_LO, k)
}

/// Go's assembly, which takes numbers below the normal range for what their bits look like.
pub fn log(x: f64) -> f64 {
    let bits = x.to_bits();
    if bits << 1 == 0 {
        return f64::NEG_INFINITY;
    }
    if x < 0.0 || (x.is_nan() && x.is_sign_negative()) {
        return f64::NAN;
    }
    if !x.is_finite() {
        return x;
    }
    let mut f = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3fe0_0000_0000_0000);
    let mut k = ((bits >> 52 & 0x7ff) as i64 - 0x3fe) as f64;
    if f <= std::f64::consts::FRAC_1_SQRT_2 {
        k -= 1.0;
        f *= 2.0;
    }
    f -= 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * poly(s4, &[LG[0], LG[2], LG[4], LG[6]]);
    let t2 = s4 * poly(s4, &[LG[1], LG[3], LG[5]]);
    let r = t1 + t2;
    let half = 0.5 * f * f;
    k * LN2_HI - ((half - (s * (half + r) + k * LN2_LO)) - f)
}

pub fn log10(x: f64) -> f64 {
    log(x) * std::f64::consts::LOG10_E
}

pub fn log2(x: f64) -> f64 {
    let (frac, exp) = frexp(x);
    // Powers of two are exact.
    if frac == 0.5 {
        return (exp - 1) as f64;
    }
    log(frac) * LOG2_E + exp as f64
}

pub fn log1p(x: f64) -> f64 {
    const SQRT2_M1: f64 = 4.142135623730950488017e-01;
    const SQRT2_HALF_M1: f64 = -2.928932188134524755992e-01;
    if x < -1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    let ax = x.abs();
    let (mut k, mut f, mut iu) = (1i64, 0.0, 0u64);
    if ax < SQRT2_M1 {
        if ax < 1.0 / (1u64 << 29) as f64 {
            if ax < 1.0 / (1u64 << 54) as f64 {
                return x;
            }
            return x - x * x * 0.5;
        }
        if x > SQRT2_HALF_M1 {
            (k, f, iu) = (0, x, 1);
        }
    }
    let mut c = 0.0;
    if k != 0 {
        let mut u;
        if ax < (1u64 << 53) as f64 {
            u = 1.0 + x;
            iu = u.to_bits();
            k = (iu >> 52) as i64 - 1023;
            c = if k > 0 { 1.0 - (u - x) } else { x - (u - 1.0) };
            c /= u;
        } else {
            u = x;
            iu = u.to_bits();
            k = (iu >> 52) as i64 - 1023;
        }
        iu &= 0x000f_ffff_ffff_ffff;
        if iu < 0x0006_a09e_667f_3bcd {
            u = f64::from_bits(iu | 0x3ff0_0000_0000_0000);
        } else {
            k += 1;
            u = f64::from_bits(iu | 0x3fe0_0000_0000_0000);
            iu = (0x0010_0000_0000_0000 - iu) >> 2;
        }
        f = u - 1.0;
    }
    let half = 0.5 * f * f;
    let kf = k as f64;
    if iu == 0 {
        if f == 0.0 {
            if k == 0 {
                return 0.0;
            }
            c += kf * LN2_LO;
            return kf * LN2_HI + c;
        }
        let r = half * (1.0 - 0.66666666666666666 * f);
        if k == 0 {
            return f - r;
        }
        return kf * LN2_HI - ((r - (kf * LN2_LO + c)) - f);
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly(z, &LG);
    if k == 0 {
        return f - (half - s * (half + r));
    }
    kf * LN2_HI - ((half - (s * (half + r) + (kf * LN2_LO + c))) - f)
}

pub fn expm1(x: f64) -> f64 {
    const Q: [f64; 6] = [
        1.0,
        -3.33333333333331316428e-02,
        1.58730158725481460165e-03,
        -7.93650757867487942473e-05,
        4.00821782732936239552e-06,
        -2.01099218183624371326e-07,
    ];
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x == f64::NEG_INFINITY {
        return -1.0;
    }
    let negative = x < 0.0;
    let ax = x.abs();
    if ax >= 3.88162421113569373274e+01 {
        if negative {
            return -1.0;
        }
        if ax >= 7.09782712893383973096e+02 {
            return f64::INFINITY;
        }
    }
    let (mut x, mut c, mut k) = (x, 0.0, 0i64);
    if ax > 3.46573590279972654709e-01 {
        let (hi, lo);
        if ax < 1.03972077083991796413e+00 {
            if negative {
                (hi, lo, k) = (x + LN2_HI, -LN2_LO, -1);
            } else {
                (hi, lo, k) = (x - LN2_HI, LN2_LO, 1);
            }
        } else {
            k = (LOG2_E * x + if negative { -0.5 } else { 0.5 }) as i64;
            let t = k as f64;
            (hi, lo) = (x - t * LN2_HI, t * LN2_LO);
        }
        x = hi - lo;
        c = (hi - x) - lo;
    } else if ax < 1.0 / (1u64 << 54) as f64 {
        return x;
    }
    let hfx = 0.5 * x;
    let hxs = x * hfx;
    let r1 = poly(hxs, &Q);
    let t = 3.0 - r1 * hfx;
    let mut e = hxs * ((r1 - t) / (6.0 - x * t));
    if k == 0 {
        return x - (x * e - hxs);
    }
    e = x * (e - c) - c;
    e -= hxs;
    let scale = |y: f64| f64::from_bits(y.to_bits().wrapping_add((k as u64) << 52));
    match k {
        -1 => 0.5 * (x - e) - 0.5,
        1 if x < -0.25 => -2.0 * (e - (x + 0.5)),
        1 => 1.0 + 2.0 * (x - e),
        _ if k <= -2 || k > 56 => scale(1.0 - (e - x)) - 1.0,
        _ if k < 20 => {
            let t = f64::from_bits(0x3ff0_0000_0000_0000 - (0x0020_0000_0000_0000 >> k));
            scale(t - (e - x))
        }
        _ => {
            let t = f64::from_bits(((0x3ff - k) as u64) << 52);
            scale((x - (e + t)) + 1.0)
        }
    }
}

pub fn sinh(x: f64) -> f64 {
    const P: [f64; 4] = [
        -0.6307673640497716991184787251e+6,
        -0.8991272022039509355398013511e+5,
        -0.2894211355989563807284660366e+4,
        -0.2630563213397497062819489e+2,
    ];
    const Q: [f64; 4] =
        [-0.6307673640497716991212077277e+6, 0.1521517378790019070696485176e+5, -0.173678953558233699533450911e+3, 1.0];
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    let t = if x > 21.0 {
        exp(x) * 0.5
    } else if x > 0.5 {
        let ex = exp(x);
        (ex - 1.0 / ex) * 0.5
    } else {
        let sq = x * x;
        poly(sq, &P) * x / poly(sq, &Q)
    };
    if negative { -t } else { t }
}

pub fn cosh(x: f64) -> f64 {
    let x = x.abs();
    if x > 21.0 {
        return exp(x) * 0.5;
    }
    let ex = exp(x);
    (ex + 1.0 / ex) * 0.5
}

pub fn tanh(x: f64) -> f64 {
    const P: [f64; 3] = [-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1];
    const Q: [f64; 4] = [4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0];
    let z = x.abs();
    if z > 0.5 * 8.8029691931113054295988e+01 {
        return if x < 0.0 { -1.0 } else { 1.0 };
    }
    if z >= 0.625 {
        let t = 1.0 - 2.0 / (exp(2.0 * z) + 1.0);
        return if x < 0.0 { -t } else { t };
    }
    if x == 0.0 {
        return x;
    }
    let s = x * x;
    x + x * s * poly(s, &P) / poly(s, &Q)
}

pub fn asinh(x: f64) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return x;
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    let t = if x > (1u64 << 28) as f64 {
        log(x) + LN_2
    } else if x > 2.0 {
        log(2.0 * x + 1.0 / ((x * x + 1.0).sqrt() + x))
    } else if x < 1.0 / (1u64 << 28) as f64 {
        x
    } else {
        log1p(x + x * x / (1.0 + (1.0 + x * x).sqrt()))
    };
    if negative { -t } else { t }
}

pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        f64::NAN
    } else if x == 1.0 {
        0.0
    } else if x >= (1u64 << 28) as f64 {
        log(x) + LN_2
    } else if x > 2.0 {
        log(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()))
    } else {
        let t = x - 1.0;
        log1p(t + (2.0 * t + t * t).sqrt())
    }
}

pub fn atanh(x: f64) -> f64 {
    if x < -1.0 || x > 1.0 || x.is_nan() {
        return f64::NAN;
    }
    if x.abs() == 1.0 {
        return x / 0.0;
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    let t = if x < 1.0 / (1u64 << 28) as f64 {
        x
    } else if x < 0.5 {
        let t = x + x;
        0.5 * log1p(t + t * x / (1.0 - x))
    } else {
        0.5 * log1p((x + x) / (1.0 - x))
    };
    if negative { -t } else { t }
}
