//! Classes of characters in regular expressions: `[a-z]`, `[[:alpha:]]`, `\d`, `\pL`.
use super::parse::{Flags, SyntaxError, bad_range, escape, missing_bracket};
use regex_syntax::hir::{self, ClassUnicode, ClassUnicodeRange};

/// Ranges of characters, sorted and apart.
#[derive(Debug, Clone)]
pub struct Class {
    pub ranges: Vec<(u32, u32)>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl Class {
    pub fn any() -> Class {
        Class { ranges: vec![(0, 0x10ffff)] }
    }

    pub fn not_newline() -> Class {
        Class { ranges: vec![(0, 9), (11, 0x10ffff)] }
    }

    /// The characters of some ranges, perhaps of any case.
    pub fn of(ranges: &[(u32, u32)], fold: bool) -> Class {
        let mut class = Class { ranges: ranges.to_vec() };
        class.normalize();
        if fold {
            let mut folded = class.hir();
            folded.case_fold_simple();
            class = Class::from_hir(&folded);
        }
        class
    }

    fn from_hir(class: &ClassUnicode) -> Class {
        Class { ranges: class.iter().map(|r| (r.start() as u32, r.end() as u32)).collect() }
    }

    pub fn hir(&self) -> ClassUnicode {
        let mut out = Vec::new();
        let mut add = |lo: u32, hi: u32| {
            if let (Some(lo), Some(hi)) = (char::from_u32(lo), char::from_u32(hi))
                && lo <= hi
            {
                out.push(ClassUnicodeRange::new(lo, hi));
            }
        };
        for &(lo, hi) in &self.ranges {
            // No text holds surrogates.
            if hi < 0xd800 || lo > 0xdfff {
                add(lo, hi);
            } else {
                if lo < 0xd800 {
                    add(lo, 0xd7ff);
                }
                if hi > 0xdfff {
                    add(0xe000, hi);
                }
            }
        }
        ClassUnicode::new(out)
    }

    fn normalize(&mut self) {
        self.ranges.sort_unstable();
        let mut out: Vec<(u32, u32)> = Vec::with_capacity(self.ranges.len());
        for &(lo, hi) in &self.ranges {
            match out.last_mut() {
                Some(last) if lo <= last.1.saturating_add(1) => last.1 = last.1.max(hi),
                _ => out.push((lo, hi)),
            }
        }
        self.ranges = out;
    }

    fn negate(mut self) -> Class {
        self.normalize();
        let mut out = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for (lo, hi) in self.ranges {
            if next < lo {
                out.push((next, lo - 1));
            }
            next = hi + 1;
        }
        if next <= 0x10ffff {
            out.push((next, 0x10ffff));
        }
        Class { ranges: out }
    }

    fn add(&mut self, other: Class) {
        self.ranges.extend(other.ranges);
    }
}

fn negate_if(class: Class, negated: bool) -> Class {
    if negated { class.negate() } else { class }
}

const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
const SPACE: &[(u32, u32)] = &[(9, 10), (12, 13), (32, 32)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];

fn posix(name: &str) -> Option<&'static [(u32, u32)]> {
    Some(match name {
        "alnum" => &[(0x30, 0x39), (0x41, 0x5a), (0x61, 0x7a)],
        "alpha" => &[(0x41, 0x5a), (0x61, 0x7a)],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(9, 9), (32, 32)],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => DIGIT,
        "graph" => &[(0x21, 0x7e)],
        "lower" => &[(0x61, 0x7a)],
        "print" => &[(0x20, 0x7e)],
        "punct" => &[(0x21, 0x2f), (0x3a, 0x40), (0x5b, 0x60), (0x7b, 0x7e)],
        "space" => &[(9, 13), (32, 32)],
        "upper" => &[(0x41, 0x5a)],
        "word" => WORD,
        "xdigit" => &[(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
        _ => return None,
    })
}

/// `\d`, `\pL` and their like at the start of `s`, and what follows.
pub fn parse_named_escape(s: &str, flags: Flags) -> Result<Option<(Class, &str)>> {
    let Some(&letter) = s.as_bytes().get(1) else { return Ok(None) };
    let ranges = match letter.to_ascii_lowercase() {
        b'd' => DIGIT,
        b's' => SPACE,
        b'w' => WORD,
        b'p' => return unicode(s, flags).map(Some),
        _ => return Ok(None),
    };
    let class = negate_if(Class::of(ranges, flags.fold), letter.is_ascii_uppercase());
    Ok(Some((class, &s[2..])))
}

/// `\pL`, `\p{Greek}`, `\P{^Greek}`.
fn unicode(s: &str, flags: Flags) -> Result<(Class, &str)> {
    let mut negated = s.as_bytes()[1] == b'P';
    let Some(c) = s[2..].chars().next() else { return bad_range(s) };
    let (part, mut name) = if c == '{' {
        let Some(end) = s.find('}') else { return bad_range(s) };
        (&s[..=end], &s[3..end])
    } else {
        let end = 2 + c.len_utf8();
        (&s[..end], &s[2..end])
    };
    if let Some(rest) = name.strip_prefix('^') {
        negated = !negated;
        name = rest;
    }
    let Some(class) = table(name) else { return bad_range(part) };
    let class = if flags.fold { Class::of(&class.ranges, true) } else { class };
    Ok((negate_if(class, negated), &s[part.len()..]))
}

/// A category or script of Unicode by name.
fn table(name: &str) -> Option<Class> {
    let simple: String =
        name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    match simple.as_str() {
        "any" => return Some(Class::any()),
        "ascii" => return Some(Class { ranges: vec![(0, 0x7f)] }),
        "assigned" => return table("Cn").map(Class::negate),
        // Surrogates are no characters here, but they are Go's.
        "cs" | "surrogate" => return Some(Class { ranges: vec![(0xd800, 0xdfff)] }),
        _ => {}
    }
    if simple.is_empty() || !simple.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let lookup = |property: &str| match regex_syntax::parse(property).ok()?.into_kind() {
        hir::HirKind::Class(hir::Class::Unicode(class)) => Some(Class::from_hir(&class)),
        hir::HirKind::Literal(hir::Literal(bytes)) => {
            let c = std::str::from_utf8(&bytes).ok()?.chars().next()? as u32;
            Some(Class { ranges: vec![(c, c)] })
        }
        _ => None,
    };
    let short = simple.len() <= 2;
    lookup(&format!("\\p{{gc={simple}}}")).or_else(|| {
        // Four letters are a script's code, which Go does not know.
        (!short).then(|| lookup(&format!("\\p{{sc={simple}}}"))).flatten()
    })
}

/// A character in a class at the start of `s`; `whole` is the class.
fn class_char<'a>(s: &'a str, whole: &str) -> Result<(u32, &'a str)> {
    match s.chars().next() {
        None => missing_bracket(whole),
        Some('\\') => escape(s),
        Some(c) => Ok((c as u32, &s[c.len_utf8()..])),
    }
}

/// `[...]` at the start of `s`, and what follows.
pub fn parse_class(s: &str, flags: Flags) -> Result<(Class, &str)> {
    let mut class = Class { ranges: Vec::new() };
    let mut rest = &s[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
        if !flags.perl {
            class.ranges.push((10, 10));
        }
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        if !flags.perl && !first && rest.starts_with('-') && !rest.starts_with("-]") {
            let size = rest[1..].chars().next().map_or(0, char::len_utf8);
            return bad_range(&rest[..1 + size]);
        }
        first = false;
        if let Some(inner) = rest.strip_prefix("[:")
            && let Some(end) = inner.find(":]")
        {
            let part = &rest[..end + 4];
            let name = &inner[..end];
            let (name, not) = name.strip_prefix('^').map_or((name, false), |n| (n, true));
            let Some(ranges) = posix(name) else { return bad_range(part) };
            class.add(negate_if(Class::of(ranges, flags.fold), not));
            rest = &rest[part.len()..];
            continue;
        }
        if flags.perl
            && rest.starts_with('\\')
            && let Some((named, after)) = parse_named_escape(rest, flags)?
        {
            class.add(named);
            rest = after;
            continue;
        }
        let start = rest;
        let (lo, after) = class_char(rest, s)?;
        rest = after;
        let mut hi = lo;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            (hi, rest) = class_char(&rest[1..], s)?;
            if hi < lo {
                return bad_range(&start[..start.len() - rest.len()]);
            }
        }
        class.add(Class::of(&[(lo, hi)], flags.fold));
    }
    class.normalize();
    Ok((negate_if(class, negated), &rest[1..]))
}
