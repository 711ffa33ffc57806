//! JSON text: whether it is well-formed (without recursion), its strings, and how strings are written.

pub struct Found {
    pub end: usize,
}

pub struct Bad {
    /// The text ends too early.
    pub short: bool,
    pub text: String,
    /// Bytes read up to and with the wrong one.
    pub at: usize,
}

/// A byte as errors show it.
pub fn quoted(c: u8) -> String {
    match c {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        b'\n' => r"'\n'".into(),
        b'\r' => r"'\r'".into(),
        b'\t' => r"'\t'".into(),
        7 => r"'\a'".into(),
        8 => r"'\b'".into(),
        11 => r"'\v'".into(),
        12 => r"'\f'".into(),
        b'\\' => r"'\\'".into(),
        0x20..=0x7e => format!("'{}'", c as char),
        _ => format!(r"'\x{c:02x}'"),
    }
}

fn bad(data: &[u8], i: usize, context: &str) -> Bad {
    let Some(&c) = data.get(i) else { return short(data.len()) };
    if c >= 0x80 {
        let (r, width) = crate::value::string::decode_rune(&data[i..]);
        if let Some(r) = char::from_u32(r).filter(|_| width > 1) {
            return Bad { short: false, text: format!("invalid character '{r}' {context}"), at: i + 1 };
        }
    }
    Bad { short: false, text: format!("invalid character {} {context}", quoted(c)), at: i + 1 }
}

fn short(at: usize) -> Bad {
    Bad { short: true, text: "unexpected end of JSON input".into(), at }
}

pub fn skip_space(data: &[u8], mut i: usize) -> usize {
    while data.get(i).is_some_and(|c| matches!(c, b' ' | b'\t' | b'\r' | b'\n')) {
        i += 1;
    }
    i
}

/// The value that begins at `i` (after white space); `whole`: nothing but white space may follow.
pub fn value(data: &[u8], from: usize, whole: bool) -> Result<Found, Bad> {
    // true: an object
    let mut open: Vec<bool> = Vec::new();
    let mut i = from;
    loop {
        // a value
        i = skip_space(data, i);
        match data.get(i) {
            None => return Err(short(data.len())),
            Some(b'{') => {
                enter(&mut open, true, i)?;
                i = skip_space(data, i + 1);
                if data.get(i) != Some(&b'}') {
                    i = key(data, i)?;
                    continue;
                }
                open.pop();
                i += 1;
            }
            Some(b'[') => {
                enter(&mut open, false, i)?;
                i = skip_space(data, i + 1);
                if data.get(i) != Some(&b']') {
                    continue;
                }
                open.pop();
                i += 1;
            }
            Some(b'"') => i = string(data, i)?,
            Some(b'-' | b'0'..=b'9') => i = number(data, i)?,
            Some(b't') => i = word(data, i, b"true")?,
            Some(b'f') => i = word(data, i, b"false")?,
            Some(b'n') => i = word(data, i, b"null")?,
            Some(_) => return Err(bad(data, i, "looking for beginning of value")),
        }
        // what follows a value
        loop {
            let Some(&object) = open.last() else {
                if whole {
                    let rest = skip_space(data, i);
                    if rest < data.len() {
                        return Err(bad(data, rest, "after top-level value"));
                    }
                }
                return Ok(Found { end: i });
            };
            i = skip_space(data, i);
            match (data.get(i), object) {
                (None, _) => return Err(short(data.len())),
                (Some(b','), true) => {
                    i = key(data, skip_space(data, i + 1))?;
                    break;
                }
                (Some(b','), false) => {
                    i += 1;
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    open.pop();
                    i += 1;
                }
                (Some(_), true) => return Err(bad(data, i, "after object key:value pair")),
                (Some(_), false) => return Err(bad(data, i, "after array element")),
            }
        }
    }
}

fn enter(open: &mut Vec<bool>, object: bool, i: usize) -> Result<(), Bad> {
    open.push(object);
    if open.len() > super::MAX_DEPTH {
        return Err(Bad { short: false, text: "exceeded max depth".into(), at: i + 1 });
    }
    Ok(())
}

/// An object's key and its colon.
fn key(data: &[u8], i: usize) -> Result<usize, Bad> {
    if data.get(i).is_some_and(|c| *c != b'"') {
        return Err(bad(data, i, "looking for beginning of object key string"));
    }
    let i = skip_space(data, string(data, i)?);
    match data.get(i) {
        Some(b':') => Ok(i + 1),
        _ => Err(bad(data, i, "after object key")),
    }
}

fn string(data: &[u8], from: usize) -> Result<usize, Bad> {
    let mut i = from + 1;
    loop {
        match data.get(i) {
            None => return Err(short(data.len())),
            Some(b'"') => return Ok(i + 1),
            Some(b'\\') => match data.get(i + 1) {
                None => return Err(short(i)),
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => i += 2,
                Some(b'u') => {
                    for k in i + 2..i + 6 {
                        match data.get(k) {
                            None => return Err(short(i)),
                            Some(c) if c.is_ascii_hexdigit() => {}
                            Some(_) => {
                                let end = (i + 6).min(data.len());
                                return Err(escape(data, i, end));
                            }
                        }
                    }
                    i += 6;
                }
                Some(_) => return Err(escape(data, i, i + 2)),
            },
            Some(c) if *c < 0x20 => return Err(bad(data, i, "in string")),
            Some(_) => i += 1,
        }
    }
}

fn escape(data: &[u8], from: usize, end: usize) -> Bad {
    let text = String::from_utf8_lossy(&data[from..end]).into_owned();
    Bad { short: false, text: format!("invalid escape sequence `{text}` in string"), at: end }
}

fn number(data: &[u8], from: usize) -> Result<usize, Bad> {
    let digits = |mut i: usize| match data.get(i) {
        None => Err(short(from)),
        Some(b'0'..=b'9') => {
            while data.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
            Ok(i)
        }
        _ => Err(bad(data, i, "in numeric literal")),
    };
    let mut i = from + usize::from(data[from] == b'-');
    i = if data.get(i) == Some(&b'0') { i + 1 } else { digits(i)? };
    if data.get(i) == Some(&b'.') {
        i = digits(i + 1)?;
    }
    if let Some(b'e' | b'E') = data.get(i) {
        let sign = usize::from(matches!(data.get(i + 1), Some(b'+' | b'-')));
        i = digits(i + 1 + sign)?;
    }
    Ok(i)
}

/// Whether the whole text is a number.
pub fn is_number(data: &[u8]) -> bool {
    matches!(data.first(), Some(b'-' | b'0'..=b'9')) && number(data, 0).is_ok_and(|end| end == data.len())
}

fn word(data: &[u8], from: usize, word: &[u8]) -> Result<usize, Bad> {
    for (k, &w) in word.iter().enumerate().skip(1) {
        if data.get(from + k) != Some(&w) {
            let context = format!("in literal {} (expecting {})", String::from_utf8_lossy(word), quoted(w));
            return Err(bad(data, from + k, &context));
        }
    }
    Ok(from + word.len())
}

/// The end of the well-formed string that begins at `i`.
pub fn string_end(data: &[u8], i: usize) -> usize {
    let mut i = i + 1;
    while i < data.len() {
        match data[i] {
            b'"' => return i + 1,
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
    data.len()
}

/// The text of a well-formed string (its quotes around it).
pub fn unquote(s: &[u8]) -> Vec<u8> {
    let inner = s.get(1..s.len().saturating_sub(1)).unwrap_or(&[]);
    if !inner.contains(&b'\\') && std::str::from_utf8(inner).is_ok() {
        return inner.to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let hex = |i: usize| {
        let d = inner.get(i + 2..i + 6)?;
        (inner[i] == b'\\' && inner[i + 1] == b'u').then_some(())?;
        u32::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()
    };
    let mut i = 0;
    while i < inner.len() {
        match inner[i] {
            b'\\' => {
                let c = *inner.get(i + 1).unwrap_or(&b'\\');
                match c {
                    b'u' => {
                        let mut r = hex(i).unwrap_or(0xfffd);
                        i += 6;
                        if (0xd800..0xdc00).contains(&r) {
                            match hex_at(inner, i) {
                                Some(low) if (0xdc00..0xe000).contains(&low) => {
                                    r = 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00);
                                    i += 6;
                                }
                                _ => r = 0xfffd,
                            }
                        }
                        crate::value::string::encode_rune(r as i64, &mut out);
                        continue;
                    }
                    b'b' => out.push(8),
                    b'f' => out.push(12),
                    b'n' => out.push(b'\n'),
                    b'r' => out.push(b'\r'),
                    b't' => out.push(b'\t'),
                    c => out.push(c),
                }
                i += 2;
            }
            c if c < 0x80 => {
                out.push(c);
                i += 1;
            }
            _ => {
                let (r, width) = crate::value::string::decode_rune(&inner[i..]);
                crate::value::string::encode_rune(r as i64, &mut out);
                i += width;
            }
        }
    }
    out
}

fn hex_at(s: &[u8], i: usize) -> Option<u32> {
    let d = s.get(i..i + 6)?;
    (d[0] == b'\\' && d[1] == b'u').then_some(())?;
    u32::from_str_radix(std::str::from_utf8(&d[2..]).ok()?, 16).ok()
}

/// Writes a string with its quotes; false where there would be more than `most` bytes.
pub fn quote(s: &[u8], html: bool, most: usize, out: &mut Vec<u8>) -> bool {
    out.push(b'"');
    let mut start = 0;
    let mut i = 0;
    while i < s.len() && out.len() <= most {
        let c = s[i];
        if c < 0x80 {
            if c >= 0x20 && c != b'"' && c != b'\\' && !(html && matches!(c, b'<' | b'>' | b'&')) {
                i += 1;
                continue;
            }
            out.extend_from_slice(&s[start..i]);
            match c {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', c]),
                8 => out.extend_from_slice(b"\\b"),
                12 => out.extend_from_slice(b"\\f"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                _ => out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
            }
            i += 1;
            start = i;
            continue;
        }
        let (r, width) = crate::value::string::decode_rune(&s[i..]);
        let line_end = r == 0x2028 || r == 0x2029;
        if r == 0xfffd && width == 1 || line_end {
            out.extend_from_slice(&s[start..i]);
            if line_end {
                out.extend_from_slice(format!("\\u{r:04x}").as_bytes());
            } else {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
            i += width;
            start = i;
            continue;
        }
        i += width;
    }
    out.extend_from_slice(&s[start..]);
    out.push(b'"');
    out.len() <= most
}

/// Well-formed text without white space between its tokens.
pub fn compact(src: &[u8], html: bool, out: &mut Vec<u8>) {
    let mut i = 0;
    while i < src.len() {
        match src[i] {
            b' ' | b'\t' | b'\r' | b'\n' => i += 1,
            b'"' => {
                let end = string_end(src, i);
                if html {
                    html_escape(&src[i..end], out);
                } else {
                    out.extend_from_slice(&src[i..end]);
                }
                i = end;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
}

pub fn html_escape(src: &[u8], out: &mut Vec<u8>) {
    let mut i = 0;
    while i < src.len() {
        match src[i] {
            c @ (b'<' | b'>' | b'&') => out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
            0xe2 if src.get(i + 1) == Some(&0x80) && src.get(i + 2).is_some_and(|c| c & !1 == 0xa8) => {
                out.extend_from_slice(format!("\\u202{}", 8 + (src[i + 2] & 1)).as_bytes());
                i += 2;
            }
            c => out.push(c),
        }
        i += 1;
    }
}
