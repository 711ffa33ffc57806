//! Natives of `math/big`: arithmetic on natural numbers, each a slice of words with the lowest first and none on top that
//! is zero. Over num-bigint. Much work is done where it may take its time.
use super::os::block;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, Zero};

pub const NATIVES: &[NativeEntry] = &[
    ("math/big.addNat", |cx| binary(cx, |x, y| x + y)),
    ("math/big.andNat", |cx| binary(cx, |x, y| x & y)),
    ("math/big.andNotNat", |cx| {
        binary(cx, |x, y| {
            let both = &x & &y;
            x ^ both
        })
    }),
    ("math/big.divNat", div),
    ("math/big.expNat", exp),
    ("math/big.gcdNat", |cx| binary(cx, |x, y| x.gcd(&y))),
    ("math/big.inverseNat", inverse),
    ("math/big.mulNat", |cx| binary(cx, |x, y| x * y)),
    ("math/big.orNat", |cx| binary(cx, |x, y| x | y)),
    ("math/big.parseNat", parse),
    ("math/big.shlNat", shl),
    ("math/big.shrNat", |cx| {
        let (x, n) = (number(cx, 0), cx.uint(1));
        put(cx, 0, &(if n >= x.bits() { BigUint::zero() } else { x >> n }))?;
        Ok(Outcome::Done)
    }),
    ("math/big.sqrtNat", |cx| {
        let x = number(cx, 0);
        let size = words(&x);
        heavy(cx, size, move || x.sqrt(), |cx, r| put(cx, 0, &r))
    }),
    ("math/big.subNat", |cx| binary(cx, |x, y| if x >= y { x - y } else { BigUint::zero() })),
    ("math/big.textNat", |cx| {
        let (x, base) = (number(cx, 0), cx.uint(1).clamp(2, 36) as u32);
        let size = words(&x);
        heavy(cx, size, move || x.to_str_radix(base), |cx, r| cx.set_str(0, r.as_bytes()))
    }),
    ("math/big.xorNat", |cx| binary(cx, |x, y| x ^ y)),
];

/// Numbers have at most so many bits.
const MAX_BITS: u64 = 1 << 33;
/// From so many words on work does not hold up other goroutines.
const HEAVY: usize = 500;

fn words(x: &BigUint) -> usize {
    (x.bits() / 64) as usize
}

fn number(cx: &Cx, i: usize) -> BigUint {
    let (chunks, _) = cx.packed_view(i, 8).as_chunks::<4>();
    BigUint::new(chunks.iter().map(|c| u32::from_le_bytes(*c)).collect())
}

fn put(cx: &mut Cx, i: usize, x: &BigUint) -> Result<(), Trap> {
    if x.is_zero() {
        cx.set_word(i, 0);
        return Ok(());
    }
    let w = cx.new_words(&x.to_u64_digits(), false)?;
    cx.set_word(i, w);
    Ok(())
}

fn heavy<T: Send + 'static>(
    cx: &mut Cx,
    size: usize,
    job: impl FnOnce() -> T + Send + 'static,
    finish: impl FnOnce(&mut Cx, T) -> Result<(), Trap> + Send + 'static,
) -> NativeResult {
    if size < HEAVY {
        finish(cx, job())?;
        return Ok(Outcome::Done);
    }
    block(job, |cx, answer| {
        finish(cx, answer)?;
        Ok(Outcome::Done)
    })
}

fn binary(cx: &mut Cx, op: fn(BigUint, BigUint) -> BigUint) -> NativeResult {
    let (x, y) = (number(cx, 0), number(cx, 1));
    let size = words(&x).min(words(&y));
    heavy(cx, size, move || op(x, y), |cx, r| put(cx, 0, &r))
}

/// `divNat(x, y []Word) (q, r []Word)`; y is not zero.
fn div(cx: &mut Cx) -> NativeResult {
    let (x, y) = (number(cx, 0), number(cx, 1));
    if y.is_zero() {
        return Err(Trap::Panic("division by zero".into()));
    }
    let size = words(&x).min(words(&y));
    heavy(
        cx,
        size,
        move || x.div_rem(&y),
        |cx, (q, r)| {
            put(cx, 0, &q)?;
            put(cx, 1, &r)
        },
    )
}

/// `expNat(x, y, m []Word) []Word`: x**y, modulo m unless that is zero.
fn exp(cx: &mut Cx) -> NativeResult {
    let (x, y, m) = (number(cx, 0), number(cx, 1), number(cx, 2));
    if !m.is_zero() {
        let size = words(&m) * words(&y).max(1) * 16;
        return heavy(cx, size, move || x.modpow(&y, &m), |cx, r| put(cx, 0, &r));
    }
    if x.is_zero() || x.is_one() || y.is_zero() {
        let r = if y.is_zero() { BigUint::one() } else { x };
        put(cx, 0, &r)?;
        return Ok(Outcome::Done);
    }
    let power = u32::try_from(&y).ok().filter(|n| (x.bits() - 1) * *n as u64 <= MAX_BITS);
    let Some(power) = power else { return Err(Trap::OutOfMemory) };
    let size = (x.bits() * power as u64 / 64) as usize;
    heavy(cx, size, move || x.pow(power), |cx, r| put(cx, 0, &r))
}

/// `inverseNat(x, n []Word) (r []Word, ok bool)`
fn inverse(cx: &mut Cx) -> NativeResult {
    let (x, n) = (number(cx, 0), number(cx, 1));
    let size = words(&n) * 8;
    heavy(
        cx,
        size,
        move || if n.is_zero() { None } else { x.modinv(&n) },
        |cx, r| {
            put(cx, 0, r.as_ref().unwrap_or(&BigUint::zero()))?;
            cx.set_bool(1, r.is_some());
            Ok(())
        },
    )
}

/// `shlNat(x []Word, n uint) []Word`
fn shl(cx: &mut Cx) -> NativeResult {
    let (x, n) = (number(cx, 0), cx.uint(1));
    if x.is_zero() {
        cx.set_word(0, 0);
        return Ok(Outcome::Done);
    }
    if n > MAX_BITS {
        return Err(Trap::OutOfMemory);
    }
    put(cx, 0, &(x << n))?;
    Ok(Outcome::Done)
}

/// `parseNat(digits string, base int) []Word`: digits of a base up to 36, all good.
fn parse(cx: &mut Cx) -> NativeResult {
    let (digits, base) = (cx.str(0).to_vec(), cx.int(1).clamp(2, 36) as u32);
    let size = digits.len() / 16;
    heavy(cx, size, move || BigUint::parse_bytes(&digits, base).unwrap_or_default(), |cx, r| put(cx, 0, &r))
}
