//! Floats and quoted strings as text, with Go's formats.
pub use crate::value::number::*;

/// Appends Go's quoted string, `"..."` with escapes, as strconv.Quote (`ascii`: QuoteToASCII); false where there would be
/// more than `most` bytes.
pub fn quote(s: &[u8], delimiter: u8, ascii: bool, most: usize, out: &mut Vec<u8>) -> bool {
    out.reserve(s.len() + 2);
    out.push(delimiter);
    let mut rest = s;
    loop {
        let plain = |b: &u8| matches!(b, b' '..=b'~') && *b != delimiter && *b != b'\\';
        let (as_it_is, more) = rest.split_at(rest.iter().position(|b| !plain(b)).unwrap_or(rest.len()));
        out.extend_from_slice(as_it_is);
        rest = more;
        if rest.is_empty() || out.len() > most {
            break;
        }
        let (r, width) = crate::value::string::decode_rune(rest);
        if r == 0xFFFD && width == 1 {
            out.extend_from_slice(format!("\\x{:02x}", rest[0]).as_bytes());
        } else {
            quote_rune_into(r, delimiter, ascii, out);
        }
        rest = &rest[width..];
    }
    out.push(delimiter);
    out.len() <= most
}

pub fn quote_rune_into(r: u32, delimiter: u8, ascii: bool, out: &mut Vec<u8>) {
    if r == delimiter as u32 || r == b'\\' as u32 {
        out.push(b'\\');
        out.push(r as u8);
        return;
    }
    let c = char::from_u32(r).unwrap_or('\u{FFFD}');
    if (ascii && c.is_ascii() || !ascii) && is_print(c) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let text = match r {
        7 => "\\a".to_string(),
        8 => "\\b".into(),
        12 => "\\f".into(),
        10 => "\\n".into(),
        13 => "\\r".into(),
        9 => "\\t".into(),
        11 => "\\v".into(),
        r if r < 0x20 || r == 0x7f => format!("\\x{r:02x}"),
        r if r < 0x10000 => format!("\\u{r:04x}"),
        r => format!("\\U{r:08x}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// strconv.IsPrint, as near as the standard library's tables tell: letters, marks, numbers, punctuation, symbols and
/// the ASCII space.
pub fn is_print(c: char) -> bool {
    super::unicode::is_print(c as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_gos() {
        let g = |v: f64| float_text(v, b'g', -1, false);
        assert_eq!(g(1.0), "1");
        assert_eq!(g(0.1), "0.1");
        assert_eq!(g(1e20), "1e+20");
        assert_eq!(g(16777216.0), "1.6777216e+07");
        assert_eq!(g(123456.0), "123456");
        assert_eq!(g(1e21), "1e+21");
        assert_eq!(g(1.5e-5), "1.5e-05");
        assert_eq!(g(123456789.125), "1.23456789125e+08");
        assert_eq!(float_text(3.14159, b'f', 2, false), "3.14");
        assert_eq!(float_text(1234.5678, b'e', 3, false), "1.235e+03");
        assert_eq!(float_text(100000.0, b'g', 3, false), "1e+05");
        assert_eq!(float_text(0.000123, b'g', 3, false), "0.000123");
        assert_eq!(float_text(1.0, b'x', -1, false), "0x1p+00");
        assert_eq!(float_text(0.1f32 as f64, b'g', -1, true), "0.1");
    }
}
