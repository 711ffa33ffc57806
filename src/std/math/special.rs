//! Error functions, gamma functions and their kin, after FreeBSD's, Cephes' and Wichura's algorithms, in Go's order of
//! evaluation.
use super::explog::{exp, log};
use super::float::{fmod, pow};
use super::poly;
use super::trig::{cos, sin};
use std::f64::consts::{LN_2, PI};

const ERX: f64 = 8.45062911510467529297e-01;
const EFX: f64 = 1.28379167095512586316e-01;
const EFX8: f64 = 1.02703333676410069053e+00;
const PP: [f64; 5] =
    [0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -2.3763016656650163e-05];
const QQ: [f64; 6] = [
    1.0,
    0.39791722395915535,
    0.0650222499887673,
    0.005081306281875766,
    0.00013249473800432164,
    -3.960228278775368e-06,
];
const PA: [f64; 7] = [
    -0.0023621185607526594,
    0.41485611868374833,
    -0.3722078760357013,
    0.31834661990116175,
    -0.11089469428239668,
    0.035478304325618236,
    -0.002166375594868791,
];
const QA: [f64; 7] = [
    1.0,
    0.10642088040084423,
    0.540397917702171,
    0.07182865441419627,
    0.12617121980876164,
    0.01363708391202905,
    0.011984499846799107,
];
const RA: [f64; 8] = [
    -0.009864944034847148,
    -0.6938585727071818,
    -10.558626225323291,
    -62.375332450326006,
    -162.39666946257347,
    -184.60509290671104,
    -81.2874355063066,
    -9.814329344169145,
];
const SA: [f64; 9] = [
    1.0,
    19.651271667439257,
    137.65775414351904,
    434.56587747522923,
    645.3872717332679,
    429.00814002756783,
    108.63500554177944,
    6.570249770319282,
    -0.0604244152148581,
];
const RB: [f64; 7] = [
    -0.0098649429247001,
    -0.799283237680523,
    -17.757954917754752,
    -160.63638485582192,
    -637.5664433683896,
    -1025.0951316110772,
    -483.5191916086514,
];
const SB: [f64; 8] = [
    1.0,
    30.33806074348246,
    325.7925129965739,
    1536.729586084437,
    3199.8582195085955,
    2553.0504064331644,
    474.52854120695537,
    -22.44095244658582,
];
const INV_A: [f64; 8] = [
    1.1975323115670913,
    47.07268811238398,
    697.062665343896,
    4854.886889384388,
    16235.862515167575,
    23782.041382114385,
    11819.493347062295,
    887.0940696254552,
];
const INV_B: [f64; 8] = [
    1.0,
    42.31333070160091,
    687.1870074920579,
    5394.196021424751,
    21213.794301586597,
    39307.89580009271,
    28729.085735721943,
    5226.495278852854,
];
const INV_C: [f64; 8] = [
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
];
const INV_D: [f64; 8] = [
    1.4142135623730951,
    2.9036514445419948,
    2.3707661626024534,
    0.9754783200178743,
    0.2094506521051275,
    0.021494160384252878,
    0.0007744145906515771,
    1.4859850019840355e-09,
];
const INV_E: [f64; 8] = [
    6.657904643501103,
    5.463784911164114,
    1.7848265399172913,
    0.29656057182850487,
    0.026532189526576124,
    0.0012426609473880784,
    2.7115555687434876e-05,
    2.0103343992922881e-07,
];
const INV_F: [f64; 8] = [
    1.4142135623730951,
    0.8482908416595164,
    0.19364809469506591,
    0.02103693768272069,
    0.0011128009970788597,
    2.6110884050805935e-05,
    2.010321207683943e-07,
    2.8910246058729655e-15,
];
const GAMMA_P: [f64; 7] = [
    1.0,
    0.4942148268014971,
    0.20744822764843598,
    0.04763678004571372,
    0.010421379756176158,
    0.0011913514700658638,
    0.00016011952247675185,
];
const GAMMA_Q: [f64; 8] = [
    1.0,
    0.0714304917030273,
    -0.23459179571824335,
    0.035823639860549865,
    0.011813978522206043,
    -0.004456419138517973,
    0.0005396055804933034,
    -2.3158187332412014e-05,
];
const GAMMA_S: [f64; 5] = [
    0.08333333333334822,
    0.0034722222160545866,
    -0.0026813261780578124,
    -0.00022954996161337813,
    0.0007873113957930937,
];
const LGAMMA_A: [f64; 12] = [
    0.07721566490153287,
    0.3224670334241136,
    0.06735230105312927,
    0.020580808432516733,
    0.007385550860814029,
    0.0028905138367341563,
    0.0011927076318336207,
    0.0005100697921535113,
    0.00022086279071390839,
    0.00010801156724758394,
    2.5214456545125733e-05,
    4.4864094961891516e-05,
];
const LGAMMA_R: [f64; 7] = [
    1.0,
    1.3920053346762105,
    0.7219355475671381,
    0.17193386563280308,
    0.01864591917156529,
    0.0007779424963818936,
    7.326684307446256e-06,
];
const LGAMMA_S: [f64; 7] = [
    -0.07721566490153287,
    0.21498241596060885,
    0.325778796408931,
    0.14635047265246445,
    0.02664227030336386,
    0.0018402845140733772,
    3.194753265841009e-05,
];
const LGAMMA_T: [f64; 15] = [
    0.48383612272381005,
    -0.1475877229945939,
    0.06462494023913339,
    -0.032788541075985965,
    0.01797067508118204,
    -0.010314224129834144,
    0.006100538702462913,
    -0.0036845201678113826,
    0.0022596478090061247,
    -0.0014034646998923284,
    0.000881081882437654,
    -0.0005385953053567405,
    0.00031563207090362595,
    -0.00031275416837512086,
    0.0003355291926355191,
];
const LGAMMA_U: [f64; 6] = [
    -0.07721566490153287,
    0.6328270640250934,
    1.4549225013723477,
    0.9777175279633727,
    0.22896372806469245,
    0.013381091853678766,
];
const LGAMMA_V: [f64; 6] =
    [1.0, 2.4559779371304113, 2.128489763798934, 0.7692851504566728, 0.10422264559336913, 0.003217092422824239];
const LGAMMA_W: [f64; 7] = [
    0.4189385332046727,
    0.08333333333333297,
    -0.0027777777772877554,
    0.0007936505586430196,
    -0.00059518755745034,
    0.0008363399189962821,
    -0.0016309293409657527,
];

/// `(1 - erf)` beyond 1.25 times x, as a product of exponentials.
fn erf_tail(x: f64) -> f64 {
    let s = 1.0 / (x * x);
    let (r, q) = if x < 1.0 / 0.35 { (poly(s, &RA), poly(s, &SA)) } else { (poly(s, &RB), poly(s, &SB)) };
    // The upper half of x, whose square is exact.
    let z = f64::from_bits(x.to_bits() & 0xffff_ffff_0000_0000);
    exp(-z * z - 0.5625) * exp((z - x) * (z + x) + r / q)
}

pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    let t = if x < 0.84375 {
        if x < 1.0 / (1u64 << 28) as f64 {
            if x < 2.848094538889218e-306 { 0.125 * (8.0 * x + EFX8 * x) } else { x + EFX * x }
        } else {
            let z = x * x;
            x + x * (poly(z, &PP) / poly(z, &QQ))
        }
    } else if x < 1.25 {
        let s = x - 1.0;
        ERX + poly(s, &PA) / poly(s, &QA)
    } else if x >= 6.0 {
        1.0
    } else {
        1.0 - erf_tail(x) / x
    };
    if negative { -t } else { t }
}

pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    if x < 0.84375 {
        let t = if x < 1.0 / (1u64 << 56) as f64 {
            x
        } else {
            let z = x * x;
            let y = poly(z, &PP) / poly(z, &QQ);
            if x < 0.25 { x + x * y } else { 0.5 + (x * y + (x - 0.5)) }
        };
        return if negative { 1.0 + t } else { 1.0 - t };
    }
    if x < 1.25 {
        let s = x - 1.0;
        let q = poly(s, &PA) / poly(s, &QA);
        return if negative { (1.0 + ERX) + q } else { (1.0 - ERX) - q };
    }
    if x < 28.0 && !(negative && x > 6.0) {
        let r = erf_tail(x) / x;
        return if negative { 2.0 - r } else { r };
    }
    if negative { 2.0 } else { 0.0 }
}

pub fn erfinv(x: f64) -> f64 {
    if x.is_nan() || x <= -1.0 || x >= 1.0 {
        return if x.abs() == 1.0 { f64::INFINITY.copysign(x) } else { f64::NAN };
    }
    let (negative, x) = (x < 0.0, if x < 0.0 { -x } else { x });
    let t = if x <= 0.85 {
        let r = 0.180625 - 0.25 * x * x;
        (x * poly(r, &INV_A)) / poly(r, &INV_B)
    } else {
        let r = (LN_2 - log(1.0 - x)).sqrt();
        if r <= 5.0 {
            let r = r - 1.6;
            poly(r, &INV_C) / poly(r, &INV_D)
        } else {
            let r = r - 5.0;
            poly(r, &INV_E) / poly(r, &INV_F)
        }
    };
    if negative { -t } else { t }
}

/// Gamma of a large number by Stirling's formula, as two factors whose product may overflow.
fn stirling(x: f64) -> (f64, f64) {
    if x > 200.0 {
        return (f64::INFINITY, 1.0);
    }
    let w = 1.0 / x;
    let w = 1.0 + w * poly(w, &GAMMA_S);
    let y = exp(x);
    let (y1, y2) = if x > 143.01608 {
        let v = pow(x, 0.5 * x - 0.25);
        (v, v / y)
    } else {
        (pow(x, x - 0.5) / y, 1.0)
    };
    (y1, 2.506628274631000502417 * w * y2)
}

pub fn gamma(mut x: f64) -> f64 {
    if x.is_nan() || x == f64::NEG_INFINITY || (x < 0.0 && x.trunc() == x) {
        return f64::NAN;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x == 0.0 {
        return f64::INFINITY.copysign(x);
    }
    let q = x.abs();
    let mut p = q.floor();
    if q > 33.0 {
        if x >= 0.0 {
            let (a, b) = stirling(x);
            return a * b;
        }
        let sign = if p as i64 & 1 == 0 { -1.0 } else { 1.0 };
        let mut z = q - p;
        if z > 0.5 {
            p += 1.0;
            z = q - p;
        }
        z = q * sin(PI * z);
        if z == 0.0 {
            return f64::INFINITY * sign;
        }
        let (a, b) = stirling(q);
        let z = z.abs();
        let d = z * a * b;
        return sign * if d.is_infinite() { PI / z / a / b } else { PI / d };
    }
    let mut z = 1.0;
    let small = |x: f64, z: f64| match x == 0.0 {
        true => f64::INFINITY,
        false => z / ((1.0 + 0.57721566490153286060651209008240243104215933593992 * x) * x),
    };
    while x >= 3.0 {
        x -= 1.0;
        z *= x;
    }
    while x < 0.0 {
        if x > -1e-09 {
            return small(x, z);
        }
        z /= x;
        x += 1.0;
    }
    while x < 2.0 {
        if x < 1e-09 {
            return small(x, z);
        }
        z /= x;
        x += 1.0;
    }
    if x == 2.0 {
        return z;
    }
    x -= 2.0;
    z * poly(x, &GAMMA_P) / poly(x, &GAMMA_Q)
}

/// The logarithm of |gamma(x)| and the sign of gamma(x).
pub fn lgamma(x: f64) -> (f64, i64) {
    const Y_MIN: f64 = 1.461632144968362245;
    const TC: f64 = 1.46163214496836224576e+00;
    const TF: f64 = -1.21486290535849611461e-01;
    const TT: f64 = -3.63867699703950536541e-18;
    let mut sign = 1;
    if x.is_nan() || x.is_infinite() {
        return (x, 1);
    }
    if x == 0.0 {
        return (f64::INFINITY, 1);
    }
    let (negative, x) = (x < 0.0, x.abs());
    if x < 1.0 / (1u128 << 70) as f64 {
        return (-log(x), if negative { -1 } else { 1 });
    }
    let mut reflected = 0.0;
    if negative {
        if x >= (1u64 << 52) as f64 {
            return (f64::INFINITY, 1);
        }
        let t = sin_pi(x);
        if t == 0.0 {
            return (f64::INFINITY, 1);
        }
        reflected = log(PI / (t * x).abs());
        if t < 0.0 {
            sign = -1;
        }
    }
    let value = if x == 1.0 || x == 2.0 {
        // Go returns before it reflects.
        return (0.0, sign);
    } else if x < 2.0 {
        let (base, y, part);
        if x <= 0.9 {
            base = -log(x);
            (y, part) = match () {
                _ if x >= f64::from_bits(0x3fe76987d0eaed22) => (1.0 - x, 0),
                _ if x >= f64::from_bits(0x3fc88766f1c02f69) => (x - f64::from_bits(0x3fdd8b618d5af8fc), 1),
                _ => (x, 2),
            };
        } else {
            base = 0.0;
            (y, part) = match () {
                _ if x >= Y_MIN + 0.27 => (2.0 - x, 0),
                _ if x >= f64::from_bits(0x3ff310ecde3805ed) => (x - TC, 1),
                _ => (x - 1.0, 2),
            };
        }
        base + match part {
            0 => {
                let z = y * y;
                let a = &LGAMMA_A;
                let p1 = poly(z, &[a[0], a[2], a[4], a[6], a[8], a[10]]);
                let p2 = z * poly(z, &[a[1], a[3], a[5], a[7], a[9], a[11]]);
                (y * p1 + p2) - 0.5 * y
            }
            1 => {
                let z = y * y;
                let w = z * y;
                let t = &LGAMMA_T;
                let p1 = poly(w, &[t[0], t[3], t[6], t[9], t[12]]);
                let p2 = poly(w, &[t[1], t[4], t[7], t[10], t[13]]);
                let p3 = poly(w, &[t[2], t[5], t[8], t[11], t[14]]);
                TF + (z * p1 - (TT - w * (p2 + y * p3)))
            }
            _ => -0.5 * y + y * poly(y, &LGAMMA_U) / poly(y, &LGAMMA_V),
        }
    } else if x < 8.0 {
        let i = x as i64;
        let y = x - i as f64;
        let v = 0.5 * y + y * poly(y, &LGAMMA_S) / poly(y, &LGAMMA_R);
        let mut z = 1.0;
        for k in (2..i).rev() {
            z *= y + k as f64;
        }
        if i >= 3 { v + log(z) } else { v }
    } else if x < (1u64 << 58) as f64 {
        let t = log(x);
        let z = 1.0 / x;
        let w = LGAMMA_W[0] + z * poly(z * z, &LGAMMA_W[1..]);
        (x - 0.5) * (t - 1.0) + w
    } else {
        x * (log(x) - 1.0)
    };
    (if negative { reflected - value } else { value }, sign)
}

/// `sin(pi x)` for x > 0, negated.
fn sin_pi(mut x: f64) -> f64 {
    if x < 0.25 {
        return -sin(PI * x);
    }
    let z = x.floor();
    let n;
    if z != x {
        x = fmod(x, 2.0);
        n = (x * 4.0) as i64;
    } else {
        let odd = x < (1u64 << 53) as f64 && x as i64 & 1 == 1;
        x = if odd { 1.0 } else { 0.0 };
        n = if odd { 4 } else { 0 };
    }
    -match n {
        0 => sin(PI * x),
        1 | 2 => cos(PI * (0.5 - x)),
        3 | 4 => sin(PI * (1.0 - x)),
        5 | 6 => -cos(PI * (x - 1.5)),
        _ => sin(PI * (x - 2.0)),
    }
}
