//! Text to tokens, in two passes: logos with Go's automatic semicolons, then the contextual tokens that the grammar
//! needs (block braces, type-parameter brackets, function declarations).
use super::token::{Raw, Tok, keyword};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::intern::Interner;
use crate::base::limits::MAX_NESTING;
use crate::base::span::Span;
use crate::syntax::ast::BinaryOp;
use logos::{Lexer, Logos};

/// A token and where it lies.
pub type Spanned = (u32, Tok, u32);

/// All tokens of a file whose first byte has position `base`.
pub fn lex(text: &str, base: u32, names: &mut Interner, diags: &mut Diagnostics) -> Vec<Spanned> {
    let mut skip = 0;
    if text.starts_with('\u{FEFF}') {
        skip = 3;
    }
    if text[skip..].starts_with("#!") {
        skip = text.find('\n').unwrap_or(text.len());
    }
    let scan = Scan {
        lexer: Raw::lexer(&text[skip..]),
        base: base + skip as u32,
        names,
        diags,
        out: Vec::with_capacity(text.len() / 4),
        depth: 0,
    };
    let mut tokens = scan.run();
    contextual(&mut tokens);
    tokens
}

struct Scan<'t, 'c> {
    lexer: Lexer<'t, Raw>,
    base: u32,
    names: &'c mut Interner,
    diags: &'c mut Diagnostics,
    out: Vec<Spanned>,
    /// Open brackets.
    depth: u32,
}

impl Scan<'_, '_> {
    fn error(&mut self, lo: usize, hi: usize, message: impl Into<String>) {
        let span = Span::new(self.base + lo as u32, self.base + hi as u32);
        self.diags.push(Diagnostic::error("syntax", span, message));
    }

    /// A newline here ends a statement after these tokens.
    fn newline(&mut self, at: usize) {
        let ends = match self.out.last() {
            Some((_, t, _)) => matches!(
                t,
                Tok::Ident(_)
                    | Tok::Int(_)
                    | Tok::Float(_)
                    | Tok::Imag(_)
                    | Tok::Char(_)
                    | Tok::Str(_)
                    | Tok::Break
                    | Tok::Continue
                    | Tok::Fallthrough
                    | Tok::Return
                    | Tok::Inc
                    | Tok::Dec
                    | Tok::RParen
                    | Tok::RBrack
                    | Tok::RBrace
            ),
            None => false,
        };
        if ends {
            let at = self.base + at as u32;
            self.out.push((at, Tok::Semi(true), at));
        }
    }

    fn run(mut self) -> Vec<Spanned> {
        while let Some(raw) = self.lexer.next() {
            let span = self.lexer.span();
            let (lo, mut hi) = (span.start, span.end);
            let Ok(raw) = raw else {
                let c = self.lexer.slice().chars().next().unwrap_or('\0');
                let message = match c {
                    '\0' => "invalid NUL character".to_string(),
                    '\u{FEFF}' => "invalid BOM in the middle of the file".to_string(),
                    c if c.is_ascii() => format!("invalid character U+{:04X} '{c}'", c as u32),
                    c => format!("invalid character U+{:04X} '{c}' in identifier", c as u32),
                };
                self.error(lo, hi, message);
                continue;
            };
            let tok = match raw {
                Raw::Newline => {
                    self.newline(lo);
                    continue;
                }
                Raw::LineComment => continue,
                Raw::BlockComment => {
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
                    continue;
                }
                Raw::Word => {
                    let word = self.lexer.slice();
                    match keyword(word) {
                        Some(k) => k,
                        None => Tok::Ident(self.names.intern(word)),
                    }
                }
                Raw::Number => {
                    let tok = self.number(lo);
                    hi = self.lexer.span().end;
                    tok
                }
                Raw::Quote => {
                    self.string(lo);
                    hi = self.lexer.span().end;
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
                    hi = self.lexer.span().end;
                    Tok::Str(self.names.intern(self.lexer.slice()))
                }
                Raw::Tick => {
                    self.rune(lo);
                    hi = self.lexer.span().end;
                    Tok::Char(self.names.intern(self.lexer.slice()))
                }
                other => punctuation(other),
            };
            match tok {
                Tok::LParen | Tok::LBrack | Tok::LBrace => {
                    self.depth += 1;
                    if self.depth > MAX_NESTING {
                        self.error(lo, hi, "nested too deeply");
                        // What follows would only bring errors that follow from this one.
                        return Vec::new();
                    }
                }
                Tok::RParen | Tok::RBrack | Tok::RBrace => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.out.push((self.base + lo as u32, tok, self.base + hi as u32));
        }
        let end = self.lexer.span().end;
        self.newline(end);
        self.out
    }

    fn string(&mut self, lo: usize) {
        let rest = self.lexer.remainder().as_bytes();
        let mut i = 0;
        loop {
            match rest.get(i) {
                Some(b'"') => {
                    self.lexer.bump(i + 1);
                    return;
                }
                Some(b'\\') => {
                    i = self.escape(lo + 1, i, b'"');
                }
                Some(b'\n') | None => {
                    let what = if i < rest.len() { "newline in string" } else { "string not terminated" };
                    self.lexer.bump(i);
                    self.error(lo, lo + 1 + i, what);
                    return;
                }
                _ => i += 1,
            }
        }
    }

    fn rune(&mut self, lo: usize) {
        let text = self.lexer.remainder();
        let rest = text.as_bytes();
        let mut i = 0;
        let mut count = 0;
        loop {
            match rest.get(i) {
                Some(b'\'') if count > 0 || i > 0 => {
                    self.lexer.bump(i + 1);
                    if count != 1 {
                        self.error(lo, lo + 2 + i, "more than one character in rune literal");
                    }
                    return;
                }
                Some(b'\'') => {
                    self.lexer.bump(1);
                    self.error(lo, lo + 2, "empty rune literal or unescaped ' in rune literal");
                    return;
                }
                Some(b'\\') => {
                    i = self.escape(lo + 1, i, b'\'');
                    count += 1;
                }
                Some(b'\n') | None => {
                    self.lexer.bump(i);
                    let what = if i < rest.len() { "newline in rune literal" } else { "rune literal not terminated" };
                    self.error(lo, lo + 1 + i, what);
                    return;
                }
                Some(_) => {
                    i += text[i..].chars().next().map_or(1, char::len_utf8);
                    count += 1;
                }
            }
        }
    }

    /// Checks the escape at byte `i` of the remainder, whose first byte lies at `at`; returns the index after it.
    fn escape(&mut self, at: usize, i: usize, quote: u8) -> usize {
        let rest = self.lexer.remainder().as_bytes();
        let (n, base, max) = match rest.get(i + 1) {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\') => return i + 2,
            Some(&c) if c == quote => return i + 2,
            Some(b'0'..=b'7') => (3, 8, 255),
            Some(b'x') => (2, 16, 255),
            Some(b'u') => (4, 16, 0x10FFFF),
            Some(b'U') => (8, 16, 0x10FFFF),
            Some(b'\n') | None => return i + 1,
            _ => {
                self.error(at + i, at + i + 2, "unknown escape");
                return i + 2;
            }
        };
        let start = if base == 8 { i + 1 } else { i + 2 };
        let mut v: u32 = 0;
        for k in 0..n {
            match rest.get(start + k).and_then(|&c| (c as char).to_digit(base)) {
                Some(d) => v = v.wrapping_mul(base).wrapping_add(d),
                None => {
                    let kind = if base == 8 { "octal" } else { "hexadecimal" };
                    let end = start + k;
                    let what = match rest.get(end) {
                        Some(&c) if c != quote && c != b'\n' && c.is_ascii() => {
                            format!("invalid character {:?} in {kind} escape", c as char)
                        }
                        _ => format!("escape is invalid: too few {kind} digits"),
                    };
                    self.error(at + i, at + end, what);
                    return end;
                }
            }
        }
        if base == 8 && v > max {
            self.error(at + i, at + start + n, format!("octal escape value {v} > 255"));
        } else if n >= 4 && (v > max || (0xD800..0xE000).contains(&v)) {
            self.error(at + i, at + start + n, format!("escape is invalid Unicode code point U+{v:04X}"));
        }
        start + n
    }

    /// Scans the rest of a number whose first character (or `.` and digit) has been read.
    fn number(&mut self, lo: usize) -> Tok {
        let text = &self.lexer.source()[lo..];
        let b = text.as_bytes();
        let mut i = 0;
        let mut base = 10;
        let mut prefix = 0u8;
        let mut float = false;
        if b[0] == b'0' {
            match b.get(1).map(u8::to_ascii_lowercase) {
                Some(b'x') => (base, prefix, i) = (16, b'x', 2),
                Some(b'o') => (base, prefix, i) = (8, b'o', 2),
                Some(b'b') => (base, prefix, i) = (2, b'b', 2),
                _ => prefix = b'0',
            }
        }
        let digits_at = i;
        let mut bad: Option<(usize, u8)> = None;
        let mut digits = 0;
        let mut underscores = false;
        let scan = |i: &mut usize, digits: &mut usize, bad: &mut Option<(usize, u8)>, underscores: &mut bool| {
            while let Some(&c) = b.get(*i) {
                if c == b'_' {
                    *underscores = true;
                } else if base == 16 && c.is_ascii_hexdigit() || c.is_ascii_digit() {
                    *digits += 1;
                    if base < 10 && (c - b'0') as u32 >= base && bad.is_none() {
                        *bad = Some((*i, c));
                    }
                } else {
                    break;
                }
                *i += 1;
            }
        };
        scan(&mut i, &mut digits, &mut bad, &mut underscores);
        if b.get(i) == Some(&b'.') {
            float = true;
            i += 1;
            scan(&mut i, &mut digits, &mut bad, &mut underscores);
        }
        let mut message = None;
        let kind = |p: u8| match p {
            b'x' => "hexadecimal literal",
            b'o' | b'0' => "octal literal",
            b'b' => "binary literal",
            _ => "decimal literal",
        };
        if float && (prefix == b'o' || prefix == b'b') {
            message = Some(format!("invalid radix point in {}", kind(prefix)));
        }
        if digits == 0 {
            message = message.or(Some(format!("{} has no digits", kind(prefix))));
        }
        let e = b.get(i).map(u8::to_ascii_lowercase);
        if e == Some(b'e') && base != 16 || e == Some(b'p') {
            if e == Some(b'p') && prefix != b'x' {
                message = message.or(Some("'p' exponent requires hexadecimal mantissa".into()));
            } else if e == Some(b'e') && (prefix == b'o' || prefix == b'b') {
                message = message.or(Some("'e' exponent requires decimal mantissa".into()));
            }
            float = true;
            i += 1;
            if matches!(b.get(i), Some(b'+' | b'-')) {
                i += 1;
            }
            let mut n = 0;
            while let Some(c) = b.get(i).filter(|c| c.is_ascii_digit() || **c == b'_') {
                n += (*c != b'_') as usize;
                underscores |= *c == b'_';
                i += 1;
            }
            if n == 0 {
                message = message.or(Some("exponent has no digits".into()));
            }
        } else if prefix == b'x' && float {
            message = message.or(Some("hexadecimal mantissa requires a 'p' exponent".into()));
        }
        let mut imag = false;
        if b.get(i) == Some(&b'i') {
            imag = true;
            i += 1;
        }
        let body = &text[..i];
        if !float && !imag && prefix == b'0' && message.is_none() {
            if let Some(k) = body.bytes().position(|c| c == b'8' || c == b'9') {
                message = Some(format!("invalid digit '{}' in octal literal", b[k] as char));
            }
        }
        if let (Some((_, c)), None) = (bad, &message) {
            message = Some(format!("invalid digit '{}' in {}", c as char, kind(prefix)));
        }
        if underscores && message.is_none() && !underscores_ok(body, digits_at) {
            message = Some("'_' must separate successive digits".into());
        }
        let read = self.lexer.span().end - lo;
        self.lexer.bump(i.max(read) - read);
        if let Some(message) = message {
            self.error(lo, lo + i, message);
            return Tok::Int(self.names.intern("0"));
        }
        let sym = self.names.intern(body);
        if imag {
            Tok::Imag(sym)
        } else if float {
            Tok::Float(sym)
        } else {
            Tok::Int(sym)
        }
    }
}

/// Each `_` lies between digits, or between the base prefix and a digit.
fn underscores_ok(body: &str, digits_at: usize) -> bool {
    let b = body.as_bytes();
    let digit = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_hexdigit());
    (0..b.len()).filter(|&i| b[i] == b'_').all(|i| {
        let before = if i == digits_at && digits_at == 2 { true } else { i > 0 && digit(b.get(i - 1)) };
        before && digit(b.get(i + 1))
    })
}

fn punctuation(raw: Raw) -> Tok {
    match raw {
        Raw::Add => Tok::Add,
        Raw::Sub => Tok::Sub,
        Raw::Star => Tok::Star,
        Raw::Div => Tok::Div,
        Raw::Rem => Tok::Rem,
        Raw::And => Tok::And,
        Raw::Or => Tok::Or,
        Raw::Xor => Tok::Xor,
        Raw::Shl => Tok::Shl,
        Raw::Shr => Tok::Shr,
        Raw::AndNot => Tok::AndNot,
        Raw::AddAssign => Tok::OpAssign(BinaryOp::Add),
        Raw::SubAssign => Tok::OpAssign(BinaryOp::Sub),
        Raw::MulAssign => Tok::OpAssign(BinaryOp::Mul),
        Raw::DivAssign => Tok::OpAssign(BinaryOp::Div),
        Raw::RemAssign => Tok::OpAssign(BinaryOp::Rem),
        Raw::AndAssign => Tok::OpAssign(BinaryOp::And),
        Raw::OrAssign => Tok::OpAssign(BinaryOp::Or),
        Raw::XorAssign => Tok::OpAssign(BinaryOp::Xor),
        Raw::ShlAssign => Tok::OpAssign(BinaryOp::Shl),
        Raw::ShrAssign => Tok::OpAssign(BinaryOp::Shr),
        Raw::AndNotAssign => Tok::OpAssign(BinaryOp::AndNot),
        Raw::LAnd => Tok::LAnd,
        Raw::LOr => Tok::LOr,
        Raw::Arrow => Tok::Arrow,
        Raw::Inc => Tok::Inc,
        Raw::Dec => Tok::Dec,
        Raw::Eq => Tok::Eq,
        Raw::Lt => Tok::Lt,
        Raw::Gt => Tok::Gt,
        Raw::Assign => Tok::Assign,
        Raw::Not => Tok::Not,
        Raw::Tilde => Tok::Tilde,
        Raw::Ne => Tok::Ne,
        Raw::Le => Tok::Le,
        Raw::Ge => Tok::Ge,
        Raw::Define => Tok::Define,
        Raw::Dots => Tok::Dots,
        Raw::LParen => Tok::LParen,
        Raw::RParen => Tok::RParen,
        Raw::LBrack => Tok::LBrack,
        Raw::RBrack => Tok::RBrack,
        Raw::LBrace => Tok::LBrace,
        Raw::RBrace => Tok::RBrace,
        Raw::Comma => Tok::Comma,
        Raw::Semi => Tok::Semi(false),
        Raw::Dot => Tok::Dot,
        _ => Tok::Colon,
    }
}

/// Where we are: in a statement header whose block is still to come, and in it behind an open composite type.
#[derive(Clone, Copy, Default)]
struct Context {
    header: bool,
    type_open: bool,
    /// Inside `type ( ... )`.
    type_group: bool,
}

fn ends_operand(t: Option<&Tok>) -> bool {
    matches!(
        t,
        Some(
            Tok::Ident(_)
                | Tok::Int(_)
                | Tok::Float(_)
                | Tok::Imag(_)
                | Tok::Char(_)
                | Tok::Str(_)
                | Tok::RParen
                | Tok::RBrack
                | Tok::RBrace
        )
    )
}

/// The second pass.
fn contextual(tokens: &mut [Spanned]) {
    let closers = closers(tokens);
    let mut stack = vec![Context::default()];
    for i in 0..tokens.len() {
        let tok = tokens[i].1;
        let prev = i.checked_sub(1).map(|p| tokens[p].1);
        let Some(top) = stack.last_mut() else { return };
        match tok {
            Tok::If | Tok::For | Tok::Switch | Tok::Select => {
                top.header = true;
                top.type_open = false;
            }
            Tok::Map | Tok::Struct | Tok::Interface if top.header => top.type_open = true,
            Tok::Func => {
                if top.header {
                    top.type_open = true;
                }
                let at_start = stack.len() == 1 && matches!(prev, None | Some(Tok::Semi(_)));
                if at_start && declares_function(tokens, &closers, i) {
                    tokens[i].1 = Tok::FuncDecl;
                }
            }
            Tok::LParen => {
                if top.header && !matches!(prev, Some(Tok::Func | Tok::RParen)) {
                    top.type_open = false;
                }
                let type_group = matches!(prev, Some(Tok::Type));
                stack.push(Context { type_group, ..Context::default() });
            }
            Tok::LBrack => {
                if top.header && !ends_operand(prev.as_ref()) {
                    top.type_open = true;
                }
                let named = matches!(prev, Some(Tok::Ident(_)));
                let before = i.checked_sub(2).map(|p| tokens[p].1);
                let spec_start = match before {
                    Some(Tok::Type) => true,
                    Some(Tok::Semi(_)) | Some(Tok::LParen) => stack.last().is_some_and(|t| t.type_group),
                    _ => false,
                };
                if named && spec_start && opens_type_params(tokens, &closers, i) {
                    tokens[i].1 = Tok::TpLBrack;
                }
                stack.push(Context::default());
            }
            Tok::LBrace => {
                if top.header {
                    if matches!(prev, Some(Tok::Struct | Tok::Interface)) {
                        // The type's own brace.
                    } else if top.type_open {
                        top.type_open = false;
                    } else {
                        top.header = false;
                        tokens[i].1 = Tok::LBody;
                    }
                }
                stack.push(Context::default());
            }
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                if stack.len() > 1 {
                    stack.pop();
                }
            }
            _ => {}
        }
    }
}

/// For each opening bracket the index of its closer (or the end).
fn closers(tokens: &[Spanned]) -> Vec<u32> {
    let mut out = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (i, (_, t, _)) in tokens.iter().enumerate() {
        match t {
            Tok::LParen | Tok::LBrack | Tok::LBrace => open.push(i),
            Tok::RParen | Tok::RBrack | Tok::RBrace => {
                if let Some(o) = open.pop() {
                    out[o] = i as u32;
                }
            }
            _ => {}
        }
    }
    for o in open {
        out[o] = tokens.len() as u32;
    }
    out
}

/// `func name`, or `func (receiver) name (` or `[...] (`.
fn declares_function(tokens: &[Spanned], closers: &[u32], i: usize) -> bool {
    let at = |k: usize| tokens.get(k).map(|t| t.1);
    match at(i + 1) {
        Some(Tok::Ident(_)) => true,
        Some(Tok::LParen) => {
            let close = closers[i + 1] as usize;
            if !matches!(at(close + 1), Some(Tok::Ident(_))) {
                return false;
            }
            match at(close + 2) {
                Some(Tok::LParen) => true,
                Some(Tok::LBrack) => matches!(at(closers[close + 2] as usize + 1), Some(Tok::LParen)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Go's rule for `type X [`: type parameters or an array's length.
fn opens_type_params(tokens: &[Spanned], closers: &[u32], i: usize) -> bool {
    let at = |k: usize| tokens.get(k).map(|t| t.1);
    if !matches!(at(i + 1), Some(Tok::Ident(_))) {
        return false;
    }
    let close = closers[i] as usize;
    match at(i + 2) {
        Some(
            Tok::Ident(_)
            | Tok::Comma
            | Tok::Interface
            | Tok::Tilde
            | Tok::Map
            | Tok::Func
            | Tok::Chan
            | Tok::Struct
            | Tok::Arrow,
        ) => true,
        Some(Tok::LBrack) => {
            let inner = closers[i + 2] as usize;
            inner == i + 3 || !matches!(at(inner + 1), Some(Tok::RBrack | Tok::Add | Tok::Sub | Tok::Star | Tok::Div))
        }
        Some(Tok::Star) => {
            let mut depth = 0;
            for t in &tokens[(i + 1).min(tokens.len())..close.min(tokens.len())] {
                match t.1 {
                    Tok::LParen | Tok::LBrack | Tok::LBrace => depth += 1,
                    Tok::RParen | Tok::RBrack | Tok::RBrace => depth -= 1,
                    Tok::Comma | Tok::Or | Tok::Tilde | Tok::Interface if depth == 0 => return true,
                    _ => {}
                }
            }
            false
        }
        Some(Tok::LParen) => {
            // `[P (T)...]`: a constraint in parentheses is rare; a call as a length is what it looks like.
            false
        }
        _ => false,
    }
}
