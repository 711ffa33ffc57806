//! Natives of `math/big`: arithmetic on natural numbers, each a slice of words with the lowest first and none on top that
//! is zero. Over num-bigint. Much work is done where it may take its time.
use super::os::block;
use super::{buffer, long};
use crate::base::limits::MAX_OBJECT;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, Zero};

pub const NATIVES: &[NativeEntry] = &[
    ("math/big.addNat", add),
    ("math/big.andNat", |cx| binary(cx, linear, |x, y| x & y)),
    ("math/big.andNotNat", |cx| {
        binary(cx, linear, |x, y| {
            let both = &x & &y;
            x ^ both
        })
    }),
    ("math/big.divNat", div),
    ("math/big.expNat", exp),
    ("math/big.gcdNat", |cx| binary(cx, |x, y| x.max(y).pow(2), |x, y| x.gcd(&y))),
    ("math/big.inverseNat", inverse),
    ("math/big.mulNat", mul),
    ("math/big.orNat", |cx| binary(cx, linear, |x, y| x | y)),
    ("math/big.parseNat", parse),
    ("math/big.shlNat", shl),
    ("math/big.shrNat", |cx| {
        room(cx, cx.packed_view(0, 8).len())?;
        let (x, n) = (number(cx, 0), cx.uint(1));
        put(cx, 0, &(if n >= x.bits() { BigUint::zero() } else { x >> n }))?;
        Ok(Outcome::Done)
    }),
    ("math/big.sqrtNat", |cx| {
        room(cx, cx.packed_view(0, 8).len())?;
        let x = number(cx, 0);
        let steps = words(&x).pow(2);
        heavy(cx, steps, move || x.sqrt(), |cx, r| put(cx, 0, &r))
    }),
    ("math/big.subNat", sub),
    ("math/big.textNat", |cx| {
        let base = cx.uint(1).clamp(2, 36) as u32;
        room(cx, cx.packed_view(0, 8).len() * 8 / base.ilog2() as usize)?;
        let x = number(cx, 0);
        let steps = words(&x).pow(2);
        heavy(cx, steps, move || x.to_str_radix(base), |cx, r| cx.set_str(0, r.as_bytes()))
    }),
    ("math/big.xorNat", |cx| binary(cx, linear, |x, y| x ^ y)),
];

/// Numbers have at most so many bits.
const MAX_BITS: u64 = 1 << 33;
/// Work of more steps (a product of two words, or so) does not hold up other goroutines.
const HEAVY: usize = 250_000;

fn words(x: &BigUint) -> usize {
    (x.bits() / 64) as usize
}

fn number(cx: &Cx, i: usize) -> BigUint {
    let (chunks, _) = cx.packed_view(i, 8).as_chunks::<4>();
    BigUint::new(chunks.iter().map(|c| u32::from_le_bytes(*c)).collect())
}

/// Stops where numbers of so many bytes could not be worked out: what the crate needs for that lies outside the heap, the
/// numbers themselves, what it makes on the way, and the result once more.
fn room(cx: &Cx, bytes: usize) -> Result<(), Trap> {
    long::check(cx, bytes.saturating_mul(4))
}

/// The bytes that parameters `0` and `1` have.
fn sizes(cx: &Cx) -> usize {
    cx.packed_view(0, 8).len() + cx.packed_view(1, 8).len()
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
    steps: usize,
    job: impl FnOnce() -> T + Send + 'static,
    finish: impl FnOnce(&mut Cx, T) -> Result<(), Trap> + Send + 'static,
) -> NativeResult {
    if steps < HEAVY {
        finish(cx, job())?;
        return Ok(Outcome::Done);
    }
    block(job, |cx, answer| {
        finish(cx, answer)?;
        Ok(Outcome::Done)
    })
}

fn linear(x: usize, y: usize) -> usize {
    x.max(y)
}

fn binary(cx: &mut Cx, steps: fn(usize, usize) -> usize, op: fn(BigUint, BigUint) -> BigUint) -> NativeResult {
    room(cx, sizes(cx))?;
    let (x, y) = (number(cx, 0), number(cx, 1));
    let steps = steps(words(&x), words(&y));
    heavy(cx, steps, move || op(x, y), |cx, r| put(cx, 0, &r))
}

// What programs do most, on numbers of usual lengths, is done on the words as they are.

/// The words of number `i`, which never change.
fn view<'b>(cx: &Cx, i: usize) -> &'b [[u8; 8]] {
    cx.packed_view(i, 8).as_chunks().0
}

fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_ne_bytes(*bytes)
}

/// Result `i` = the number of these words, without the zeros on top.
fn put_words(cx: &mut Cx, i: usize, words: &[u64]) -> Result<(), Trap> {
    let n = words.iter().rposition(|w| *w != 0).map_or(0, |top| top + 1);
    let w = if n == 0 { 0 } else { cx.new_words(&words[..n], false)? };
    cx.set_word(i, w);
    Ok(())
}

fn add(cx: &mut Cx) -> NativeResult {
    let (x, y) = (view(cx, 0), view(cx, 1));
    let (long, short) = if x.len() >= y.len() { (x, y) } else { (y, x) };
    let mut sum = vec![0; long.len() + 1];
    let (low, high) = sum.split_at_mut(short.len());
    let mut carry = false;
    for (to, (a, b)) in low.iter_mut().zip(long.iter().zip(short)) {
        let (s, over) = word(a).overflowing_add(word(b));
        let (s, more) = s.overflowing_add(carry as u64);
        (*to, carry) = (s, over | more);
    }
    for (to, a) in high.iter_mut().zip(&long[short.len()..]) {
        (*to, carry) = word(a).overflowing_add(carry as u64);
    }
    sum[long.len()] = carry as u64;
    put_words(cx, 0, &sum)?;
    Ok(Outcome::Done)
}

/// `subNat(x, y []Word) []Word` for x >= y.
fn sub(cx: &mut Cx) -> NativeResult {
    let (x, y) = (view(cx, 0), view(cx, 1));
    let mut rest = vec![0; x.len()];
    let (low, high) = rest.split_at_mut(y.len().min(x.len()));
    let mut borrow = false;
    for (to, (a, b)) in low.iter_mut().zip(x.iter().zip(y)) {
        let (d, under) = word(a).overflowing_sub(word(b));
        let (d, more) = d.overflowing_sub(borrow as u64);
        (*to, borrow) = (d, under | more);
    }
    for (to, a) in high.iter_mut().zip(&x[low.len()..]) {
        (*to, borrow) = word(a).overflowing_sub(borrow as u64);
    }
    put_words(cx, 0, &rest)?;
    Ok(Outcome::Done)
}

fn mul(cx: &mut Cx) -> NativeResult {
    /// From here on the crate's ways to save products pay.
    const LONG: usize = 32;
    let (x, y) = (view(cx, 0), view(cx, 1));
    if x.len().min(y.len()) > LONG {
        return binary(cx, |x, y| x.saturating_mul(y), |x, y| x * y);
    }
    let (long, short) = if x.len() >= y.len() { (x, y) } else { (y, x) };
    let mut product = vec![0; long.len() + short.len()];
    for (k, b) in short.iter().enumerate() {
        let (b, mut carry) = (word(b) as u128, 0);
        for (a, to) in long.iter().zip(&mut product[k..]) {
            let sum = word(a) as u128 * b + *to as u128 + carry;
            *to = sum as u64;
            carry = sum >> 64;
        }
        product[k + long.len()] = carry as u64;
    }
    put_words(cx, 0, &product)?;
    Ok(Outcome::Done)
}

/// `divNat(x, y []Word) (q, r []Word)`; y is not zero.
fn div(cx: &mut Cx) -> NativeResult {
    let (x, y) = (view(cx, 0), view(cx, 1));
    if let [y] = y {
        let y = word(y) as u128;
        let mut quotient = vec![0; x.len()];
        let mut rest = 0;
        for (a, to) in x.iter().zip(&mut quotient).rev() {
            let part = rest << 64 | word(a) as u128;
            *to = (part / y) as u64;
            rest = part % y;
        }
        put_words(cx, 0, &quotient)?;
        put_words(cx, 1, &[rest as u64])?;
        return Ok(Outcome::Done);
    }
    room(cx, sizes(cx))?;
    let (x, y) = (number(cx, 0), number(cx, 1));
    if y.is_zero() {
        return Err(Trap::Panic("division by zero".into()));
    }
    let steps = words(&x).saturating_mul(words(&y));
    heavy(
        cx,
        steps,
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
        let steps = words(&m).pow(2).saturating_mul(y.bits() as usize);
        return heavy(cx, steps, move || x.modpow(&y, &m), |cx, r| put(cx, 0, &r));
    }
    if x.is_zero() || x.is_one() || y.is_zero() {
        let r = if y.is_zero() { BigUint::one() } else { x };
        put(cx, 0, &r)?;
        return Ok(Outcome::Done);
    }
    let power = u32::try_from(&y).ok().filter(|n| (x.bits() - 1) * *n as u64 <= MAX_BITS);
    let Some(power) = power else { return Err(Trap::OutOfMemory) };
    room(cx, (x.bits() * power as u64 / 8) as usize)?;
    let steps = ((x.bits() * power as u64 / 64) as usize).saturating_pow(2);
    heavy(cx, steps, move || x.pow(power), |cx, r| put(cx, 0, &r))
}

/// `inverseNat(x, n []Word) (r []Word, ok bool)`
fn inverse(cx: &mut Cx) -> NativeResult {
    let (x, n) = (number(cx, 0), number(cx, 1));
    let steps = words(&n).pow(2) * 64;
    heavy(
        cx,
        steps,
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
    // As where Go makes a slice of so many words.
    if n.saturating_add(x.bits()) / 8 >= MAX_OBJECT {
        return Err(buffer::len_out_of_range());
    }
    room(cx, x.bits().saturating_add(n) as usize / 8)?;
    put(cx, 0, &(x << n))?;
    Ok(Outcome::Done)
}

/// `parseNat(digits string, base int) []Word`: digits of a base up to 36, all good.
fn parse(cx: &mut Cx) -> NativeResult {
    room(cx, cx.str(0).len() / 2)?;
    let (digits, base) = (cx.str(0).to_vec(), cx.int(1).clamp(2, 36) as u32);
    let steps = (digits.len() / 16).saturating_pow(2);
    heavy(cx, steps, move || BigUint::parse_bytes(&digits, base).unwrap_or_default(), |cx, r| put(cx, 0, &r))
}
