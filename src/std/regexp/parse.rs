//! Go's syntax of regular expressions: text to a tree, with Go's errors. Knows nothing of matching.
use super::class::{self, Class};

/// What an expression is made of.
#[derive(Debug, Clone)]
pub enum Node {
    Empty,
    /// A character, perhaps of any case.
    Char(u32, bool),
    Class(Class),
    Look(Look),
    Cat(Vec<Node>),
    Alt(Vec<Node>),
    Repeat {
        min: u32,
        max: Option<u32>,
        greedy: bool,
        sub: Box<Node>,
    },
    Capture {
        index: u32,
        sub: Box<Node>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Look {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    Word,
    NotWord,
}

pub struct Parsed {
    pub node: Node,
    /// The names of all groups; group 0 is the whole.
    pub names: Vec<String>,
}

/// What is wrong, and where: Go's words.
#[derive(Debug)]
pub struct SyntaxError {
    pub code: &'static str,
    pub part: Vec<u8>,
}

type Result<T> = std::result::Result<T, SyntaxError>;

fn fail<T>(code: &'static str, part: &str) -> Result<T> {
    Err(SyntaxError { code, part: part.as_bytes().to_vec() })
}

const MISSING_PAREN: &str = "missing closing )";
const BAD_CLASS_RANGE: &str = "invalid character class range";
const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_NAME: &str = "invalid named capture";
const BAD_REPEAT_SIZE: &str = "invalid repeat count";
const NO_REPEAT_ARGUMENT: &str = "missing argument to repetition operator";

/// A tree is at most so high.
const MAX_HEIGHT: usize = 1000;
/// A piece is repeated at most so often, all told.
const MAX_REPEAT: u32 = 1000;

#[derive(Clone, Copy)]
pub struct Flags {
    pub fold: bool,
    /// `^` and `$` mean lines.
    pub lines: bool,
    pub dot_newline: bool,
    pub swap_greed: bool,
    /// Perl's additions; POSIX's syntax is without.
    pub perl: bool,
}

/// A group whose end has not been seen.
struct Open {
    capture: Option<u32>,
    /// What to go back to.
    flags: Flags,
    alternatives: Vec<Node>,
    items: Vec<(Node, usize)>,
    height: usize,
}

struct Parser<'a> {
    whole: &'a str,
    flags: Flags,
    names: Vec<String>,
    /// The groups around the present one.
    stack: Vec<Open>,
    alternatives: Vec<Node>,
    /// With their heights.
    items: Vec<(Node, usize)>,
    /// The highest of the alternatives.
    height: usize,
}

/// Parses an expression; `posix`: without Perl's additions.
pub fn parse(text: &[u8], posix: bool) -> Result<Parsed> {
    let Ok(whole) = std::str::from_utf8(text) else {
        return Err(SyntaxError { code: "invalid UTF-8", part: text.to_vec() });
    };
    let flags = Flags { fold: false, lines: posix, dot_newline: false, swap_greed: false, perl: !posix };
    let mut p = Parser {
        whole,
        flags,
        names: vec![String::new()],
        stack: Vec::new(),
        alternatives: Vec::new(),
        items: Vec::new(),
        height: 0,
    };
    let mut rest = whole;
    let mut last_repeat = "";
    while let Some(c) = rest.chars().next() {
        let before = rest;
        let mut repeat = "";
        match c {
            '(' if p.flags.perl && rest.starts_with("(?") => rest = p.perl_group(rest)?,
            '(' => {
                p.names.push(String::new());
                p.open(Some(p.names.len() as u32 - 1), p.flags)?;
                rest = &rest[1..];
            }
            '|' => {
                p.end_alternative();
                rest = &rest[1..];
            }
            ')' => {
                p.close()?;
                rest = &rest[1..];
            }
            '^' => {
                p.push(Node::Look(if p.flags.lines { Look::LineStart } else { Look::TextStart }));
                rest = &rest[1..];
            }
            '$' => {
                p.push(Node::Look(if p.flags.lines { Look::LineEnd } else { Look::TextEnd }));
                rest = &rest[1..];
            }
            '.' => {
                let class = if p.flags.dot_newline { Class::any() } else { Class::not_newline() };
                p.push(Node::Class(class));
                rest = &rest[1..];
            }
            '[' => {
                let (class, after) = class::parse_class(rest, p.flags)?;
                p.push(Node::Class(class));
                rest = after;
            }
            '*' | '+' | '?' => {
                let (min, max) = match c {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                rest = p.repeat(min, max, before, &rest[1..], last_repeat)?;
                repeat = before;
            }
            '{' => match counts(rest) {
                None => {
                    p.push(Node::Char('{' as u32, p.flags.fold));
                    rest = &rest[1..];
                }
                Some((range, after)) => {
                    let range = range.filter(|(min, max)| {
                        *min <= MAX_REPEAT && max.is_none_or(|max| max <= MAX_REPEAT && *min <= max)
                    });
                    let Some((min, max)) = range else {
                        return fail(BAD_REPEAT_SIZE, &before[..before.len() - after.len()]);
                    };
                    rest = p.repeat(min, max, before, after, last_repeat)?;
                    repeat = before;
                }
            },
            '\\' => rest = p.backslash(rest)?,
            _ => {
                p.push(Node::Char(c as u32, p.flags.fold));
                rest = &rest[c.len_utf8()..];
            }
        }
        last_repeat = repeat;
    }
    if !p.stack.is_empty() {
        return fail(MISSING_PAREN, whole);
    }
    let (node, _) = p.group()?;
    Ok(Parsed { node, names: p.names })
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `s`, and what follows. The inner `None`: numbers too large.
type Counts = Option<(u32, Option<u32>)>;

fn counts(s: &str) -> Option<(Counts, &str)> {
    let (min, rest) = number(&s[1..])?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => number(rest).map(|(n, rest)| (Some(n), rest))?,
    };
    let rest = rest.strip_prefix('}')?;
    let range = match max {
        None => min.map(|min| (min, None)),
        Some(max) => min.zip(max).map(|(min, max)| (min, Some(max))),
    };
    Some((range, rest))
}

/// A number without leading zeros; the inner `None`: too large.
fn number(s: &str) -> Option<(Option<u32>, &str)> {
    let len = s.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 || len > 1 && s.starts_with('0') {
        return None;
    }
    Some((s[..len].parse().ok().filter(|n| *n < 100_000_000), &s[len..]))
}

impl<'a> Parser<'a> {
    fn push(&mut self, node: Node) {
        self.items.push((node, 1));
    }

    fn open(&mut self, capture: Option<u32>, outer: Flags) -> Result<()> {
        if self.stack.len() >= MAX_HEIGHT {
            return fail("expression nests too deeply", self.whole);
        }
        self.stack.push(Open {
            capture,
            flags: outer,
            alternatives: std::mem::take(&mut self.alternatives),
            items: std::mem::take(&mut self.items),
            height: std::mem::take(&mut self.height),
        });
        Ok(())
    }

    fn end_alternative(&mut self) {
        let mut height = 0;
        let mut nodes: Vec<Node> = Vec::with_capacity(self.items.len());
        for (node, h) in self.items.drain(..) {
            height = height.max(h);
            nodes.push(node);
        }
        let node = match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => {
                height += 1;
                Node::Cat(nodes)
            }
        };
        self.height = self.height.max(height.max(1));
        self.alternatives.push(node);
    }

    /// What the present group holds, and its height.
    fn group(&mut self) -> Result<(Node, usize)> {
        self.end_alternative();
        let mut height = std::mem::take(&mut self.height);
        let mut nodes = std::mem::take(&mut self.alternatives);
        let node = if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            height += 1;
            Node::Alt(nodes)
        };
        if height > MAX_HEIGHT {
            return fail("expression nests too deeply", self.whole);
        }
        Ok((node, height))
    }

    fn close(&mut self) -> Result<()> {
        if self.stack.is_empty() {
            return fail("unexpected )", self.whole);
        }
        let (node, height) = self.group()?;
        if let Some(outer) = self.stack.pop() {
            self.flags = outer.flags;
            self.alternatives = outer.alternatives;
            self.items = outer.items;
            self.height = outer.height;
            match outer.capture {
                Some(index) => {
                    self.items.push((Node::Capture { index, sub: Box::new(node) }, height + 1));
                }
                None => self.items.push((node, height)),
            }
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        before: &str,
        mut after: &'a str,
        last_repeat: &str,
    ) -> Result<&'a str> {
        let mut greedy = !self.flags.swap_greed;
        if self.flags.perl {
            if let Some(rest) = after.strip_prefix('?') {
                after = rest;
                greedy = !greedy;
            }
            if !last_repeat.is_empty() {
                let part = &last_repeat[..last_repeat.len() - after.len()];
                return fail("invalid nested repetition operator", part);
            }
        }
        let part = &before[..before.len() - after.len()];
        let Some((sub, height)) = self.items.pop() else {
            return fail(NO_REPEAT_ARGUMENT, part);
        };
        let sub = match sub {
            // x** is x*, and so on.
            Node::Repeat { min: m, max: None, greedy: g, sub }
                if g == greedy && (min, max) == (m, None) && m < 2 && before.as_bytes()[0] != b'{' =>
            {
                *sub
            }
            sub => sub,
        };
        if (min >= 2 || max.is_some_and(|m| m >= 2)) && !fits(&sub, MAX_REPEAT / max.unwrap_or(min).max(1)) {
            return fail(BAD_REPEAT_SIZE, part);
        }
        if height + 1 > MAX_HEIGHT {
            return fail("expression nests too deeply", self.whole);
        }
        self.items.push((Node::Repeat { min, max, greedy, sub: Box::new(sub) }, height + 1));
        Ok(after)
    }

    /// What begins with `(?`.
    fn perl_group(&mut self, s: &'a str) -> Result<&'a str> {
        let named = [("(?P<", 5), ("(?<", 4)].into_iter().find(|(p, len)| s.len() >= *len && s.starts_with(p));
        if let Some((prefix, _)) = named {
            let Some(end) = s.find('>') else { return fail(BAD_NAME, s) };
            let name = &s[prefix.len()..end];
            let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
            if name.is_empty() || !name.chars().all(word) {
                return fail(BAD_NAME, &s[..=end]);
            }
            self.names.push(name.to_string());
            self.open(Some(self.names.len() as u32 - 1), self.flags)?;
            return Ok(&s[end + 1..]);
        }
        let mut flags = self.flags;
        let (mut on, mut saw) = (true, false);
        for (i, c) in s.char_indices().skip(2) {
            match c {
                'i' => (flags.fold, saw) = (on, true),
                'm' => (flags.lines, saw) = (on, true),
                's' => (flags.dot_newline, saw) = (on, true),
                'U' => (flags.swap_greed, saw) = (on, true),
                '-' if on => (on, saw) = (false, false),
                ':' | ')' if on || saw => {
                    if c == ':' {
                        self.open(None, self.flags)?;
                    }
                    self.flags = flags;
                    return Ok(&s[i + 1..]);
                }
                _ => return fail("invalid or unsupported Perl syntax", &s[..i + c.len_utf8()]),
            }
        }
        fail("invalid or unsupported Perl syntax", s)
    }

    /// What begins with a backslash, outside of a class.
    fn backslash(&mut self, s: &'a str) -> Result<&'a str> {
        if self.flags.perl {
            let look = match s.as_bytes().get(1) {
                Some(b'A') => Some(Look::TextStart),
                Some(b'z') => Some(Look::TextEnd),
                Some(b'b') => Some(Look::Word),
                Some(b'B') => Some(Look::NotWord),
                Some(b'C') => return fail(BAD_ESCAPE, "\\C"),
                Some(b'Q') => {
                    let (text, rest) = s[2..].split_once("\\E").unwrap_or((&s[2..], ""));
                    for c in text.chars() {
                        self.push(Node::Char(c as u32, self.flags.fold));
                    }
                    return Ok(rest);
                }
                _ => None,
            };
            if let Some(look) = look {
                self.push(Node::Look(look));
                return Ok(&s[2..]);
            }
            if let Some((class, rest)) = class::parse_named_escape(s, self.flags)? {
                self.push(Node::Class(class));
                return Ok(rest);
            }
        }
        let (c, rest) = escape(s)?;
        self.push(Node::Char(c, self.flags.fold));
        Ok(rest)
    }
}

/// Whether nested counts multiply to at most `left`.
fn fits(node: &Node, left: u32) -> bool {
    match node {
        Node::Repeat { min, max, sub, .. } => {
            let n = max.unwrap_or(*min);
            // Of counted ones only: + and * are loops.
            let left = if *min >= 2 || max.is_some_and(|m| m >= 2) { left / n.max(1) } else { left };
            left > 0 && fits(sub, left)
        }
        Node::Capture { sub, .. } => fits(sub, left),
        Node::Cat(nodes) | Node::Alt(nodes) => nodes.iter().all(|n| fits(n, left)),
        _ => left > 0,
    }
}

/// A character written with a backslash at the start of `s`.
pub fn escape(s: &str) -> Result<(u32, &str)> {
    let mut chars = s.chars();
    chars.next();
    let Some(c) = chars.next() else { return fail("trailing backslash at end of expression", "") };
    let hex = |c: Option<char>| c.and_then(|c| c.to_digit(16));
    let found = match c {
        '0'..='7' if c == '0' || matches!(chars.clone().next(), Some('0'..='7')) => {
            let mut r = c as u32 - '0' as u32;
            for _ in 0..2 {
                match chars.clone().next() {
                    Some(d @ '0'..='7') => {
                        r = r * 8 + (d as u32 - '0' as u32);
                        chars.next();
                    }
                    _ => break,
                }
            }
            Some(r)
        }
        'x' => match chars.next() {
            Some('{') => {
                let (mut r, mut digits) = (0u32, 0);
                loop {
                    let c = chars.next();
                    if c == Some('}') {
                        break (digits > 0).then_some(r);
                    }
                    match hex(c) {
                        Some(v) if r * 16 + v <= 0x10ffff => {
                            r = r * 16 + v;
                            digits += 1;
                        }
                        _ => break None,
                    }
                }
            }
            Some(c) => {
                let (x, y) = (hex(Some(c)), hex(chars.next()));
                x.zip(y).map(|(x, y)| x * 16 + y)
            }
            None => None,
        },
        'a' => Some(7),
        'f' => Some(0xc),
        'n' => Some(0xa),
        'r' => Some(0xd),
        't' => Some(9),
        'v' => Some(0xb),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c as u32),
        _ => None,
    };
    let rest = chars.as_str();
    match found {
        Some(c) => Ok((c, rest)),
        None => fail(BAD_ESCAPE, &s[..s.len() - rest.len()]),
    }
}

pub fn bad_range<T>(part: &str) -> Result<T> {
    fail(BAD_CLASS_RANGE, part)
}

pub fn missing_bracket<T>(part: &str) -> Result<T> {
    fail("missing closing ]", part)
}

/// What every match begins with, and whether that is all there is to it, as far as Go sees.
pub fn literal_prefix(node: &Node) -> (String, bool) {
    let mut out = String::new();
    if let Node::Cat(nodes) = node
        && let [Node::Look(Look::TextStart), rest @ ..] = nodes.as_slice()
    {
        return anchored_prefix(rest);
    }
    let whole = add_prefix(node, &mut out);
    (out, whole)
}

/// The prefix behind `^`. Go knows it where it can match in one pass.
fn anchored_prefix(nodes: &[Node]) -> (String, bool) {
    let mut out = String::new();
    let at_end = matches!(nodes.last(), Some(Node::Look(Look::TextEnd)));
    let other_end = !at_end && matches!(nodes.last(), Some(Node::Look(_)));
    if other_end || !at_end && nodes.iter().any(has_choice) {
        return (out, false);
    }
    let chars = nodes.iter().take_while(|n| matches!(n, Node::Char(..)) && add_prefix(n, &mut out)).count();
    let whole = at_end && chars + 1 == nodes.len() && chars > 0;
    (out, whole)
}

/// Are there several ways through the node?
fn has_choice(node: &Node) -> bool {
    match node {
        Node::Alt(_) => true,
        Node::Repeat { min, max, sub, .. } => *max != Some(*min) || has_choice(sub),
        Node::Cat(nodes) => nodes.iter().any(has_choice),
        Node::Capture { sub, .. } => has_choice(sub),
        Node::Empty | Node::Char(..) | Node::Class(_) | Node::Look(_) => false,
    }
}

/// Adds what the node begins with; is that the whole node?
fn add_prefix(node: &Node, out: &mut String) -> bool {
    let one = match node {
        Node::Empty => return true,
        Node::Char(c, fold) if !fold || !cased(*c) => *c,
        Node::Class(class) if matches!(class.ranges[..], [(lo, hi)] if lo == hi) => class.ranges[0].0,
        Node::Char(..) | Node::Class(_) | Node::Look(_) => return false,
        Node::Capture { sub, .. } => return add_prefix(sub, out),
        Node::Cat(nodes) => return nodes.iter().all(|n| add_prefix(n, out)),
        Node::Repeat { min, max, sub, .. } => {
            return (0..*min).all(|_| add_prefix(sub, out)) && *max == Some(*min);
        }
        Node::Alt(nodes) => return add_common_prefix(nodes, out),
    };
    match char::from_u32(one) {
        Some(c) if c != '\u{fffd}' => out.push(c),
        _ => return false,
    }
    true
}

/// Adds the characters that all alternatives begin with; are they the same?
fn add_common_prefix(nodes: &[Node], out: &mut String) -> bool {
    let mut common: Option<(String, bool)> = None;
    for node in nodes {
        let items = if let Node::Cat(items) = node { items.as_slice() } else { std::slice::from_ref(node) };
        let mut own = String::new();
        let chars = items.iter().take_while(|n| matches!(n, Node::Char(..)) && add_prefix(n, &mut own)).count();
        let whole = chars == items.len();
        common = Some(match common {
            None => (own, whole),
            Some((text, all)) => {
                let same = text.chars().zip(own.chars()).take_while(|(a, b)| a == b).map(|p| p.0).collect();
                (same, all && whole && text == own)
            }
        });
    }
    let (text, whole) = common.unwrap_or_default();
    out.push_str(&text);
    whole
}

fn cased(c: u32) -> bool {
    Class::of(&[(c, c)], true).ranges.len() != 1 || Class::of(&[(c, c)], true).ranges[0].0 != c
}
