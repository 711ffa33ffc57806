//! The values of string and rune literals as written.

/// The bytes of an interpreted or raw string literal, quotes included in `text`. `None`: malformed.
pub fn unquote_string(text: &str) -> Option<Vec<u8>> {
    if let Some(raw) = text.strip_prefix('`') {
        let raw = raw.strip_suffix('`')?;
        return Some(raw.bytes().filter(|&b| b != b'\r').collect());
    }
    let body = text.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut out = Vec::with_capacity(body.len());
    let mut i = 0;
    while i < body.len() {
        if body[i] != b'\\' {
            out.push(body[i]);
            i += 1;
            continue;
        }
        let (v, byte, next) = escape(body, i, b'"')?;
        if byte {
            out.push(v as u8);
        } else {
            out.extend_from_slice(char::from_u32(v)?.encode_utf8(&mut [0; 4]).as_bytes());
        }
        i = next;
    }
    Some(out)
}

/// The value of a rune literal. `None`: malformed.
pub fn unquote_char(text: &str) -> Option<u32> {
    let body = text.strip_prefix('\'')?.strip_suffix('\'')?;
    if body.starts_with('\\') {
        let (v, _, next) = escape(body.as_bytes(), 0, b'\'')?;
        return (next == body.len()).then_some(v);
    }
    let mut chars = body.chars();
    let c = chars.next()?;
    chars.next().is_none().then_some(c as u32)
}

/// The escape at `i` of a literal in such quotes: value, whether it is a byte rather than a code point, index after it.
fn escape(body: &[u8], i: usize, quote: u8) -> Option<(u32, bool, usize)> {
    let simple = |v: u8| Some((v as u32, true, i + 2));
    let number = |start: usize, n: usize, base: u32, byte: bool| {
        let digits = body.get(start..start + n)?;
        let mut v: u32 = 0;
        for &d in digits {
            v = v.checked_mul(base)?.checked_add((d as char).to_digit(base)?)?;
        }
        (!byte || v <= 255).then_some((v, byte, start + n))
    };
    match *body.get(i + 1)? {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        c if c == quote => simple(c),
        b'0'..=b'7' => number(i + 1, 3, 8, true),
        b'x' => number(i + 2, 2, 16, true),
        b'u' => number(i + 2, 4, 16, false),
        b'U' => number(i + 2, 8, 16, false),
        _ => None,
    }
}
