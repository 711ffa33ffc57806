//! Text to tokens: logos finds where they begin, comments and literals are scanned by hand, semicolons are inserted by
//! Go's rule. The contextual tokens come later (`context`). Linear in the text, whatever it holds; a program nested
//! deeper than the limit is refused here, before anything is built on it.
use super::nesting::Nesting;
use super::token::{Raw, Tok, keyword};
use crate::base::diag::{Diagnostic, Diagnostics, LEXICAL};
use crate::base::intern::Interner;
use crate::base::span::Span;
use logos::{Lexer, Logos};

/// A token and where it lies.
pub type Spanned = (u32, Tok, u32);

/// Lexical errors reported in one file: the rest follow from them, or the file is no source at all.
const MAX_LEXICAL_ERRORS: usize = 20;

/// All tokens of a file whose first byte has position `base`.
pub fn lex(text: &str, base: u32, names: &mut Interner, diags: &mut Diagnostics) -> Vec<Spanned> {
    let mut skip = 0;
    if text.starts_with('\u{FEFF}') {
        skip = 3;
    }
    if text[skip..].starts_with("#!") {
        skip = text.find('\n').unwrap_or(text.len());
    }
    let mut scan = Scan {
        lexer: Raw::lexer(&text[skip..]),
        base: base + skip as u32,
        names,
        diags,
        out: Vec::with_capacity(text.len() / 4),
        nesting: Nesting::default(),
        errors: 0,
    };
    scan.forbidden_characters(&text[skip..]);
    scan.run()
}

pub(super) struct Scan<'t, 'c> {
    pub(super) lexer: Lexer<'t, Raw>,
    base: u32,
    pub(super) names: &'c mut Interner,
    diags: &'c mut Diagnostics,
    out: Vec<Spanned>,
    nesting: Nesting,
    errors: usize,
}

impl Scan<'_, '_> {
    pub(super) fn error(&mut self, lo: usize, hi: usize, message: impl Into<String>) {
        self.error_help(lo, hi, message, None);
    }

    pub(super) fn error_help(&mut self, lo: usize, hi: usize, message: impl Into<String>, help: Option<&str>) {
        self.errors += 1;
        if self.errors > MAX_LEXICAL_ERRORS {
            return;
        }
        let span = Span::new(self.base + lo as u32, self.base + hi as u32);
        let mut d = Diagnostic::error(LEXICAL, span, message);
        d.help = help.map(str::to_string);
        self.diags.push(d);
    }

    /// NUL and byte order marks are errors anywhere, in comments and strings too.
    fn forbidden_characters(&mut self, text: &str) {
        let wrong = |s: &mut Self, at: usize, len: usize, message: &str| {
            s.error(at, at + len, message);
            s.errors < MAX_LEXICAL_ERRORS
        };
        for (at, _) in text.match_indices('\0') {
            if !wrong(self, at, 1, "invalid NUL character") {
                break;
            }
        }
        for (at, _) in text.match_indices('\u{FEFF}') {
            if !wrong(self, at, 3, "invalid BOM in the middle of the file") {
                break;
            }
        }
    }

    /// A newline here ends a statement after these tokens.
    fn newline(&mut self, at: usize) {
        let ends = match self.out.last() {
            Some((_, t, _)) => {
                t.ends_operand()
                    || matches!(t, Tok::Break | Tok::Continue | Tok::Fallthrough | Tok::Return | Tok::Inc | Tok::Dec)
            }
            None => false,
        };
        if ends {
            let at = self.base + at as u32;
            self.nesting.token(Tok::Semi(true), Tok::RBrace);
            self.out.push((at, Tok::Semi(true), at));
        }
    }

    fn run(mut self) -> Vec<Spanned> {
        let mut prev = Tok::Semi(true);
        while let Some(raw) = self.lexer.next() {
            let span = self.lexer.span();
            let (lo, mut hi) = (span.start, span.end);
            let errors = self.errors;
            let Ok(raw) = raw else {
                self.invalid(lo);
                continue;
            };
            let tok = match raw {
                Raw::Newline => {
                    self.newline(lo);
                    continue;
                }
                Raw::LineComment => continue,
                Raw::BlockComment => {
                    self.block_comment(lo, hi);
                    continue;
                }
                Raw::Word => {
                    let word = self.lexer.slice();
                    match keyword(word) {
                        Some(k) => k,
                        None => Tok::Ident(self.names.intern(word)),
                    }
                }
                Raw::Number => self.number(lo),
                Raw::Quote => {
                    self.string(lo);
                    Tok::Str(self.names.intern(self.lexer.slice()))
                }
                Raw::Backquote => {
                    let rest = self.lexer.remainder();
                    match rest.find('`') {
                        Some(i) => self.lexer.bump(i + 1),
                        None => {
                            self.error(lo, hi, "string not terminated");
                            self.lexer.bump(rest.len());
                        }
                    }
                    Tok::Str(self.names.intern(self.lexer.slice()))
                }
                Raw::Tick => {
                    self.rune(lo);
                    Tok::Char(self.names.intern(self.lexer.slice()))
                }
                other => Tok::punctuation(other),
            };
            hi = hi.max(self.lexer.span().end);
            // What is malformed has been reported; nothing follows from its value.
            let tok = if self.errors > errors { Tok::Bad } else { tok };
            prev = self.out.last().map_or(prev, |t| t.1);
            if self.nesting.token(tok, prev) {
                let span = Span::new(self.base + lo as u32, self.base + hi as u32);
                self.diags.push(Diagnostic::error("nesting", span, "program is nested too deeply"));
                // What follows would only bring errors that follow from this one.
                return Vec::new();
            }
            self.out.push((self.base + lo as u32, tok, self.base + hi as u32));
        }
        let end = self.lexer.span().end;
        self.newline(end);
        self.out
    }

    /// No token begins at `lo`.
    fn invalid(&mut self, lo: usize) {
        let c = self.lexer.slice().chars().next().unwrap_or('\0');
        let end = lo + c.len_utf8();
        let shown = unicode(c);
        match c {
            '\0' | '\u{FEFF}' => {}
            '?' => self.error_help(
                lo,
                end,
                format!("invalid character {shown}"),
                Some("there is no ternary operator: use an if statement"),
            ),
            '#' => self.error_help(lo, end, format!("invalid character {shown}"), Some("a comment begins with //")),
            '\u{201C}' | '\u{201D}' | '\u{2018}' | '\u{2019}' => self.error_help(
                lo,
                end,
                format!("invalid character {shown} in identifier"),
                Some("use the plain quotes \" and '"),
            ),
            c if c.is_ascii() => self.error(lo, end, format!("invalid character {shown}")),
            c if c.is_numeric() => self.error(lo, end, format!("identifier cannot begin with digit {shown}")),
            _ => self.error(lo, end, format!("invalid character {shown} in identifier")),
        }
    }

    fn block_comment(&mut self, lo: usize, hi: usize) {
        let rest = self.lexer.remainder();
        match rest.find("*/") {
            Some(i) => {
                if rest[..i].contains('\n') {
                    self.newline(lo);
                }
                self.lexer.bump(i + 2);
            }
            None => {
                self.error(lo, hi, "comment not terminated");
                self.lexer.bump(rest.len());
            }
        }
    }
}

/// As Go's `%#U` prints it.
pub(super) fn unicode(c: char) -> String {
    if c.is_control() { format!("U+{:04X}", c as u32) } else { format!("U+{:04X} '{c}'", c as u32) }
}
