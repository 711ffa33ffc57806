//! Which instructions a run executes, and which follow each other: what `gmpl run --opcode-profile` shows. The portable driver
//! counts, so that a run without it pays nothing.
use crate::bytecode::op::{Op, TABLE};
use std::fmt::Write;

/// Lines of each table.
const ROWS: usize = 40;

/// What one P has executed.
pub struct OpProfile {
    ops: Vec<u64>,
    /// By the first, then the second.
    pairs: Vec<u64>,
    last: usize,
}

impl Default for OpProfile {
    fn default() -> Self {
        OpProfile { ops: vec![0; Op::COUNT], pairs: vec![0; Op::COUNT * Op::COUNT], last: Op::Nop as usize }
    }
}

impl OpProfile {
    #[inline]
    pub fn count(&mut self, op: usize) {
        self.ops[op] += 1;
        self.pairs[self.last * Op::COUNT + op] += 1;
        self.last = op;
    }

    pub fn add(&mut self, other: &OpProfile) {
        self.ops.iter_mut().zip(&other.ops).for_each(|(a, b)| *a += b);
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(a, b)| *a += b);
    }

    /// The most frequent instructions and pairs, with their share of all.
    pub fn text(&self) -> String {
        let total = self.ops.iter().sum::<u64>().max(1);
        let name = |op: usize| TABLE[op].1;
        let mut out = format!("{total} instructions\n");
        table(&mut out, "instruction", &self.ops, total, |op| name(op).to_string());
        table(&mut out, "pair", &self.pairs, total, |i| format!("{} {}", name(i / Op::COUNT), name(i % Op::COUNT)));
        out
    }
}

fn table(out: &mut String, title: &str, counts: &[u64], total: u64, name: impl Fn(usize) -> String) {
    let mut order: Vec<usize> = (0..counts.len()).filter(|&i| counts[i] > 0).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(counts[i]), i));
    let _ = writeln!(out, "\n{:>16}  {:>6}  {title}", "count", "%");
    for i in order.into_iter().take(ROWS) {
        let _ = writeln!(out, "{:>16}  {:>6.2}  {}", counts[i], counts[i] as f64 * 100.0 / total as f64, name(i));
    }
}
