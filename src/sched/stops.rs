//! How often the world was stopped for how long, with the time it took to stop it: a histogram in eighths of powers of two.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const PARTS: usize = 8;
const BUCKETS: usize = 64 * PARTS;

pub struct Stops {
    counts: Box<[AtomicU64]>,
    longest_ns: AtomicU64,
}

impl Default for Stops {
    fn default() -> Self {
        let counts = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Stops { counts, longest_ns: AtomicU64::new(0) }
    }
}

/// Nanoseconds from which on a bucket counts.
fn bound(bucket: usize) -> u64 {
    let (power, part) = (bucket / PARTS, (bucket % PARTS) as u64);
    ((PARTS as u64 + part) << power) >> 3
}

fn bucket(ns: u64) -> usize {
    let ns = ns.max(1);
    let power = ns.ilog2() as usize;
    let part = if power >= 3 { ns >> (power - 3) } else { ns << (3 - power) } as usize - PARTS;
    power * PARTS + part
}

fn text(ns: u64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}

impl Stops {
    pub fn count(&self, took: Duration) {
        let ns = took.as_nanos() as u64;
        self.counts[bucket(ns)].fetch_add(1, Relaxed);
        self.longest_ns.fetch_max(ns, Relaxed);
    }

    /// A length that so many of a thousand stops do not exceed (by more than an eighth).
    fn quantile(&self, thousandths: u64) -> u64 {
        let total: u64 = self.counts.iter().map(|c| c.load(Relaxed)).sum();
        let rank = (total * thousandths).div_ceil(1000);
        let mut seen = 0;
        for (i, c) in self.counts.iter().enumerate() {
            seen += c.load(Relaxed);
            if seen >= rank {
                return bound(i + 1).min(self.longest_ns.load(Relaxed));
            }
        }
        0
    }

    /// What `GMPLDEBUG=gcpauses=1` asks for.
    pub fn report(&self) -> String {
        let powers: Vec<u64> = self.counts.chunks(PARTS).map(|c| c.iter().map(|c| c.load(Relaxed)).sum()).collect();
        let total: u64 = powers.iter().sum();
        let most = powers.iter().max().copied().unwrap_or(0).max(1);
        let mut out = format!("gcpauses: {total} stops");
        if total > 0 {
            let (half, most, max) = (self.quantile(500), self.quantile(990), self.longest_ns.load(Relaxed));
            out += &format!(", p50 {}, p99 {}, max {}", text(half), text(most), text(max));
        }
        out.push('\n');
        for (power, &n) in powers.iter().enumerate().filter(|(_, n)| **n > 0) {
            let bar = "#".repeat((n * 40).div_ceil(most) as usize);
            out += &format!("  {:>12} .. {:>12} {n:>8} {bar}\n", text(1 << power), text(2 << power));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other() {
        let mut last = 0;
        for ns in 1..100_000u64 {
            let b = bucket(ns);
            assert!(b >= last && bound(b) <= ns && ns < bound(b + 1).max(ns + (ns < 8) as u64), "{ns}");
            last = b;
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_are_close() {
        let s = Stops::default();
        (1..=1000).for_each(|us| s.count(Duration::from_micros(us)));
        let close = |ns: u64, us: u64| ns >= us * 1000 && ns <= us * 1000 * 9 / 8;
        assert!(close(s.quantile(500), 500) && close(s.quantile(990), 990), "{}", s.report());
    }
}
