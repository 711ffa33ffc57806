//! The texts that Go's `runtime/pprof` writes with debug set to 1: stacks as numbers, then as names and lines.
use super::build::{About, Place};
use super::record::{Key, Table};
use std::fmt::Write;

/// The numbers of a stack, as they stand behind `@`.
fn numbers(about: &About, key: &Key) -> (String, Vec<Place>) {
    let places: Vec<Place> = key.stack.iter().map(|&f| (about.symbol)(f)).collect();
    (places.iter().map(|p| format!(" {:#x}", p.address)).collect(), places)
}

/// A line for each frame of a stack, then an empty one.
fn frames(out: &mut String, places: &[Place]) {
    for p in places {
        let offset = p.address.saturating_sub(p.entry);
        let _ = writeln!(out, "#\t{:#x}\t{}+{offset:#x}\t{}:{}", p.address, p.function, p.file, p.line);
    }
    out.push('\n');
}

/// `{"key":"value"}`
fn labels(key: &Key) -> Option<String> {
    let list: Vec<String> = key.labels.as_ref()?.iter().map(|(k, v)| format!("{k:?}:{v:?}")).collect();
    Some(format!("{{{}}}", list.join(", ")))
}

/// Those with most of one of the values first.
fn sorted(table: &Table, by: usize) -> Vec<&(std::sync::Arc<Key>, [i64; 4])> {
    let mut list: Vec<_> = table.list.iter().collect();
    list.sort_by_key(|(_, v)| std::cmp::Reverse(v[by]));
    list
}

pub fn counts(about: &About, name: &str, table: &Table) -> String {
    let total: i64 = table.list.iter().map(|(_, v)| v[0]).sum();
    let mut out = format!("{name} profile: total {total}\n");
    for (key, v) in sorted(table, 0) {
        let (at, places) = numbers(about, key);
        let _ = writeln!(out, "{} @{at}", v[0]);
        if let Some(labels) = labels(key) {
            let _ = writeln!(out, "# labels: {labels}");
        }
        frames(&mut out, &places);
    }
    out
}

pub fn waits(about: &About, name: &str, table: &Table, rate: Option<i64>) -> String {
    let mut out = format!("--- {name}:\ncycles/second=1000000000\n");
    if let Some(rate) = rate {
        let _ = writeln!(out, "sampling period={rate}");
    }
    for (key, v) in sorted(table, 1) {
        let (at, places) = numbers(about, key);
        let _ = writeln!(out, "{} {} @{at}", v[1], v[0]);
        frames(&mut out, &places);
    }
    out
}

/// The heap; the figures of `runtime.MemStats` are to follow.
pub fn heap(about: &About, table: &Table, rate: i64) -> String {
    let mut sum = [0; 4];
    table.list.iter().for_each(|(_, v)| sum.iter_mut().zip(v).for_each(|(s, v)| *s += v));
    let line = |v: [i64; 4]| format!("{}: {} [{}: {}] @", v[0] - v[2], v[1] - v[3], v[0], v[1]);
    let mut out = format!("heap profile: {} heap/{}\n", line(sum), 2 * rate);
    let mut list: Vec<_> = table.list.iter().collect();
    list.sort_by_key(|(_, v)| std::cmp::Reverse(v[1] - v[3]));
    for (key, v) in list {
        let (at, places) = numbers(about, key);
        let _ = writeln!(out, "{}{at}", line(*v));
        frames(&mut out, &places);
    }
    out
}
