//! What is counted of a package under test: the runs of its basic blocks.
use std::fmt::Write;

/// How blocks are counted, as `go test -covermode` names it. Counters are always atomic here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CoverMode {
    /// Whether each block ran.
    #[default]
    Set,
    Count,
    Atomic,
}

impl CoverMode {
    pub const ALL: [CoverMode; 3] = [CoverMode::Set, CoverMode::Count, CoverMode::Atomic];

    pub fn name(self) -> &'static str {
        match self {
            CoverMode::Set => "set",
            CoverMode::Count => "count",
            CoverMode::Atomic => "atomic",
        }
    }
}

/// A basic block in the source.
#[derive(Clone, Debug)]
pub struct CoveredBlock {
    /// Index into `Coverage::files`.
    pub file: u32,
    /// Line and column, from 1, of the first byte.
    pub start: (u32, u32),
    /// Of the byte behind the last.
    pub end: (u32, u32),
    pub statements: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub mode: CoverMode,
    /// The word of the first block's counter among the package-level variables; the others follow.
    pub first: u32,
    /// Import path and name.
    pub files: Vec<String>,
    pub blocks: Vec<CoveredBlock>,
}

impl Coverage {
    /// How many statements there are, and how many of them ran, by the counters of the blocks.
    pub fn statements(&self, counts: &[u64]) -> (u64, u64) {
        let (mut all, mut ran) = (0, 0);
        for (block, &count) in self.blocks.iter().zip(counts) {
            all += block.statements as u64;
            ran += if count > 0 { block.statements as u64 } else { 0 };
        }
        (all, ran)
    }

    /// A line for each block, as `go tool cover` reads it behind the line with the mode.
    pub fn profile(&self, counts: &[u64]) -> String {
        let mut order: Vec<_> = self.blocks.iter().zip(counts).collect();
        order.sort_by_key(|(b, _)| (&self.files[b.file as usize], b.start.0, b.end.0, b.start.1, b.end.1));
        let mut text = String::new();
        for (b, count) in order {
            let ((line, col), (end_line, end_col)) = (b.start, b.end);
            let file = &self.files[b.file as usize];
            let _ = writeln!(text, "{file}:{line}.{col},{end_line}.{end_col} {} {count}", b.statements);
        }
        text
    }
}
