//! Finds the declarations in the text of a standard file. Standard files are formatted: a declaration begins at the start
//! of a line with its keyword, and in none of them does a line of a string or comment begin so.
use super::text::{is_ident, skip};

/// Whether a declaration's keyword stands here.
pub fn keyword(b: &[u8]) -> bool {
    match b.first() {
        Some(b'f') => b.starts_with(b"func "),
        Some(b't') => b.starts_with(b"type "),
        Some(b'v') => b.starts_with(b"var "),
        Some(b'c') => b.starts_with(b"const "),
        _ => false,
    }
}

/// Byte ranges of the top-level declarations but imports, each with what follows it up to the next.
pub fn declarations(text: &str) -> Vec<(usize, usize)> {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(n, _)| n + 1));
    let starts: Vec<usize> = lines.filter(|&i| keyword(&text.as_bytes()[i..])).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).collect()
}

/// A declaration without the blank lines and comments behind it, which ends with a line's end.
pub fn without_tail(text: &str) -> &str {
    let mut rest = text;
    loop {
        let body = rest.strip_suffix('\n').unwrap_or(rest);
        let line = body.rfind('\n').map_or(0, |n| n + 1);
        if line == 0 || !(body[line..].is_empty() || body[line..].starts_with("//")) {
            return rest;
        }
        rest = &rest[..line];
    }
}

/// The receiver's type and the name of the method that this declares, if it does.
pub fn method(text: &str) -> Option<(&str, &str)> {
    let (receiver, rest) = text.strip_prefix("func (")?.split_once(") ")?;
    // The type parameters of a generic receiver may hold spaces.
    let plain = receiver.split('[').next().unwrap_or("");
    let ty = plain.rsplit([' ', '*']).find(|s| !s.is_empty()).unwrap_or("");
    Some((ty, first(rest).0))
}

fn first(s: &str) -> (&str, &str) {
    s.split_at(s.bytes().take_while(|&c| is_ident(c)).count())
}

/// The names that a declaration declares; a method declares none.
pub fn declared(text: &str) -> Vec<&str> {
    if let Some(rest) = text.strip_prefix("func ") {
        return if rest.starts_with('(') { Vec::new() } else { vec![first(rest).0] };
    }
    let mut found = Vec::new();
    let Some((_, rest)) = text.split_once(' ') else { return found };
    if !rest.starts_with('(') {
        names(rest, &mut found);
        return found;
    }
    // A group: specifications stand at one tab.
    let b = rest.as_bytes();
    let mut i = 0;
    while i < b.len() {
        if b[i] != b'\n' {
            i = skip(b, i).unwrap_or(i + 1);
            continue;
        }
        i += 1;
        if b.get(i) == Some(&b'\t') && b.get(i + 1).is_some_and(|&c| is_ident(c)) {
            names(&rest[i + 1..], &mut found);
        }
    }
    found
}

/// The names at the beginning of a specification.
fn names<'a>(line: &'a str, found: &mut Vec<&'a str>) {
    let mut rest = line;
    loop {
        let (name, after) = first(rest);
        if !name.is_empty() && name != "_" {
            found.push(name);
        }
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return,
        }
    }
}

/// The names within the braces of interface types: those of their methods, and more.
pub fn in_interfaces(text: &str) -> Vec<&str> {
    let b = text.as_bytes();
    let (mut found, mut i) = (Vec::new(), 0);
    // Depth of braces in an interface; whether its keyword stands before.
    let (mut depth, mut begins) = (0, false);
    while i < b.len() {
        if is_ident(b[i]) {
            let name = first(&text[i..]).0;
            if depth > 0 {
                found.push(name);
            }
            begins = name == "interface";
            i += name.len();
            continue;
        }
        if let Some(end) = skip(b, i) {
            i = end;
            continue;
        }
        match b[i] {
            b'{' if begins || depth > 0 => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            _ => {}
        }
        begins &= b[i] == b' ';
        i += 1;
    }
    found
}
