//! The source of functions, each line with what it took.
use super::table::head;
use crate::profile::graph::{Cost, View, amount, percent};
use regex_automata::meta::Regex;
use std::fmt::Write;

/// Lines shown around those that took something.
const AROUND: i64 = 3;
/// A function of which more lines lie between two that took something is shown in parts.
const GAP: i64 = 12;

/// # Errors
/// The regular expression is none, or no function matches.
pub fn list(view: &View, regex: &str) -> Result<String, String> {
    let regex = Regex::new(regex).map_err(|e| format!("--list {regex}: {}", first_line(&e)))?;
    let total = view.total();
    let mut found: Vec<(u32, Cost)> = (0u32..)
        .zip(&view.profile.functions)
        .filter(|(_, f)| regex.is_match(f.name.as_bytes()))
        .map(|(i, _)| (i, view.function(i)))
        .filter(|(_, cost)| cost.cum != 0)
        .collect();
    if found.is_empty() {
        return Err("no function with samples matches".into());
    }
    found.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cum));
    let mut out = head(view);
    let _ = writeln!(out, "Total: {}", amount(total, view.unit()));
    for (function, cost) in found {
        routine(view, function, cost, &mut out);
    }
    Ok(out)
}

fn first_line(e: &impl std::fmt::Display) -> String {
    e.to_string().lines().next().unwrap_or_default().to_string()
}

fn routine(view: &View, function: u32, cost: Cost, out: &mut String) {
    let (f, unit, total) = (&view.profile.functions[function as usize], view.unit(), view.total());
    let _ = writeln!(out, "ROUTINE ======================== {} in {}", f.name, f.file);
    let show = |v: i64| if v == 0 { ".".to_string() } else { amount(v, unit) };
    let _ = writeln!(
        out,
        "{:>10} {:>10} (flat, cum) {} of Total",
        show(cost.flat),
        show(cost.cum),
        percent(cost.cum, total)
    );
    let costs = view.lines(function);
    let mut lines: Vec<i64> = costs.keys().copied().filter(|l| *l > 0).collect();
    lines.sort_unstable();
    let text = read(&f.file);
    let Some(text) = text.filter(|_| !lines.is_empty()) else {
        for line in lines {
            let cost = costs[&line];
            let _ = writeln!(out, "{:>10} {:>10} {line:>6}", show(cost.flat), show(cost.cum));
        }
        let why = if f.file.is_empty() { "it has no source in gmpl" } else { "its source is not there" };
        let _ = writeln!(out, "{:>22}({why})", "");
        return;
    };
    let source: Vec<&str> = text.lines().collect();
    if f.start_line > 0 && f.start_line < lines[0] {
        lines.insert(0, f.start_line);
    }
    let mut next = lines[0].saturating_sub(if f.start_line > 0 { 0 } else { AROUND }).max(1);
    for (i, &line) in lines.iter().enumerate() {
        if line.saturating_sub(next) > GAP {
            let _ = writeln!(out, "{:>22}...", "");
            next = line - AROUND;
        }
        let end = match lines.get(i + 1) {
            Some(&after) if after.saturating_sub(line) <= GAP => line,
            _ => line.saturating_add(AROUND),
        };
        for l in next..=end.min(source.len() as i64) {
            let cost = costs.get(&l).copied().unwrap_or_default();
            let _ = writeln!(out, "{:>10} {:>10} {l:>6}:{}", show(cost.flat), show(cost.cum), source[l as usize - 1]);
        }
        next = next.max(end.saturating_add(1));
    }
}

/// A source file by the name in the profile, or a file of that name here.
fn read(file: &str) -> Option<String> {
    let base = std::path::Path::new(file).file_name()?;
    std::fs::read_to_string(file).or_else(|_| std::fs::read_to_string(base)).ok()
}
