//! The table of functions and the tree of calls, as texts.
use crate::profile::graph::{Call, View, amount, calls, percent};
use std::fmt::Write;

/// What is left out of the tree: calls that took less than one part of this of all.
const SMALL_PART: i64 = 200;

/// What the profile is about.
pub fn head(view: &View) -> String {
    let p = view.profile;
    let mut out = String::new();
    if !p.program.is_empty() {
        let _ = writeln!(out, "File: {}", p.program);
    }
    let _ = writeln!(out, "Type: {}", p.types[view.value].kind);
    if p.time_ns > 0 {
        let when = jiff::Timestamp::from_nanosecond(p.time_ns as i128).unwrap_or_default();
        let _ = writeln!(out, "Time: {}", when.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    if p.duration_ns > 0 {
        let total = view.total();
        let _ = write!(
            out,
            "Duration: {}, Total samples = {}",
            amount(p.duration_ns, "nanoseconds"),
            amount(total, view.unit())
        );
        if view.unit() == "nanoseconds" {
            let _ = write!(out, " ({})", percent(total, p.duration_ns));
        }
        out.push('\n');
    }
    out
}

/// Functions by what they took, at most so many; 0: all.
pub fn top(view: &View, rows: usize) -> String {
    let (list, total) = (view.functions(), view.total());
    let shown = if rows == 0 { list.len() } else { rows.min(list.len()) };
    let sum: i64 = list[..shown].iter().map(|f| f.1.flat).fold(0, i64::saturating_add);
    let unit = view.unit();
    let mut out = head(view);
    let _ = writeln!(
        out,
        "Showing nodes accounting for {}, {} of {} total",
        amount(sum, unit),
        percent(sum, total),
        amount(total, unit)
    );
    if shown < list.len() {
        let _ = writeln!(out, "Showing top {shown} nodes out of {}", list.len());
    }
    let _ = writeln!(out, "{:>10} {:>6} {:>6} {:>10} {:>6}", "flat", "flat%", "sum%", "cum", "cum%");
    let mut sum = 0i64;
    for (name, cost) in &list[..shown] {
        sum = sum.saturating_add(cost.flat);
        let _ = writeln!(
            out,
            "{:>10} {:>6} {:>6} {:>10} {:>6}  {name}",
            amount(cost.flat, unit),
            percent(cost.flat, total),
            percent(sum, total),
            amount(cost.cum, unit),
            percent(cost.cum, total),
        );
    }
    out
}

/// Who called whom: callees stand below their caller, the costly ones first.
pub fn tree(view: &View) -> String {
    let nodes = calls(view.profile);
    let (total, unit) = (view.total(), view.unit());
    let value = |n: &Call| n.values[view.value];
    let least = (total / SMALL_PART).max(1);
    let mut out = head(view);
    let _ = writeln!(out, "{:>10} {:>6} {:>10}  calls", "cum", "cum%", "flat");
    let (mut left_out, mut todo) = (0, vec![(0u32, 0usize)]);
    while let Some((i, depth)) = todo.pop() {
        let node = &nodes[i as usize];
        let mut children: Vec<u32> = node.children.clone();
        children.sort_by_key(|&c| value(&nodes[c as usize]));
        let called: i64 = children.iter().map(|&c| value(&nodes[c as usize])).fold(0, i64::saturating_add);
        if i != 0 {
            let own = value(node).saturating_sub(called);
            let _ = writeln!(
                out,
                "{:>10} {:>6} {:>10}  {:indent$}{}",
                amount(value(node), unit),
                percent(value(node), total),
                if own == 0 { String::new() } else { amount(own, unit) },
                "",
                view.profile.functions[node.function as usize].name,
                indent = 2 * (depth - 1),
            );
        }
        let before = children.len();
        children.retain(|&c| value(&nodes[c as usize]) >= least);
        left_out += before - children.len();
        todo.extend(children.iter().map(|&c| (c, depth + 1)));
    }
    if left_out > 0 {
        let _ = writeln!(out, "{left_out} calls of less than {} are left out", amount(least, unit));
    }
    out
}
