//! Scans number, string and rune literals whose first character has been read, and says what is wrong with them in
//! Go's words. A wrong literal still is one token, so that the parser has nothing to add.
use super::lex::{Scan, unicode};
use super::token::Tok;

impl Scan<'_, '_> {
    pub(super) fn string(&mut self, lo: usize) {
        let rest = self.lexer.remainder().as_bytes();
        let mut i = 0;
        loop {
            i += rest[i..].iter().position(|c| matches!(c, b'"' | b'\\' | b'\n')).unwrap_or(rest.len() - i);
            match rest.get(i) {
                Some(b'"') => {
                    self.lexer.bump(i + 1);
                    return;
                }
                Some(b'\\') => (i, _) = self.escape(lo + 1, i, b'"'),
                Some(_) => {
                    self.lexer.bump(i);
                    self.error_help(lo, lo + 1 + i, "newline in string", Some("a raw string `...` may span lines"));
                    return;
                }
                None => {
                    self.lexer.bump(i);
                    self.error(lo, lo + 1 + i, "string not terminated");
                    return;
                }
            }
        }
    }

    pub(super) fn rune(&mut self, lo: usize) {
        let text = self.lexer.remainder();
        let rest = text.as_bytes();
        let (mut i, mut count, mut ok) = (0, 0, true);
        loop {
            match rest.get(i) {
                Some(b'\'') => {
                    self.lexer.bump(i + 1);
                    if ok && count == 0 {
                        self.error(lo, lo + 2, "empty rune literal or unescaped '");
                    } else if ok && count != 1 {
                        let help = Some("a string is written in double quotes");
                        self.error_help(lo, lo + 2 + i, "more than one character in rune literal", help);
                    }
                    return;
                }
                Some(b'\\') => {
                    let (next, fine) = self.escape(lo + 1, i, b'\'');
                    i = next;
                    ok &= fine;
                    count += 1;
                }
                Some(b'\n') | None => {
                    self.lexer.bump(i);
                    let end = i == rest.len();
                    if ok {
                        let what = if end { "rune literal not terminated" } else { "newline in rune literal" };
                        self.error(lo, lo + 1 + i, what);
                    }
                    return;
                }
                Some(_) => {
                    i += text[i..].chars().next().map_or(1, char::len_utf8);
                    count += 1;
                }
            }
        }
    }

    /// Checks the escape at byte `i` of the remainder, whose first byte lies at `at`; returns the index where to go on
    /// and whether the escape is right.
    fn escape(&mut self, at: usize, i: usize, quote: u8) -> (usize, bool) {
        let text = self.lexer.remainder();
        let rest = text.as_bytes();
        let (start, n, base) = match rest.get(i + 1) {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\') => return (i + 2, true),
            Some(&c) if c == quote => return (i + 2, true),
            Some(b'0'..=b'7') => (i + 1, 3, 8),
            Some(b'x') => (i + 2, 2, 16),
            Some(b'u') => (i + 2, 4, 16),
            Some(b'U') => (i + 2, 8, 16),
            // The end is reported by the caller.
            None => return (i + 1, true),
            Some(_) => {
                self.error(at + i, at + i + 2, "unknown escape");
                return (i + 1, false);
            }
        };
        let mut v: u32 = 0;
        for k in start..start + n {
            match rest.get(k).map(|&c| (c as char).to_digit(base)) {
                Some(Some(d)) => v = v.wrapping_mul(base).wrapping_add(d),
                Some(None) => {
                    let c = text[k..].chars().next().unwrap_or('\0');
                    let kind = if base == 8 { "octal" } else { "hexadecimal" };
                    self.error(at + i, at + k, format!("invalid character {} in {kind} escape", quoted(c)));
                    return (k, false);
                }
                None => return (k, true),
            }
        }
        let (lo, hi) = (at + i, at + start + n);
        if base == 8 && v > 255 {
            self.error(lo, hi, format!("octal escape value {v} > 255"));
            return (start + n, false);
        }
        if n >= 4 && char::from_u32(v).is_none() {
            self.error(lo, hi, format!("escape is invalid Unicode code point U+{v:04X}"));
            return (start + n, false);
        }
        (start + n, true)
    }

    /// A number whose first character (or `.` and digit) has been read.
    pub(super) fn number(&mut self, lo: usize) -> Tok {
        let text = &self.lexer.source()[lo..];
        let n = Number::scan(text.as_bytes());
        let body = &text[..n.len];
        let read = self.lexer.span().end - lo;
        self.lexer.bump(n.len.max(read) - read);
        if let Some((at, message)) = n.wrong {
            let end = lo + n.len;
            self.error((lo + at).min(end - 1), end, message);
            return if n.imaginary { Tok::Imag } else { Tok::Int }(self.names.intern("0"));
        }
        let text = self.names.intern(body);
        match (n.imaginary, n.float) {
            (true, _) => Tok::Imag(text),
            (_, true) => Tok::Float(text),
            _ => Tok::Int(text),
        }
    }
}

/// As Go's `%q` prints a character.
fn quoted(c: char) -> String {
    match c {
        '\n' => "'\\n'".into(),
        '\t' => "'\\t'".into(),
        '\r' => "'\\r'".into(),
        '\'' => "'\\''".into(),
        '\\' => "'\\\\'".into(),
        c if c.is_control() => unicode(c),
        c => format!("'{c}'"),
    }
}

struct Number {
    len: usize,
    float: bool,
    imaginary: bool,
    /// The first fault: where (from the number's start) and what.
    wrong: Option<(usize, String)>,
}

/// What a run of digits held.
#[derive(Default)]
struct Digits {
    count: usize,
    separators: bool,
    /// The first digit that the base does not have.
    invalid: Option<usize>,
}

impl Digits {
    fn read(&mut self, b: &[u8], i: &mut usize, base: u32) {
        while let Some(&c) = b.get(*i) {
            if c == b'_' {
                self.separators = true;
            } else if c.is_ascii_digit() || base == 16 && c.is_ascii_hexdigit() {
                self.count += 1;
                if u32::from(c - b'0') >= base && base < 10 && self.invalid.is_none() {
                    self.invalid = Some(*i);
                }
            } else {
                break;
            }
            *i += 1;
        }
    }
}

impl Number {
    fn scan(b: &[u8]) -> Number {
        let (base, prefix, mut i) = match (b[0], b.get(1).map(u8::to_ascii_lowercase)) {
            (b'0', Some(b'x')) => (16, b'x', 2),
            (b'0', Some(b'o')) => (8, b'o', 2),
            (b'0', Some(b'b')) => (2, b'b', 2),
            (b'0', _) => (8, b'0', 0),
            _ => (10, 0, 0),
        };
        let name = match base {
            2 => "binary",
            8 => "octal",
            16 => "hexadecimal",
            _ => "decimal",
        };
        let mut wrong: Option<(usize, String)> = None;
        let mut fault = |at: usize, message: String| {
            wrong.get_or_insert((at, message));
        };
        let mut digits = Digits::default();
        let (mut float, mut imaginary) = (false, false);
        digits.read(b, &mut i, base);
        if b.get(i) == Some(&b'.') {
            float = true;
            if prefix == b'o' || prefix == b'b' {
                fault(i, format!("invalid radix point in {name} literal"));
            }
            i += 1;
            digits.read(b, &mut i, base);
        }
        if digits.count == 0 {
            fault(i, format!("{name} literal has no digits"));
        }
        match b.get(i).copied() {
            Some(e @ (b'e' | b'E' | b'p' | b'P')) => {
                let e_exponent = e.eq_ignore_ascii_case(&b'e');
                if e_exponent && prefix != 0 && prefix != b'0' {
                    fault(i, format!("'{}' exponent requires decimal mantissa", e as char));
                } else if !e_exponent && prefix != b'x' {
                    fault(i, format!("'{}' exponent requires hexadecimal mantissa", e as char));
                }
                float = true;
                i += 1;
                if matches!(b.get(i), Some(b'+' | b'-')) {
                    i += 1;
                }
                let mut exponent = Digits::default();
                exponent.read(b, &mut i, 10);
                digits.separators |= exponent.separators;
                if exponent.count == 0 {
                    fault(i, "exponent has no digits".into());
                }
            }
            _ if float && prefix == b'x' => fault(i, "hexadecimal mantissa requires a 'p' exponent".into()),
            _ => {}
        }
        if b.get(i) == Some(&b'i') {
            imaginary = true;
            i += 1;
        }
        if let (Some(at), false, false) = (digits.invalid, float, imaginary && prefix == b'0') {
            fault(at, format!("invalid digit '{}' in {name} literal", b[at] as char));
        }
        if digits.separators
            && let Some(at) = misplaced_separator(&b[..i])
        {
            fault(at, "'_' must separate successive digits".into());
        }
        Number { len: i, float, imaginary, wrong }
    }
}

/// The first `_` that is not between digits, or between a base prefix and a digit.
fn misplaced_separator(b: &[u8]) -> Option<usize> {
    let prefixed = b.len() > 1 && b[0] == b'0' && matches!(b[1], b'x' | b'X' | b'o' | b'O' | b'b' | b'B');
    let digit = |i: usize| match b.get(i) {
        Some(c) if prefixed && i == 1 => c.is_ascii_alphabetic(),
        Some(c) => c.is_ascii_digit() || prefixed && c.is_ascii_hexdigit(),
        None => false,
    };
    (0..b.len()).find(|&i| b[i] == b'_' && !(i > 0 && digit(i - 1) && digit(i + 1)))
}
