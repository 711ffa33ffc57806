//! What the line editor asks while an input is typed: is it whole, what could follow, how does it look.
use crate::base::diag::Diagnostics;
use crate::base::intern::Interner;
use crate::cli::doc;
use crate::syntax::lex::lex;
use crate::syntax::token::Tok;
use crate::vm::session::{Candidate, Session};
use crate::vm::source;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// Texts longer than this are not coloured: it is done again with every key.
const MAX_COLOURED: usize = 20_000;

const KEYWORDS: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

const PREDECLARED: &[&str] = &[
    "any",
    "append",
    "bool",
    "byte",
    "cap",
    "clear",
    "close",
    "comparable",
    "complex",
    "complex128",
    "complex64",
    "copy",
    "delete",
    "error",
    "false",
    "float32",
    "float64",
    "imag",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "iota",
    "len",
    "make",
    "max",
    "min",
    "new",
    "nil",
    "panic",
    "print",
    "println",
    "real",
    "recover",
    "rune",
    "string",
    "true",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "uintptr",
];

pub struct Helper {
    session: Rc<RefCell<Session>>,
    colour: bool,
}

impl Helper {
    pub fn new(session: Rc<RefCell<Session>>, colour: bool) -> Helper {
        Helper { session, colour }
    }
}

impl rustyline::Helper for Helper {}

impl Hinter for Helper {
    type Hint = String;
}

impl Validator for Helper {
    fn validate(&self, ctx: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let text = ctx.input();
        if !text.trim_start().starts_with(':') && crate::syntax::is_incomplete(text) {
            return Ok(ValidationResult::Incomplete);
        }
        Ok(ValidationResult::Valid(None))
    }
}

/// A candidate as rustyline wants it: what is shown says what it is.
pub struct Pair {
    shown: String,
    name: String,
}

impl rustyline::completion::Candidate for Pair {
    fn display(&self) -> &str {
        &self.shown
    }

    fn replacement(&self) -> &str {
        &self.name
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _ctx: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, list) = complete(&mut self.session.borrow_mut(), &line[..pos]);
        let pair = |c: Candidate| Pair { shown: if c.what.is_empty() { c.name.clone() } else { c.what }, name: c.name };
        Ok((start, list.into_iter().map(pair).collect()))
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Where the word before the end of `text` begins, and what it could be.
fn complete(session: &mut Session, text: &str) -> (usize, Vec<Candidate>) {
    let start = text.char_indices().rev().take_while(|(_, c)| is_word(*c)).last().map_or(text.len(), |(i, _)| i);
    let word = &text[start..];
    let mut list = Vec::new();
    if let Some(before) = text[..start].strip_suffix('.') {
        let operand = operand(before);
        if operand.is_empty() {
            return (start, list);
        }
        let package = match session.imported(operand) {
            Some(path) => Some(path),
            None if session.names().iter().any(|n| n.name == operand) => None,
            None => source::std_package_named(operand).map(str::to_string),
        };
        list = match package {
            Some(path) => doc::members(&path).into_iter().map(|(name, what)| Candidate { name, what }).collect(),
            None => session.members(operand),
        };
    } else if text.trim_start().starts_with(':') && text.trim_start()[1..].chars().all(is_word) {
        list.extend(
            super::command::COMMANDS
                .iter()
                .map(|c| Candidate { name: c.0.to_string(), what: format!(":{:<12} {}", c.0, c.2) }),
        );
    } else if word.is_empty() {
        return (start, list);
    } else {
        list = session.names();
        let plain = |n: &str| Candidate { name: n.to_string(), what: n.to_string() };
        list.extend(KEYWORDS.iter().chain(PREDECLARED).map(|n| plain(n)));
        for path in source::std_packages() {
            let name = path.rsplit('/').next().unwrap_or(path);
            if source::std_package_named(name) == Some(path) {
                list.push(Candidate { name: name.to_string(), what: format!("package {path}") });
            }
        }
    }
    list.retain(|c| c.name.starts_with(word));
    list.sort();
    list.dedup_by(|a, b| a.name == b.name);
    (start, list)
}

/// The operand that a selector's dot follows: names, calls and indexes, back to where it begins.
fn operand(text: &str) -> &str {
    let mut depth = 0usize;
    let mut start = text.len();
    for (i, c) in text.char_indices().rev() {
        match c {
            ')' | ']' => depth += 1,
            '(' | '[' if depth == 0 => break,
            '(' | '[' => depth -= 1,
            '.' => {}
            c if depth > 0 || is_word(c) => {}
            _ => break,
        }
        start = i;
    }
    &text[start..]
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        if !self.colour || line.len() > MAX_COLOURED || line.trim_start().starts_with(':') {
            return Cow::Borrowed(line);
        }
        Cow::Owned(coloured(line, pos))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        if self.colour { Cow::Owned(format!("\x1b[1;36m{prompt}\x1b[0m")) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _completion: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }

    fn highlight_char(&self, _line: &str, _pos: usize, _kind: CmdKind) -> bool {
        self.colour
    }
}

const KEYWORD: &str = "\x1b[1;34m";
const LITERAL: &str = "\x1b[32m";
const COMMENT: &str = "\x1b[2m";
const MATCH: &str = "\x1b[1;7m";
const PLAIN: &str = "\x1b[0m";

/// A text with colours; the bracket at the cursor and its partner stand out.
fn coloured(line: &str, pos: usize) -> String {
    let (mut names, mut diags) = (Interner::default(), Diagnostics::default());
    let tokens: Vec<(usize, usize)> = lex(line, 0, &mut names, &mut diags)
        .iter()
        .filter(|t| !matches!(t.1, Tok::Semi(_)))
        .map(|t| (t.0 as usize, t.2 as usize))
        .collect();
    let partners = matching(line, &tokens, pos);
    let mut out = String::with_capacity(line.len() * 2);
    let mut at = 0;
    let gap = |out: &mut String, text: &str| {
        // Between tokens lie spaces, comments, and what is no token yet.
        match text.find("//").or(text.find("/*")) {
            Some(i) => out.push_str(&format!("{}{COMMENT}{}{PLAIN}", &text[..i], &text[i..])),
            None => out.push_str(text),
        }
    };
    for (lo, hi) in tokens {
        if lo < at || hi > line.len() || hi <= lo || !line.is_char_boundary(lo) || !line.is_char_boundary(hi) {
            continue;
        }
        gap(&mut out, &line[at..lo]);
        let text = &line[lo..hi];
        let style = if partners.is_some_and(|(a, b)| a == lo || b == lo) {
            MATCH
        } else if KEYWORDS.contains(&text) {
            KEYWORD
        } else if text.starts_with(['"', '`', '\'']) || text.starts_with(|c: char| c.is_ascii_digit()) {
            LITERAL
        } else {
            ""
        };
        out.push_str(style);
        out.push_str(text);
        if !style.is_empty() {
            out.push_str(PLAIN);
        }
        at = hi;
    }
    gap(&mut out, &line[at..]);
    out
}

/// The bracket at the cursor, or just before it, and the one that belongs to it.
fn matching(line: &str, tokens: &[(usize, usize)], pos: usize) -> Option<(usize, usize)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut pairs = Vec::new();
    for &(lo, hi) in tokens {
        match line.get(lo..hi)? {
            b @ ("(" | "[" | "{") => open.push((lo, b)),
            b @ (")" | "]" | "}") => {
                let (at, o) = open.pop()?;
                if !matches!((o, b), ("(", ")") | ("[", "]") | ("{", "}")) {
                    return None;
                }
                pairs.push((at, lo));
            }
            _ => {}
        }
    }
    let touches = |p: usize| p == pos || p + 1 == pos;
    pairs
        .iter()
        .copied()
        .find(|p| p.0 == pos || p.1 == pos)
        .or(pairs.into_iter().find(|p| touches(p.0) || touches(p.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_end_where_they_begin() {
        for (text, expected) in [
            ("x", "x"),
            ("f(a, b)", "f(a, b)"),
            ("y := a.b[i]", "a.b[i]"),
            ("g(h", "h"),
            ("a + b", "b"),
            ("f(x)[1].y", "f(x)[1].y"),
            ("", ""),
        ] {
            assert_eq!(operand(text), expected, "{text}");
        }
    }

    #[test]
    fn colours_do_not_change_the_text() {
        for text in ["x := \"a\" + `b", "for i := range 3 { f(i) } // end", "if é { \"ü\" }", "/* a", "'", "f(a[1])"]
        {
            for pos in 0..=text.len() {
                let mut plain = String::new();
                let coloured = coloured(text, pos);
                let mut rest = coloured.as_str();
                while let Some(i) = rest.find('\x1b') {
                    plain.push_str(&rest[..i]);
                    rest = &rest[i + rest[i..].find('m').unwrap() + 1..];
                }
                plain.push_str(rest);
                assert_eq!(plain, text);
            }
        }
        assert!(coloured("f(a[1])", 1).contains("\x1b[1;7m(\x1b[0m"));
    }
}
