//! Natives of small packages: `context`, `encoding/hex`, `encoding/base64`, `html` and `path/filepath`.
use super::long;
use crate::bytecode::program::RTypeId;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};

pub const NATIVES: &[NativeEntry] = &[
    ("context.comparable", |cx| {
        let id = cx.iface_type(cx.word(0));
        let ok = id == RTypeId::NONE || cx.rtype(id).comparable;
        cx.set_bool(0, ok);
        Ok(Outcome::Done)
    }),
    ("context.typeName", type_name),
    ("encoding/base64.decode", base64_decode),
    ("encoding/base64.encode", base64_encode),
    ("encoding/hex.decode", hex_decode),
    ("encoding/hex.encode", |cx| {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let src: &[u8] = cx.bytes_view(0);
        long::check(cx, 2 * src.len())?;
        let work = move || -> Vec<u8> {
            src.iter().flat_map(|b| [DIGITS[*b as usize >> 4], DIGITS[*b as usize & 15]]).collect()
        };
        long::work(cx, src.len(), work, put_text)
    }),
    ("html.entity", |cx| {
        let text = entity(cx.str(0)).unwrap_or_default();
        cx.set_str(0, text.as_bytes())?;
        Ok(Outcome::Done)
    }),
    ("path/filepath.getwd", |cx| {
        let folder = super::os::working_folder(&cx.env.door);
        super::os::text_result(cx, folder)
    }),
];

/// `typeName(v any) string`
pub fn type_name(cx: &mut Cx) -> NativeResult {
    let id = cx.iface_type(cx.word(0));
    let name = if id == RTypeId::NONE { "<nil>" } else { cx.rtype(id).name.as_str() };
    cx.set_str(0, name.as_bytes())?;
    Ok(Outcome::Done)
}

/// `decode(src string) ([]byte, int, bool)`
fn hex_decode(cx: &mut Cx) -> NativeResult {
    let src = cx.str(0);
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let mut out = Vec::with_capacity(src.len() / 2);
    let (mut at, mut ok) = (0, src.len() % 2 == 0);
    for pair in src.chunks(2) {
        let hi = digit(pair[0]);
        let lo = pair.get(1).map(|c| digit(*c));
        match (hi, lo) {
            (Some(hi), Some(Some(lo))) => out.push(hi << 4 | lo),
            (Some(_), None) => {
                at += 1;
                break;
            }
            (hi, _) => {
                at += hi.is_some() as usize;
                ok = false;
                break;
            }
        }
        at += 2;
    }
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    cx.set_int(1, at as i64);
    cx.set_bool(2, ok);
    Ok(Outcome::Done)
}

/// `encode(alphabet string, padding rune, src []byte) string`
fn base64_encode(cx: &mut Cx) -> NativeResult {
    let (alphabet, padding, src) = (cx.str(0), cx.int(1), cx.bytes_view(2));
    let len = src.len().div_ceil(3) * 4;
    long::check(cx, len)?;
    let work = move || base64_text(alphabet, padding, src);
    long::work(cx, src.len(), work, put_text)
}

/// Bytes as text in base 64; `padding` is negative where there is none.
pub fn base64_text(alphabet: &[u8], padding: i64, src: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(src.len().div_ceil(3) * 4);
    for group in src.chunks(3) {
        let bits = group.iter().fold(0u32, |v, b| v << 8 | *b as u32) << (8 * (3 - group.len()));
        for i in 0..4 {
            if i <= group.len() {
                out.push(alphabet[(bits >> (18 - 6 * i) & 63) as usize]);
            } else if padding >= 0 {
                out.push(padding as u8);
            }
        }
    }
    out
}

fn put_text(cx: &mut Cx, text: &Vec<u8>) -> NativeResult {
    cx.set_str(0, text)?;
    Ok(Outcome::Done)
}

/// `decode(alphabet string, padding rune, strict bool, src string) ([]byte, int)`
fn base64_decode(cx: &mut Cx) -> NativeResult {
    let (out, bad) = base64(cx.str(0), cx.int(1), cx.bool(2), cx.str(3));
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    cx.set_int(1, bad.map_or(-1, |i| i as i64));
    Ok(Outcome::Done)
}

/// The bytes, and where the text is wrong first.
fn base64(alphabet: &[u8], padding: i64, strict: bool, src: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut values = [0xffu8; 256];
    for (i, c) in alphabet.iter().enumerate() {
        values[*c as usize] = i as u8;
    }
    let newline = |c: &u8| *c == b'\n' || *c == b'\r';
    let mut out = Vec::with_capacity(src.len() / 4 * 3);
    let mut i = 0;
    loop {
        let mut group = [0u8; 4];
        let mut have = 0;
        let mut padded = false;
        while have < 4 {
            let Some(c) = src.get(i) else {
                if have == 0 {
                    return (out, None);
                }
                if have == 1 || padding >= 0 {
                    return (out, Some(i - have));
                }
                break;
            };
            i += 1;
            if newline(c) {
                continue;
            }
            let v = values[*c as usize];
            if v != 0xff {
                group[have] = v;
                have += 1;
                continue;
            }
            if *c as i64 != padding || have < 2 {
                return (out, Some(i - 1));
            }
            let skip = |mut i: usize| {
                while src.get(i).is_some_and(newline) {
                    i += 1;
                }
                i
            };
            if have == 2 {
                i = skip(i);
                if i == src.len() {
                    return (out, Some(src.len()));
                }
                if src[i] as i64 != padding {
                    return (out, Some(i - 1));
                }
                i += 1;
            }
            i = skip(i);
            padded = true;
            break;
        }
        let bits = group.iter().fold(0u32, |v, b| v << 6 | *b as u32);
        let bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        let n = have - 1;
        if strict && bytes[n.min(3)..].iter().any(|b| *b != 0) {
            return (out, Some(i - (3 - n).min(i)));
        }
        let extra = (padded && i < src.len()).then_some(i);
        out.extend_from_slice(&bytes[..n]);
        if have < 4 {
            return (out, extra);
        }
    }
}

/// The named characters of HTML, a line for each: name (with its semicolon, where it has one) and text.
const ENTITIES: &str = include_str!("entities.txt");

/// The text of a named character.
fn entity(name: &[u8]) -> Option<&'static str> {
    // The one text that would end its line.
    if name == b"NewLine;" {
        return Some("\n");
    }
    let lines = ENTITIES.as_bytes();
    let (mut lo, mut hi) = (0, lines.len());
    while lo < hi {
        let mid = (lo + hi) / 2;
        let start = memchr::memrchr(b'\n', &lines[..mid]).map_or(0, |i| i + 1);
        let end = memchr::memchr(b'\n', &lines[mid..]).map_or(lines.len(), |i| mid + i);
        let tab = memchr::memchr(b'\t', &lines[start..end]).map_or(end, |i| start + i);
        match lines[start..tab].cmp(name) {
            std::cmp::Ordering::Less => lo = end + 1,
            std::cmp::Ordering::Greater => hi = start,
            std::cmp::Ordering::Equal => return ENTITIES.get(tab + 1..end),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::entity;

    #[test]
    fn finds_entities() {
        assert_eq!(entity(b"amp;"), Some("&"));
        assert_eq!(entity(b"AElig"), Some("Æ"));
        assert_eq!(entity(b"zwnj;"), Some("\u{200c}"));
        assert_eq!(entity(b"nonsense;"), None);
    }
}
