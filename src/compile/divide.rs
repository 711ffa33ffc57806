//! Signed division by a constant without a division: by shifts, or by the upper half of a product (Warren, *Hacker's Delight*,
//! chapter 10). Unsigned division by a power of two is a shift or a mask already.
use super::Compiler;
use super::regs::Reg;
use crate::bytecode::op::Op;

/// For a divisor from 3 on that is no power of two: `n / d` is the upper half of `n * m`, plus `n` if `m` is negative, shifted
/// right, plus one if that is negative.
fn multiplier(d: i64) -> (i64, u32) {
    const TOP: u64 = 1 << 63;
    let d = d as u64;
    let limit = TOP - 1 - TOP % d;
    let mut power = 63;
    let (mut q1, mut r1) = (TOP / limit, TOP % limit);
    let (mut q2, mut r2) = (TOP / d, TOP % d);
    loop {
        power += 1;
        (q1, r1) = (2 * q1, 2 * r1);
        if r1 >= limit {
            (q1, r1) = (q1 + 1, r1 - limit);
        }
        (q2, r2) = (q2.wrapping_mul(2), 2 * r2);
        if r2 >= d {
            (q2, r2) = (q2.wrapping_add(1), r2 - d);
        }
        let rest = d - r2;
        if q1 > rest || q1 == rest && r1 != 0 {
            return (q2.wrapping_add(1) as i64, power - 64);
        }
    }
}

impl Compiler<'_> {
    /// `d = a / k`, or `a % k`, for signed integers. `false`: there is no short way.
    pub fn divide(&mut self, rem: bool, d: Reg, a: Reg, k: i64) -> bool {
        if k < 2 {
            return false;
        }
        if (k as u64).is_power_of_two() {
            self.f.code.rri(if rem { Op::RemP2 } else { Op::DivP2 }, d, a, k.trailing_zeros() as i64);
            return true;
        }
        let (m, shift) = multiplier(k);
        self.f.code.rri(if rem { Op::RemM } else { Op::DivM }, d, a, shift as i64);
        self.f.code.extra(m as u64);
        if rem {
            self.f.code.extra(k as u64);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotient(n: i64, (m, shift): (i64, u32)) -> i64 {
        let high = (n as i128 * m as i128 >> 64) as i64;
        let q = high.wrapping_add(if m < 0 { n } else { 0 }) >> shift;
        q + i64::from(q < 0)
    }

    #[test]
    fn products_are_quotients() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state as i64) >> (state >> 58)
        };
        let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
        let divisors = (3..2000).chain((0..2000).map(|_| next().saturating_abs())).chain([i64::MAX, 1_000_000_007]);
        for d in divisors.filter(|d| *d > 2 && !(*d as u64).is_power_of_two()).collect::<Vec<_>>() {
            let made = multiplier(d);
            let near = [
                d - 1,
                d,
                d.wrapping_add(1),
                -d,
                1 - d,
                (i64::MAX / d) * d,
                (i64::MAX / d) * d - 1,
                (i64::MIN / d) * d,
            ];
            for n in edges.into_iter().chain(near).chain((0..20).map(|_| next())) {
                assert_eq!(quotient(n, made), n / d, "{n} / {d}");
            }
        }
    }
}
