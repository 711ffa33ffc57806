//! Exact constants: integers of any size, rationals, floats of high precision, complex numbers, strings, booleans.
//!
//! A float constant is an exact rational as long as numerator and denominator are small; larger results are rounded
//! to `MANTISSA_BITS` and kept as mantissa times a power of two, so that no operation costs more than its limits.
//! A value's variant follows its type: integer types have `Int`, float types `Float`, complex types `Complex`.
use super::ty::Basic;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::sync::Arc;

/// An exact fraction.
pub type BigRational = num_rational::Ratio<BigInt>;

/// A constant's value. Integers that fit are `Int`; a float constant is an exact rational as long as numerator and
/// denominator stay small enough (see the limits), as Go does.
#[derive(Clone, PartialEq, Debug)]
pub enum Const {
    Bool(bool),
    /// Go strings may hold any bytes.
    Str(Arc<[u8]>),
    Int(BigInt),
    Float(BigRational),
    Complex(BigRational, BigRational),
}

/// Numerators and denominators up to this many bits stay exact, as in Go's `go/constant`.
const EXACT_BITS: u64 = 4096;
/// Precision of larger ones.
const MANTISSA_BITS: u64 = 512;
/// Binary exponents beyond this are refused (large) or become zero (small): keeps every operation quick.
const MAX_EXPONENT: u64 = 40_000;
/// Integer constants may not have more bits.
pub const MAX_INT_BITS: u64 = 512;
/// Largest shift count of a constant shift: lets the smallest float64 be written.
pub const MAX_SHIFT: u64 = 1023 - 1 + 52;
/// Longest numeric literal, in characters.
pub const MAX_LITERAL: usize = 10_000;
/// Longest string constant, so that repeated concatenation stays bounded (as Go's compiler has a bound).
pub const MAX_STRING: usize = 100_000_000;

/// Why a constant has no value of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    Truncated,
    Overflows,
    Other,
}

/// Binary operations on constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Add,
    Sub,
    Mul,
    /// Truncated for integers.
    Div,
    Rem,
    And,
    Or,
    Xor,
    AndNot,
}

impl Const {
    pub fn int(v: i64) -> Const {
        Const::Int(BigInt::from(v))
    }

    pub fn str(s: &str) -> Const {
        Const::Str(Arc::from(s.as_bytes()))
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Const::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The value as an integer if it is one, whatever its variant.
    pub fn as_int(&self) -> Option<BigInt> {
        match self {
            Const::Int(i) => Some(i.clone()),
            Const::Float(r) if r.is_integer() => Some(r.to_integer()),
            Const::Complex(r, i) if i.is_zero() && r.is_integer() => Some(r.to_integer()),
            _ => None,
        }
    }

    pub fn as_rational(&self) -> Option<BigRational> {
        match self {
            Const::Int(i) => Some(BigRational::from_integer(i.clone())),
            Const::Float(r) => Some(r.clone()),
            Const::Complex(r, i) if i.is_zero() => Some(r.clone()),
            _ => None,
        }
    }

    pub fn as_complex(&self) -> Option<(BigRational, BigRational)> {
        match self {
            Const::Complex(r, i) => Some((r.clone(), i.clone())),
            _ => self.as_rational().map(|r| (r, BigRational::zero())),
        }
    }

    pub fn to_i64(&self) -> Option<i64> {
        self.as_int()?.to_i64()
    }

    pub fn to_u64(&self) -> Option<u64> {
        self.as_int()?.to_u64()
    }

    /// Correctly rounded; infinite if too large.
    pub fn to_f64(&self) -> Option<f64> {
        self.as_rational().map(|r| round(&r, 53, -1074, 1024))
    }

    /// Correctly rounded; infinite if too large.
    pub fn to_f32(&self) -> Option<f32> {
        self.as_rational().map(|r| round(&r, 24, -149, 128) as f32)
    }

    /// Real and imaginary part, correctly rounded.
    pub fn to_complex128(&self) -> Option<(f64, f64)> {
        self.as_complex().map(|(r, i)| (round(&r, 53, -1074, 1024), round(&i, 53, -1074, 1024)))
    }

    pub fn as_bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Const::Str(s) => Some(s),
            _ => None,
        }
    }

    pub fn is_numeric(&self) -> bool {
        matches!(self, Const::Int(_) | Const::Float(_) | Const::Complex(..))
    }

    pub fn is_zero(&self) -> bool {
        match self {
            Const::Int(i) => i.is_zero(),
            Const::Float(r) => r.is_zero(),
            Const::Complex(r, i) => r.is_zero() && i.is_zero(),
            _ => false,
        }
    }

    pub fn is_negative(&self) -> bool {
        match self {
            Const::Int(i) => i.is_negative(),
            Const::Float(r) => r.is_negative(),
            _ => false,
        }
    }

    /// The same value in the variant that values of type `b` have; `None` if it has none there.
    pub fn in_kind(&self, b: Basic) -> Option<Const> {
        Some(match kind_of(b) {
            Kind::Bool => match self {
                Const::Bool(_) => self.clone(),
                _ => return None,
            },
            Kind::Str => match self {
                Const::Str(_) => self.clone(),
                _ => return None,
            },
            Kind::Int => Const::Int(self.as_int()?),
            Kind::Float => Const::Float(self.as_rational()?),
            Kind::Complex => {
                let (r, i) = self.as_complex()?;
                Const::Complex(r, i)
            }
            Kind::Other => return None,
        })
    }

    /// The value rounded to basic type `b`, as Go's rule of representability has it.
    pub fn represent(&self, b: Basic) -> Result<Const, Unfit> {
        let fail = || match (self, kind_of(b)) {
            (Const::Float(_) | Const::Complex(..), Kind::Int) => Err(Unfit::Truncated),
            (c, Kind::Int | Kind::Float | Kind::Complex) if c.is_numeric() => Err(Unfit::Overflows),
            _ => Err(Unfit::Other),
        };
        let Some(v) = self.in_kind(b) else { return fail() };
        match &v {
            Const::Int(i) => {
                let fits = match int_range(b) {
                    Some((bits, true)) => fits_signed(i, bits),
                    Some((bits, false)) => !i.is_negative() && i.bits() <= bits as u64,
                    None => true,
                };
                if fits { Ok(v) } else { Err(Unfit::Overflows) }
            }
            Const::Float(r) => match b {
                Basic::Float32 => round_to(r, true).map(Const::Float).ok_or(Unfit::Overflows),
                Basic::Float64 => round_to(r, false).map(Const::Float).ok_or(Unfit::Overflows),
                _ => Ok(v),
            },
            Const::Complex(re, im) => {
                let single = match b {
                    Basic::Complex64 => true,
                    Basic::Complex128 => false,
                    _ => return Ok(v),
                };
                match (round_to(re, single), round_to(im, single)) {
                    (Some(re), Some(im)) => Ok(Const::Complex(re, im)),
                    _ => Err(Unfit::Overflows),
                }
            }
            _ => Ok(v),
        }
    }

    /// `-x`
    pub fn neg(&self) -> Option<Const> {
        Some(match self {
            Const::Int(i) => Const::Int(-i),
            Const::Float(r) => Const::Float(-r),
            Const::Complex(r, i) => Const::Complex(-r, -i),
            _ => return None,
        })
    }

    /// `^x`; `bits` is the width of an unsigned type.
    pub fn complement(&self, bits: Option<u32>) -> Option<Const> {
        let i = self.as_int()?;
        let flipped: BigInt = -i - 1;
        Some(Const::Int(match bits {
            Some(n) => flipped.mod_floor(&(BigInt::one() << n)),
            None => flipped,
        }))
    }

    /// `None`: the operands do not fit the operation, or the result is too large to be held.
    pub fn binary(&self, op: Op, other: &Const) -> Option<Const> {
        Some(match (self, other) {
            (Const::Str(a), Const::Str(b)) if op == Op::Add => {
                if a.len() + b.len() > MAX_STRING {
                    return None;
                }
                Const::Str([&a[..], &b[..]].concat().into())
            }
            (Const::Int(a), Const::Int(b)) => Const::Int(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div if !b.is_zero() => a / b,
                Op::Rem if !b.is_zero() => a % b,
                Op::And => a & b,
                Op::Or => a | b,
                Op::Xor => a ^ b,
                Op::AndNot => a & (-b - BigInt::one()),
                _ => return None,
            }),
            (Const::Complex(..), _) | (_, Const::Complex(..)) => {
                let (a, b) = self.as_complex()?;
                let (c, d) = other.as_complex()?;
                let (re, im) = match op {
                    Op::Add => (a + c, b + d),
                    Op::Sub => (a - c, b - d),
                    Op::Mul => (&a * &c - &b * &d, b * c + a * d),
                    Op::Div => {
                        let s = &c * &c + &d * &d;
                        if s.is_zero() {
                            return None;
                        }
                        ((&a * &c + &b * &d) / &s, (b * c - a * d) / s)
                    }
                    _ => return None,
                };
                Const::Complex(bound(re)?, bound(im)?)
            }
            _ => {
                let (a, b) = (self.as_rational()?, other.as_rational()?);
                Const::Float(bound(match op {
                    Op::Add => a + b,
                    Op::Sub => a - b,
                    Op::Mul => a * b,
                    Op::Div if !b.is_zero() => a / b,
                    _ => return None,
                })?)
            }
        })
    }

    /// `count` must be at most `MAX_SHIFT` for a left shift.
    pub fn shift(&self, left: bool, count: u64) -> Option<Const> {
        let i = self.as_int()?;
        Some(Const::Int(if left { i << count } else { i >> count }))
    }

    /// `None`: not ordered (complex numbers, booleans) though they may be equal.
    pub fn compare(&self, other: &Const) -> (bool, Option<Ordering>) {
        match (self, other) {
            (Const::Bool(a), Const::Bool(b)) => (a == b, None),
            (Const::Str(a), Const::Str(b)) => (a == b, Some(a.cmp(b))),
            (Const::Int(a), Const::Int(b)) => (a == b, Some(a.cmp(b))),
            (Const::Complex(..), _) | (_, Const::Complex(..)) => (self.as_complex() == other.as_complex(), None),
            _ => match (self.as_rational(), other.as_rational()) {
                (Some(a), Some(b)) => (a == b, Some(a.cmp(&b))),
                _ => (false, None),
            },
        }
    }

    /// As Go's messages show it.
    pub fn show(&self) -> String {
        match self {
            Const::Bool(b) => b.to_string(),
            Const::Str(s) => {
                let text = String::from_utf8_lossy(s);
                let quoted = quote(&text);
                if quoted.chars().count() > 72 { quoted.chars().take(69).collect::<String>() + "..." } else { quoted }
            }
            Const::Int(i) => i.to_string(),
            Const::Float(r) => show_float(r),
            Const::Complex(r, i) => format!("({} + {}i)", show_float(r), show_float(i)),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Kind {
    Bool,
    Str,
    Int,
    Float,
    Complex,
    Other,
}

fn kind_of(b: Basic) -> Kind {
    use Basic::*;
    match b {
        Bool | UntypedBool => Kind::Bool,
        String | UntypedString => Kind::Str,
        Float32 | Float64 | UntypedFloat => Kind::Float,
        Complex64 | Complex128 | UntypedComplex => Kind::Complex,
        UnsafePointer | UntypedNil => Kind::Other,
        _ => Kind::Int,
    }
}

/// Width and signedness of a sized integer type.
pub fn int_range(b: Basic) -> Option<(u32, bool)> {
    use Basic::*;
    Some(match b {
        Int | Int64 => (64, true),
        Int8 => (8, true),
        Int16 => (16, true),
        Int32 => (32, true),
        Uint | Uint64 | Uintptr => (64, false),
        Uint8 => (8, false),
        Uint16 => (16, false),
        Uint32 => (32, false),
        _ => return None,
    })
}

fn fits_signed(i: &BigInt, bits: u32) -> bool {
    // -2^(bits-1) has `bits` bits in its magnitude but fits
    let n = i.bits();
    n < bits as u64 || (n == bits as u64 && i.is_negative() && i.magnitude().trailing_zeros() == Some(bits as u64 - 1))
}

/// Rounds a value that has grown too large; `None` if its exponent is out of range.
fn bound(r: BigRational) -> Option<BigRational> {
    let (n, d) = (r.numer().bits(), r.denom().bits());
    if n <= EXACT_BITS && d <= EXACT_BITS {
        return Some(r);
    }
    let magnitude = n as i64 - d as i64;
    if magnitude > MAX_EXPONENT as i64 {
        return None;
    }
    if magnitude < -(MAX_EXPONENT as i64) {
        return Some(BigRational::zero());
    }
    // quotient of MANTISSA_BITS + 2 bits, rounded half up (one bit in 2^514 hardly matters)
    let shift = MANTISSA_BITS as i64 + 1 - magnitude;
    let num = r.numer().magnitude();
    let q: BigUint = if shift >= 0 {
        (num << shift as u64) / r.denom().magnitude()
    } else {
        num / (r.denom().magnitude() << (-shift) as u64)
    };
    let drop = q.bits().saturating_sub(MANTISSA_BITS);
    let half = if drop > 0 { BigUint::one() << (drop - 1) } else { BigUint::zero() };
    let m = (q + half) >> drop;
    let exp = drop as i64 - shift;
    let sign = if r.is_negative() { Sign::Minus } else { Sign::Plus };
    Some(power(BigInt::from_biguint(sign, m), exp))
}

/// `m * 2^exp`
fn power(m: BigInt, exp: i64) -> BigRational {
    if exp >= 0 {
        return BigRational::from_integer(m << exp as u64);
    }
    let zeros = m.magnitude().trailing_zeros().unwrap_or(0).min((-exp) as u64);
    BigRational::new_raw(m >> zeros, BigInt::one() << ((-exp) as u64 - zeros))
}

/// Rounds to `precision` bits, half to even, with the smallest exponent `min` (of the last bit of a subnormal) and
/// infinity from `2^max`.
fn round(r: &BigRational, precision: i64, min: i64, max: i64) -> f64 {
    if r.is_zero() {
        return 0.0;
    }
    let (num, den) = (r.numer().magnitude(), r.denom().magnitude());
    let magnitude = num.bits() as i64 - den.bits() as i64;
    if magnitude > max + 1 {
        return if r.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if magnitude < min - 2 {
        return if r.is_negative() { -0.0 } else { 0.0 };
    }
    let shift = precision + 2 - magnitude;
    let (q, rest) =
        if shift >= 0 { (num << shift as u64).div_rem(den) } else { num.div_rem(&(den << (-shift) as u64)) };
    let mut drop = q.bits() as i64 - precision;
    if drop - shift < min {
        drop = min + shift;
    }
    let exp = drop - shift;
    let mut m = (&q >> drop as u64).to_u64().unwrap_or(0);
    let low = &q & ((BigUint::one() << drop as u64) - BigUint::one());
    let half = BigUint::one() << (drop - 1) as u64;
    match low.cmp(&half) {
        Ordering::Greater => m += 1,
        Ordering::Equal if !rest.is_zero() || m & 1 == 1 => m += 1,
        _ => {}
    }
    if m != 0 && (64 - m.leading_zeros() as i64) + exp > max {
        return if r.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // m has at most 53 bits and the product is representable, so both steps are exact
    let half_exp = exp / 2;
    let v = m as f64 * 2f64.powi(half_exp as i32) * 2f64.powi((exp - half_exp) as i32);
    if r.is_negative() { -v } else { v }
}

fn round_to(r: &BigRational, single: bool) -> Option<BigRational> {
    let f = if single { round(r, 24, -149, 128) } else { round(r, 53, -1074, 1024) };
    from_f64(f)
}

/// `None` for infinities and NaN. A negative zero becomes zero, as constants have none.
pub fn from_f64(f: f64) -> Option<BigRational> {
    if !f.is_finite() {
        return None;
    }
    if f == 0.0 {
        return Some(BigRational::zero());
    }
    let bits = f.to_bits();
    let exp = ((bits >> 52) & 0x7ff) as i64;
    let frac = bits & ((1 << 52) - 1);
    let (m, e) = if exp == 0 { (frac, -1074) } else { (frac | 1 << 52, exp - 1075) };
    let m = BigInt::from(m);
    Some(power(if f < 0.0 { -m } else { m }, e))
}

fn show_float(r: &BigRational) -> String {
    if r.is_integer() && r.numer().bits() <= 63 {
        let i = r.to_integer();
        if i.magnitude() < &BigUint::from(1_000_000u32) {
            return i.to_string();
        }
    }
    let f = round(r, 53, -1074, 1024);
    if f.is_finite() && (f != 0.0 || r.is_zero()) {
        return format_g(f);
    }
    // too large or small for a float64: a decimal exponent from the binary one
    let log = (r.numer().bits() as f64 - r.denom().bits() as f64) * std::f64::consts::LOG10_2;
    let exp = log.floor();
    format!("{}{:.6}e{:+}", if r.is_negative() { "-" } else { "" }, 10f64.powf(log - exp), exp as i64)
}

/// C's `%.6g`
pub fn format_g(f: f64) -> String {
    if f == 0.0 {
        return "0".into();
    }
    let s = format!("{f:.5e}");
    let (mantissa, exp) = s.split_once('e').unwrap_or((&s, "0"));
    let exp: i32 = exp.parse().unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s.to_string() }
    };
    if !(-4..6).contains(&exp) {
        return format!("{}e{}{:02}", trim(mantissa), if exp < 0 { '-' } else { '+' }, exp.abs());
    }
    trim(&format!("{f:.*}", (5 - exp).max(0) as usize))
}

/// A Go string literal for `s`.
pub fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An integer literal as written.
pub fn parse_int(text: &str) -> Option<Const> {
    let clean: String = text.chars().filter(|&c| c != '_').collect();
    let lower = clean.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (&lower[..], 10),
    };
    BigInt::parse_bytes(digits.as_bytes(), radix).map(Const::Int)
}

/// A float literal as written, decimal or hexadecimal. `None`: malformed or out of range.
pub fn parse_float(text: &str) -> Option<Const> {
    let clean: String = text.chars().filter(|&c| c != '_').collect::<String>().to_ascii_lowercase();
    if let Some(hex) = clean.strip_prefix("0x") {
        let (mantissa, exp) = hex.split_once('p').unwrap_or((hex, "0"));
        let (whole, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let m = BigInt::parse_bytes(format!("{whole}{frac}").as_bytes(), 16)?;
        let exp: i64 = exp.parse().ok()?;
        let exp = exp.checked_sub(4 * frac.len() as i64)?;
        if m.is_zero() {
            return Some(Const::Float(BigRational::zero()));
        }
        if exp > MAX_EXPONENT as i64 {
            return None;
        }
        if exp < -(MAX_EXPONENT as i64) - m.bits() as i64 {
            return Some(Const::Float(BigRational::zero()));
        }
        return bound(power(m, exp)).map(Const::Float);
    }
    let (mantissa, exp) = clean.split_once('e').unwrap_or((&clean, "0"));
    let (whole, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let m = BigInt::parse_bytes(format!("0{whole}{frac}").as_bytes(), 10)?;
    if m.is_zero() {
        return Some(Const::Float(BigRational::zero()));
    }
    let exp: i64 = match exp.parse() {
        Ok(e) => e,
        // digits only, but more than an i64 holds
        Err(_) if exp.starts_with('-') => return Some(Const::Float(BigRational::zero())),
        Err(_) => return None,
    };
    let exp = exp.checked_sub(frac.len() as i64)?;
    let digits = m.bits() as i64 * 3 / 10;
    if exp > 12_000 {
        return None;
    }
    if exp < -12_000 - digits {
        return Some(Const::Float(BigRational::zero()));
    }
    let ten = num_traits::pow(BigInt::from(10), exp.unsigned_abs() as usize);
    bound(if exp >= 0 { BigRational::from_integer(m * ten) } else { BigRational::new(m, ten) }).map(Const::Float)
}

/// An imaginary literal as written, with its `i`.
pub fn parse_imag(text: &str) -> Option<Const> {
    let body = text.strip_suffix('i')?;
    let lower = body.to_ascii_lowercase();
    let prefixed = lower.starts_with("0x") || lower.starts_with("0b") || lower.starts_with("0o");
    let hex_float = lower.starts_with("0x") && lower.contains(['p', '.']);
    let value = if prefixed && !hex_float {
        parse_int(body)?
    } else {
        // for backward compatibility 0123i is decimal
        parse_float(body)?
    };
    Some(Const::Complex(BigRational::zero(), value.as_rational()?))
}

/// A character literal as written, with its quotes.
pub fn parse_char(text: &str) -> Option<Const> {
    let body = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut chars = body.chars();
    let v = match chars.next()? {
        '\\' => {
            let (v, _) = escape(&mut chars)?;
            v as i64
        }
        c => c as i64,
    };
    chars.next().is_none().then(|| Const::int(v))
}

/// A string literal as written, interpreted or raw.
pub fn parse_string(text: &str) -> Option<Const> {
    if let Some(raw) = text.strip_prefix('`') {
        let raw = raw.strip_suffix('`')?;
        return Some(Const::Str(raw.bytes().filter(|&b| b != b'\r').collect::<Vec<u8>>().into()));
    }
    let body = text.strip_prefix('"')?.strip_suffix('"')?;
    if !body.contains('\\') {
        return Some(Const::str(body));
    }
    let mut out = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let (v, is_byte) = escape(&mut chars)?;
        if is_byte {
            out.push(v as u8);
        } else {
            out.extend_from_slice(char::from_u32(v)?.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Some(Const::Str(out.into()))
}

/// The rest of an escape after the backslash: its value, and whether it is a byte (`\x`, octal).
fn escape(chars: &mut std::str::Chars) -> Option<(u32, bool)> {
    let c = chars.next()?;
    let mut digits = |n: usize, radix: u32, first: u32| {
        let mut v = first;
        for _ in 0..n {
            v = v.wrapping_mul(radix).wrapping_add(chars.next()?.to_digit(radix)?);
        }
        Some(v)
    };
    Some(match c {
        'a' => (7, true),
        'b' => (8, true),
        'f' => (12, true),
        'n' => (10, true),
        'r' => (13, true),
        't' => (9, true),
        'v' => (11, true),
        '\\' | '\'' | '"' => (c as u32, true),
        'x' => (digits(2, 16, 0)?, true),
        'u' => (digits(4, 16, 0)?, false),
        'U' => (digits(8, 16, 0)?, false),
        '0'..='7' => (digits(2, 8, c as u32 - '0' as u32)?, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(text: &str) -> f64 {
        parse_float(text).and_then(|c| c.to_f64()).unwrap()
    }

    #[test]
    fn floats_round_as_rust_does() {
        for text in [
            "0.1",
            "1e23",
            "5e-324",
            "2.4703282292062328e-324",
            "2.4703282292062327e-324",
            "1.7976931348623157e308",
            "9007199254740993.0",
            "2.2250738585072011e-308",
            "123456789.125e-7",
            "3.141592653589793238462643383279502884197",
        ] {
            assert_eq!(f(text).to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            let single = parse_float(text).and_then(|c| c.to_f32()).unwrap();
            assert_eq!(single.to_bits(), text.parse::<f32>().unwrap().to_bits(), "{text}");
        }
        assert_eq!(f("0x1p-1074"), 5e-324);
        assert_eq!(f("0x1.8p1"), 3.0);
        assert!(parse_float("1e1000000000").is_none());
        assert_eq!(f("1e-1000000000"), 0.0);
        assert_eq!(f("1e1000"), f64::INFINITY);
    }

    #[test]
    fn integers_fit_as_go_says() {
        let c = |text: &str| parse_int(text).unwrap();
        assert!(c("127").represent(Basic::Int8).is_ok());
        assert!(c("128").represent(Basic::Int8).is_err());
        assert!(c("128").neg().unwrap().represent(Basic::Int8).is_ok());
        assert!(c("129").neg().unwrap().represent(Basic::Int8).is_err());
        assert!(c("0xffff_ffff_ffff_ffff").represent(Basic::Uint64).is_ok());
        assert_eq!(c("017"), Const::int(15));
        assert_eq!(Const::int(5).complement(Some(8)), Some(Const::int(250)));
        assert_eq!(parse_float("1.5").unwrap().represent(Basic::Int), Err(Unfit::Truncated));
    }

    #[test]
    fn literals_unquote() {
        assert_eq!(parse_char("'\\n'"), Some(Const::int(10)));
        assert_eq!(parse_char("'世'"), Some(Const::int(0x4e16)));
        assert_eq!(parse_string("\"a\\x41\\u00e9\\101\""), Some(Const::Str("aAéA".as_bytes().into())));
        assert_eq!(parse_imag("2i"), Some(Const::Complex(BigRational::zero(), BigRational::from_integer(2.into()))));
    }

    #[test]
    fn shows_as_go() {
        assert_eq!(parse_float("1e100").unwrap().show(), "1e+100");
        assert_eq!(parse_float("0.1").unwrap().show(), "0.1");
        assert_eq!(parse_float("1234567.0").unwrap().show(), "1.23457e+06");
    }
}
