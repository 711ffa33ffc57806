//! Natives of `strconv`.
use super::long;
use super::number;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

pub const NATIVES: &[NativeEntry] = &[
    ("strconv.FormatFloat", format_float),
    ("strconv.IsPrint", is_print),
    ("strconv.Quote", |cx| quote(cx, false)),
    ("strconv.QuoteRune", quote_rune),
    ("strconv.QuoteToASCII", |cx| quote(cx, true)),
    ("strconv.formatInt", format_int),
    ("strconv.parseFloat", parse_float),
    ("strconv.parseUint", parse_uint),
    ("strconv.unquote", unquote),
];

fn format_float(cx: &mut Cx) -> NativeResult {
    let (f, fmt, prec, bits) = (cx.float(0), cx.uint(1) as u8, cx.int(2), cx.int(3));
    if bits != 32 && bits != 64 {
        return Err(Trap::Panic("strconv: illegal FormatFloat bitSize".into()));
    }
    let f = if bits == 32 { f as f32 as f64 } else { f };
    let prec = prec.clamp(-1, i32::MAX as i64);
    long::check(cx, prec.max(0) as usize)?;
    let text = number::float_text(f, fmt, prec as i32, bits == 32);
    cx.set_str(0, text.as_bytes())?;
    Ok(Outcome::Done)
}

fn is_print(cx: &mut Cx) -> NativeResult {
    let ok = u32::try_from(cx.int(0)).ok().and_then(char::from_u32).is_some_and(number::is_print);
    cx.set_bool(0, ok);
    Ok(Outcome::Done)
}

fn quote(cx: &mut Cx, ascii: bool) -> NativeResult {
    let (s, most) = (cx.str(0), long::most(cx));
    let work = move || {
        let mut out = Vec::new();
        number::quote(s, b'"', ascii, most, &mut out).then_some(out)
    };
    long::work(cx, s.len(), work, |cx, text| {
        cx.set_str(0, text.as_ref().ok_or(Trap::OutOfMemory)?)?;
        Ok(Outcome::Done)
    })
}

fn quote_rune(cx: &mut Cx) -> NativeResult {
    let r = u32::try_from(cx.int(0)).ok().filter(|r| char::from_u32(*r).is_some()).unwrap_or(0xFFFD);
    let mut out = vec![b'\''];
    number::quote_rune_into(r, b'\'', false, &mut out);
    out.push(b'\'');
    cx.set_str(0, &out)?;
    Ok(Outcome::Done)
}

fn format_int(cx: &mut Cx) -> NativeResult {
    let (i, base, unsigned) = (cx.int(0), cx.int(1), cx.bool(2));
    if !(2..=36).contains(&base) {
        return Err(Trap::Panic("strconv: illegal AppendInt/FormatInt base".into()));
    }
    let negative = !unsigned && i < 0;
    let mut u = if negative { i.unsigned_abs() } else { i as u64 };
    let mut out = [0u8; 65];
    let mut at = out.len();
    loop {
        at -= 1;
        out[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(u % base as u64) as usize];
        u /= base as u64;
        if u == 0 {
            break;
        }
    }
    if negative {
        at -= 1;
        out[at] = b'-';
    }
    cx.set_str(0, &out[at..])?;
    Ok(Outcome::Done)
}

/// Each `_` lies between digits or behind the prefix, and there is a prefix.
fn underscores_ok(s: &[u8]) -> bool {
    let prefixed = s.len() >= 2 && s[0] == b'0' && matches!(s[1] | 0x20, b'b' | b'o' | b'x');
    let body = if prefixed { &s[2..] } else { s };
    let mut before = prefixed;
    for (i, &c) in body.iter().enumerate() {
        if c == b'_' {
            let after = body.get(i + 1).is_some_and(u8::is_ascii_alphanumeric);
            if !(before || i == 0 && prefixed) || !after {
                return false;
            }
            before = false;
        } else {
            before = c.is_ascii_alphanumeric();
        }
    }
    true
}

fn parse_uint(cx: &mut Cx) -> NativeResult {
    let (s, base, bits) = (cx.str(0), cx.int(1), cx.int(2));
    let (value, code) = read_uint(s, base, bits);
    cx.set_word(0, value);
    cx.set_int(1, code);
    Ok(Outcome::Done)
}

fn read_uint(s: &[u8], base: i64, bits: i64) -> (u64, i64) {
    if s.is_empty() {
        return (0, 1);
    }
    let mut base = base;
    let mut digits = s;
    let mut underscores = false;
    if base == 0 {
        base = 10;
        if s[0] == b'0' {
            let rest = s.get(1).map(|c| c | 0x20);
            match rest {
                Some(b'b') if s.len() >= 3 => (base, digits) = (2, &s[2..]),
                Some(b'o') if s.len() >= 3 => (base, digits) = (8, &s[2..]),
                Some(b'x') if s.len() >= 3 => (base, digits) = (16, &s[2..]),
                _ => (base, digits) = (8, &s[1..]),
            }
        }
        underscores = true;
    } else if !(2..=36).contains(&base) {
        return (0, 3);
    }
    let bits = if bits == 0 { 64 } else { bits };
    if !(1..=64).contains(&bits) {
        return (0, 4);
    }
    let max = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    let mut v: u128 = 0;
    let mut over = false;
    let mut saw_underscore = false;
    for &c in digits {
        if c == b'_' && underscores {
            saw_underscore = true;
            continue;
        }
        match (c as char).to_digit(36) {
            Some(d) if (d as i64) < base => {
                v = v * base as u128 + d as u128;
                if v > max as u128 {
                    over = true;
                    v = max as u128;
                }
            }
            _ => return (0, 1),
        }
    }
    if saw_underscore && !underscores_ok(s) {
        return (0, 1);
    }
    if over { (max, 2) } else { (v as u64, 0) }
}

fn parse_float(cx: &mut Cx) -> NativeResult {
    let (s, bits) = (cx.str(0), cx.int(1));
    let (f, code) = read_float(s, bits == 32);
    cx.set_float(0, f);
    cx.set_int(1, code);
    Ok(Outcome::Done)
}

fn read_float(s: &[u8], bits32: bool) -> (f64, i64) {
    let Ok(text) = std::str::from_utf8(s) else { return (0.0, 1) };
    let (sign, body) = match s.first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return (sign * f64::INFINITY, 0),
        // It has no sign.
        "nan" if body.len() == text.len() => return (f64::NAN, 0),
        _ => {}
    }
    if !body.bytes().next().is_some_and(|c| c.is_ascii_digit() || c == b'.') {
        return (0.0, 1);
    }
    let mut lower = body.to_ascii_lowercase();
    if lower.contains('_') {
        if !underscores_separate_digits(&lower) {
            return (0.0, 1);
        }
        lower.retain(|c| c != '_');
    }
    if lower.starts_with("0x") {
        return match read_hex_float(&lower[2..]) {
            Some(f) if (bits32 && (f as f32).is_infinite()) || f.is_infinite() => (sign * f64::INFINITY, 2),
            Some(f) => (sign * if bits32 { f as f32 as f64 } else { f }, 0),
            None => (0.0, 1),
        };
    }
    if lower.contains("inf") || lower.contains("nan") {
        return (0.0, 1);
    }
    let f = if bits32 { lower.parse::<f32>().map(|f| f as f64) } else { lower.parse::<f64>() };
    match f {
        Ok(f) if f.is_infinite() => (sign * f, 2),
        Ok(f) => (sign * f, 0),
        Err(_) => (0.0, 1),
    }
}

/// Each underscore of a number (lower case, without sign) stands between digits, or behind the prefix of a base.
fn underscores_separate_digits(s: &str) -> bool {
    let hex = s.starts_with("0x");
    let digit = |c: u8| c.is_ascii_digit() || hex && c.is_ascii_hexdigit();
    let b = s.as_bytes();
    (0..b.len()).all(|i| {
        b[i] != b'_' || ((hex && i == 2 || i > 0 && digit(b[i - 1])) && b.get(i + 1).is_some_and(|&c| digit(c)))
    })
}

/// `h.hhhp±d` behind the prefix; rounded once for what fits 64 bits of mantissa.
fn read_hex_float(s: &str) -> Option<f64> {
    let (mantissa, exp) = s.split_once('p')?;
    let exp: i32 = exp.parse().ok()?;
    let (whole, frac) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && frac.is_empty() {
        return None;
    }
    let mut m: u64 = 0;
    let mut shift = exp;
    let mut sticky = false;
    for (i, c) in whole.chars().chain(frac.chars()).enumerate() {
        let d = c.to_digit(16)? as u64;
        if m >> 59 == 0 {
            m = m << 4 | d;
        } else {
            sticky |= d != 0;
            shift += 4;
        }
        if i >= whole.len() {
            shift -= 4;
        }
    }
    let m = m | sticky as u64;
    Some(
        m as f64
            * 2f64.powi(shift.clamp(-2000, 2000) / 2)
            * 2f64.powi(shift.clamp(-2000, 2000) - shift.clamp(-2000, 2000) / 2),
    )
}

fn unquote(cx: &mut Cx) -> NativeResult {
    let text = read_quoted(cx.str(0));
    cx.set_str(0, text.as_deref().unwrap_or(b""))?;
    cx.set_bool(1, text.is_some());
    Ok(Outcome::Done)
}

fn read_quoted(s: &[u8]) -> Option<Vec<u8>> {
    let (&first, &last) = (s.first()?, s.last()?);
    if s.len() < 2 || first != last {
        return None;
    }
    let body = &s[1..s.len() - 1];
    if first == b'`' {
        if body.contains(&b'`') {
            return None;
        }
        return Some(body.iter().copied().filter(|&c| c != b'\r').collect());
    }
    if first != b'"' && first != b'\'' || body.contains(&b'\n') {
        return None;
    }
    let mut out = Vec::new();
    let mut i = 0;
    let mut runes = 0;
    while i < body.len() {
        runes += 1;
        let c = body[i];
        if c == first {
            return None;
        }
        if c != b'\\' {
            let (r, width) = crate::value::string::decode_rune(&body[i..]);
            let r = char::from_u32(r).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(r.encode_utf8(&mut [0; 4]).as_bytes());
            i += width;
            continue;
        }
        let e = *body.get(i + 1)?;
        let simple = match e {
            b'a' => Some(7),
            b'b' => Some(8),
            b'f' => Some(12),
            b'n' => Some(10),
            b'r' => Some(13),
            b't' => Some(9),
            b'v' => Some(11),
            b'\\' => Some(b'\\'),
            q if q == first => Some(q),
            _ => None,
        };
        if let Some(b) = simple {
            out.push(b);
            i += 2;
            continue;
        }
        let (start, n, base) = match e {
            b'0'..=b'7' => (i + 1, 3, 8),
            b'x' => (i + 2, 2, 16),
            b'u' => (i + 2, 4, 16),
            b'U' => (i + 2, 8, 16),
            _ => return None,
        };
        let digits = std::str::from_utf8(body.get(start..start + n)?).ok()?;
        let v = u32::from_str_radix(digits, base).ok()?;
        if n <= 3 {
            out.push(u8::try_from(v).ok()?);
        } else {
            out.extend_from_slice(char::from_u32(v)?.encode_utf8(&mut [0; 4]).as_bytes());
        }
        i = start + n;
    }
    if first == b'\'' && runes > 1 {
        return None;
    }
    Some(out)
}
