//! Natives of `regexp`: Go's syntax and results over the automata of `regex-automata`, so every search takes time linear
//! in its text. The VM keeps what it compiled, by expression and mode, and compiles again what it had to forget.
mod class;
mod longest;
mod parse;

use super::long;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use parse::{Look, Node, SyntaxError};
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{self, Hir};
use std::borrow::Cow;
use std::sync::Arc;

pub const NATIVES: &[NativeEntry] = &[
    ("regexp.QuoteMeta", quote_meta),
    ("regexp.compile", compile),
    ("regexp.findAll", find_all),
    ("regexp.isMatch", is_match),
    ("regexp.replace", replace),
];

/// So many bytes may an automaton take.
const SIZE_LIMIT: usize = 64 << 20;
/// So many expressions are kept compiled.
const KEPT: usize = 1000;

/// A result is at most so long.
const MAX_RESULT: usize = 1 << 30;

const POSIX: u8 = 1;
const LONGEST: u8 = 2;

struct Compiled {
    engine: Engine,
    names: Vec<String>,
    prefix: (String, bool),
}

enum Engine {
    First(Regex),
    Longest(NFA),
}

type Kept = rustc_hash::FxHashMap<(Vec<u8>, u8), Arc<Compiled>>;

fn translate(node: &Node) -> Hir {
    match node {
        Node::Empty => Hir::empty(),
        Node::Char(c, fold) => match char::from_u32(*c) {
            None => Hir::fail(),
            Some(c) if !fold => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Some(c) => class_hir(&class::Class::of(&[(c as u32, c as u32)], true)),
        },
        Node::Class(class) => class_hir(class),
        Node::Look(look) => Hir::look(match look {
            Look::TextStart => hir::Look::Start,
            Look::TextEnd => hir::Look::End,
            Look::LineStart => hir::Look::StartLF,
            Look::LineEnd => hir::Look::EndLF,
            Look::Word => hir::Look::WordAscii,
            Look::NotWord => hir::Look::WordAsciiNegate,
        }),
        Node::Cat(nodes) => Hir::concat(nodes.iter().map(translate).collect()),
        Node::Alt(nodes) => Hir::alternation(nodes.iter().map(translate).collect()),
        Node::Repeat { min, max, greedy, sub } => {
            Hir::repetition(hir::Repetition { min: *min, max: *max, greedy: *greedy, sub: Box::new(translate(sub)) })
        }
        // Several groups may have one name: the engine knows numbers only.
        Node::Capture { index, sub } => {
            Hir::capture(hir::Capture { index: *index, name: None, sub: Box::new(translate(sub)) })
        }
    }
}

fn class_hir(class: &class::Class) -> Hir {
    Hir::class(hir::Class::Unicode(class.hir()))
}

impl Compiled {
    fn new(text: &[u8], mode: u8) -> Result<Compiled, SyntaxError> {
        let parsed = parse::parse(text, mode & POSIX != 0)?;
        let too_large = || SyntaxError { code: "expression too large", part: text.to_vec() };
        let hir = translate(&parsed.node);
        let engine = if mode & LONGEST == 0 {
            let config = meta::Config::new().nfa_size_limit(Some(SIZE_LIMIT)).utf8_empty(true);
            Engine::First(meta::Builder::new().configure(config).build_from_hir(&hir).map_err(|_| too_large())?)
        } else {
            let config = thompson::Config::new().nfa_size_limit(Some(SIZE_LIMIT));
            let nfa = thompson::Compiler::new().configure(config).build_from_hir(&hir);
            Engine::Longest(nfa.map_err(|_| too_large())?)
        };
        Ok(Compiled { engine, names: parsed.names, prefix: parse::literal_prefix(&parsed.node) })
    }

    /// The first match from `from` on: the places of the first groups as `out` has room for.
    fn search(&self, text: &str, from: usize, out: &mut Vec<Option<usize>>, groups: usize) -> bool {
        out.clear();
        match &self.engine {
            Engine::First(re) => {
                let input = Input::new(text).span(from..text.len()).anchored(Anchored::No);
                let mut slots = vec![None; groups * 2];
                if re.search_slots(&input, &mut slots).is_none() {
                    return false;
                }
                out.extend(slots.into_iter().map(|s| s.map(|s| s.get())));
                true
            }
            Engine::Longest(nfa) => match longest::search(nfa, text.as_bytes(), from, groups) {
                Some(slots) => {
                    *out = slots;
                    true
                }
                None => false,
            },
        }
    }
}

fn with_kept<R>(cx: &Cx, f: impl FnOnce(&mut Kept) -> R) -> R {
    let mut state = cx.env.state.lock();
    let kept = state.entry("regexp").or_insert_with(|| Box::new(Kept::default()));
    match kept.downcast_mut() {
        Some(kept) => f(kept),
        None => f(&mut Kept::default()),
    }
}

/// The expression of parameters 0 and 1.
fn compiled(cx: &Cx) -> Result<Arc<Compiled>, SyntaxError> {
    let key = (cx.str(0).to_vec(), cx.int(1) as u8);
    if let Some(known) = with_kept(cx, |k| k.get(&key).cloned()) {
        return Ok(known);
    }
    let new = Arc::new(Compiled::new(&key.0, key.1)?);
    with_kept(cx, |k| {
        if k.len() >= KEPT {
            k.clear();
        }
        k.insert(key, new.clone());
    });
    Ok(new)
}

fn failed(e: SyntaxError) -> crate::value::native::Trap {
    let text = format!("regexp: {}: `{}`", e.code, String::from_utf8_lossy(&e.part));
    crate::value::native::Trap::Panic(text)
}

/// A text as the automata take it: with U+FFFD in place of each byte that is not UTF-8, as Go reads it.
struct Text<'a> {
    text: Cow<'a, str>,
    /// Where these are, in `text`.
    bad: Vec<usize>,
}

impl<'a> Text<'a> {
    fn new(bytes: Cow<'a, [u8]>) -> Text<'a> {
        let bytes = match bytes {
            Cow::Borrowed(b) => match std::str::from_utf8(b) {
                Ok(s) => return Text { text: Cow::Borrowed(s), bad: Vec::new() },
                Err(_) => Cow::Borrowed(b),
            },
            Cow::Owned(b) => match String::from_utf8(b) {
                Ok(s) => return Text { text: Cow::Owned(s), bad: Vec::new() },
                Err(e) => Cow::Owned(e.into_bytes()),
            },
        };
        let (mut text, mut bad) = (String::with_capacity(bytes.len() + 16), Vec::new());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                bad.push(text.len());
                text.push('\u{fffd}');
            }
        }
        Text { text: Cow::Owned(text), bad }
    }

    /// A place in the program's text.
    fn place(&self, at: usize) -> usize {
        at - 2 * self.bad.partition_point(|b| *b < at)
    }
}

/// The bytes of a parameter.
#[derive(Clone, Copy)]
struct Source {
    bytes: &'static [u8],
    /// Another G may change them.
    changes: bool,
}

impl Source {
    /// Of parameters `i` (a string) or, if `i + 2` says so, `i + 1` (bytes). They stay until the native is done.
    fn of(cx: &Cx, i: usize) -> Source {
        match cx.bool(i + 2) {
            true => Source { bytes: cx.bytes_view(i + 1), changes: true },
            false => Source { bytes: cx.str(i), changes: false },
        }
    }

    fn bytes(self) -> Cow<'static, [u8]> {
        if self.changes { Cow::Owned(self.bytes.to_vec()) } else { Cow::Borrowed(self.bytes) }
    }
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

/// `compile(expr string, mode int) (names []string, prefix string, complete bool, code, part string)`
fn compile(cx: &mut Cx) -> NativeResult {
    match compiled(cx) {
        Ok(re) => {
            cx.set_strs(0, &re.names)?;
            cx.set_str(1, re.prefix.0.as_bytes())?;
            cx.set_bool(2, re.prefix.1);
            cx.set_word(3, 0);
            cx.set_word(4, 0);
        }
        Err(e) => {
            cx.set_word(0, 0);
            cx.set_word(1, 0);
            cx.set_bool(2, false);
            cx.set_str(3, e.code.as_bytes())?;
            cx.set_str(4, &e.part)?;
        }
    }
    Ok(Outcome::Done)
}

/// `isMatch(expr string, mode int, s string, b []byte, bytes bool) bool`
fn is_match(cx: &mut Cx) -> NativeResult {
    let re = compiled(cx).map_err(failed)?;
    let source = Source::of(cx, 2);
    let work = move || {
        let t = Text::new(source.bytes());
        match &re.engine {
            Engine::First(re) => re.is_match(&*t.text),
            Engine::Longest(_) => re.search(&t.text, 0, &mut Vec::new(), 1),
        }
    };
    long::work(cx, source.bytes.len(), work, |cx, found| {
        cx.set_bool(0, *found);
        Ok(Outcome::Done)
    })
}

/// `findAll(expr string, mode int, s string, b []byte, bytes bool, n, groups int) []int`: at most n matches, each as the
/// places of its first groups; -1 where a group has no part in it.
fn find_all(cx: &mut Cx) -> NativeResult {
    let re = compiled(cx).map_err(failed)?;
    let source = Source::of(cx, 2);
    let limit = usize::try_from(cx.int(5)).unwrap_or(usize::MAX);
    let groups = (cx.int(6).max(1) as usize).min(re.names.len());
    let most = long::most(cx) / 8;
    let work = move || {
        let t = Text::new(source.bytes());
        let mut out: Vec<u64> = Vec::new();
        let mut slots = Vec::new();
        let (mut at, mut count, mut last_end) = (0, 0, None);
        while count < limit && at <= t.text.len() && re.search(&t.text, at, &mut slots, groups) {
            let (Some(start), Some(end)) = (slots[0], slots[1]) else { break };
            // No empty match right behind another match.
            let accept = !(end == at && Some(start) == last_end);
            at = if end == at { at + width(&t.text, at).max(1) } else { end };
            last_end = Some(end);
            if accept {
                count += 1;
                out.extend(slots.iter().map(|s| s.map_or(u64::MAX, |s| t.place(s) as u64)));
                if out.len() > most {
                    return None;
                }
            }
        }
        Some(out)
    };
    long::work(cx, source.bytes.len(), work, |cx, out| {
        let out = out.as_ref().ok_or(Trap::OutOfMemory)?;
        let w = if out.is_empty() { 0 } else { cx.new_words(out, false)? };
        cx.set_word(0, w);
        Ok(Outcome::Done)
    })
}

/// A piece of what replaces a match.
enum Piece<'a> {
    Text(&'a [u8]),
    /// The group of this number; of several with one name, the first that took part.
    Groups(Vec<usize>),
}

/// A template such as `$1-${name}`.
fn template<'a>(mut s: &'a [u8], names: &[String]) -> Vec<Piece<'a>> {
    let mut out = Vec::new();
    while let Some(i) = memchr::memchr(b'$', s) {
        out.push(Piece::Text(&s[..i]));
        s = &s[i..];
        if s.get(1) == Some(&b'$') {
            out.push(Piece::Text(b"$"));
            s = &s[2..];
            continue;
        }
        let Some((name, rest)) = reference(s) else {
            out.push(Piece::Text(b"$"));
            s = &s[1..];
            continue;
        };
        s = rest;
        if name.bytes().all(|b| b.is_ascii_digit()) {
            if let Some(n) = name.parse().ok().filter(|n| *n < names.len()) {
                out.push(Piece::Groups(vec![n]));
            }
        } else {
            out.push(Piece::Groups((0..names.len()).filter(|i| names[*i] == name).collect()));
        }
    }
    out.push(Piece::Text(s));
    out
}

/// `$name` or `${name}` at the start of `s`: the name and what follows.
fn reference(s: &[u8]) -> Option<(String, &[u8])> {
    let brace = s.get(1) == Some(&b'{');
    let start = if brace { 2 } else { 1 };
    let rest = s.get(start..)?.utf8_chunks().next().map_or("", |c| c.valid());
    let word = |c: char| c == '_' || c.is_alphabetic() || c.is_numeric();
    let len = rest.find(|c| !word(c)).unwrap_or(rest.len());
    let name = rest[..len].to_string();
    let mut end = start + len;
    if name.is_empty() || end > s.len() {
        return None;
    }
    if brace {
        if s.get(end) != Some(&b'}') {
            return None;
        }
        end += 1;
    }
    Some((name, &s[end..]))
}

/// `replace(expr string, mode int, s string, b []byte, bytes bool, repl string, literal bool) string`
fn replace(cx: &mut Cx) -> NativeResult {
    let re = compiled(cx).map_err(failed)?;
    let source = Source::of(cx, 2);
    let (by, literal) = (cx.str(5), cx.bool(6));
    let most = long::most(cx).min(MAX_RESULT);
    let work = move || replaced(&re, source, by, literal, most);
    long::work(cx, source.bytes.len(), work, |cx, out| {
        match out.as_ref().ok_or(Trap::OutOfMemory)? {
            None if !cx.bool(4) => {
                let w = cx.word(2);
                cx.set_word(0, w);
            }
            None => {
                let b = cx.bytes(3);
                cx.set_str(0, &b)?;
            }
            Some(out) => cx.set_str(0, out)?,
        }
        Ok(Outcome::Done)
    })
}

/// The text with its matches replaced; `Some(None)`: there are none. `None`: it would be longer than `most`.
fn replaced(re: &Compiled, source: Source, by: &[u8], literal: bool, most: usize) -> Option<Option<Vec<u8>>> {
    let src = source.bytes();
    let t = Text::new(Cow::Borrowed(&src));
    let pieces = if literal { vec![Piece::Text(by)] } else { template(by, &re.names) };
    let needs = |p: &Piece| if let Piece::Groups(n) = p { n.last().map_or(1, |n| n + 1) } else { 1 };
    let groups = pieces.iter().map(needs).max().unwrap_or(1);
    let mut out = Vec::with_capacity(src.len());
    let mut slots = Vec::new();
    let (mut at, mut last_end, mut any) = (0, 0, false);
    while at <= t.text.len() && re.search(&t.text, at, &mut slots, groups) {
        let (Some(start), Some(end)) = (slots[0], slots[1]) else { break };
        out.extend_from_slice(&src[t.place(last_end)..t.place(start)]);
        if end > last_end || start == 0 {
            any = true;
            for p in &pieces {
                match p {
                    Piece::Text(s) => out.extend_from_slice(s),
                    Piece::Groups(list) => {
                        let place = list.iter().find_map(|n| slots[2 * n].zip(slots[2 * n + 1]));
                        if let Some((lo, hi)) = place {
                            out.extend_from_slice(&src[t.place(lo)..t.place(hi)]);
                        }
                    }
                }
                if out.len() > most {
                    return None;
                }
            }
        }
        last_end = end;
        let w = width(&t.text, at);
        at = if at + w > end {
            at + w
        } else if at + 1 > end {
            at + 1
        } else {
            end
        };
    }
    if !any {
        return Some(None);
    }
    out.extend_from_slice(&src[t.place(last_end)..]);
    Some(Some(out))
}

/// `QuoteMeta(s string) string`
fn quote_meta(cx: &mut Cx) -> NativeResult {
    let mut out = Vec::new();
    for &b in cx.str(0) {
        if br"\.+*?()|[]{}^$".contains(&b) {
            out.push(b'\\');
        }
        out.push(b);
    }
    cx.set_str(0, &out)?;
    Ok(Outcome::Done)
}
