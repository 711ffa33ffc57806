//! The page with the flame graph: everything in one file.
use crate::profile::graph::{View, calls};
use std::fmt::Write;

const TEMPLATE: &str = include_str!("page.html");

/// Calls that took less than one part of this of everything are left out when there are very many.
const SMALL_PART: i64 = 20_000;
const MANY: usize = 50_000;

/// The page for a profile; `name`: what it was read from.
pub fn page(view: &View, name: &str) -> String {
    TEMPLATE.replacen("/*DATA*/", &data(view, name), 1)
}

/// A string for JSON inside a script.
fn quote(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What the page shows: names, kinds of samples, and the tree, each node behind its parent.
fn data(view: &View, name: &str) -> String {
    let p = view.profile;
    let nodes = calls(p);
    let totals = &nodes[0].values;
    let keeps = |values: &[i64]| {
        nodes.len() <= MANY
            || values.iter().zip(totals).any(|(v, total)| v.saturating_mul(SMALL_PART) >= *total && *v > 0)
    };
    let mut out = String::from("{\"name\":");
    quote(name, &mut out);
    out.push_str(",\"program\":");
    quote(&p.program, &mut out);
    let _ = write!(out, ",\"duration\":{},\"value\":{},\"types\":[", p.duration_ns, view.value);
    for (i, t) in p.types.iter().enumerate() {
        out.push_str(if i == 0 { "[" } else { ",[" });
        quote(&t.kind, &mut out);
        out.push(',');
        quote(&t.unit, &mut out);
        out.push(']');
    }
    out.push_str("],\"functions\":[");
    for (i, f) in p.functions.iter().enumerate() {
        out.push_str(if i == 0 { "[" } else { ",[" });
        quote(&f.name, &mut out);
        out.push(',');
        let place = match f.start_line {
            0 => f.file.clone(),
            line => format!("{}:{line}", f.file),
        };
        quote(&place, &mut out);
        out.push(']');
    }
    // A parent comes before its children; its number in the page is its place there.
    out.push_str("],\"nodes\":[");
    let mut places = vec![u32::MAX; nodes.len()];
    let mut n = 0;
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 && (places[node.parent as usize] == u32::MAX || !keeps(&node.values)) {
            continue;
        }
        places[i] = n;
        let _ = write!(
            out,
            "{}[{},{}",
            if n == 0 { "" } else { "," },
            if i == 0 { -1 } else { node.function as i64 },
            if i == 0 { -1 } else { places[node.parent as usize] as i64 }
        );
        for v in &node.values {
            let _ = write!(out, ",{v}");
        }
        out.push(']');
        n += 1;
    }
    out.push_str("]}");
    out
}
