//! Literals: their values, and what is wrong with bad ones.
use super::Text;
use crate::syntax::literal::{unquote_char, unquote_string};

#[test]
fn strings_have_the_bytes_they_say() {
    let u = |t: &str| unquote_string(t);
    assert_eq!(u(r#""a\n\t\\\"é""#), Some("a\n\t\\\"é".into()));
    assert_eq!(u(r#""\xff\377\u00e9\U0001F600""#), Some(b"\xff\xff\xc3\xa9\xf0\x9f\x98\x80".to_vec()));
    assert_eq!(u("`a\\n\r\nb`"), Some(b"a\\n\nb".to_vec()));
    assert_eq!(u(r#""\ud800""#), None);
    assert_eq!(u(r#""\400""#), None);
    assert_eq!(u(r#""\'""#), None);
    assert_eq!(u("\""), None);
    assert_eq!(u("`"), None);
    assert_eq!(u(r#""\x""#), None);
}

#[test]
fn runes_have_the_value_they_say() {
    let u = |t: &str| unquote_char(t);
    assert_eq!(u("'a'"), Some(97));
    assert_eq!(u(r"'\''"), Some(39));
    assert_eq!(u(r"'\xff'"), Some(255));
    assert_eq!(u(r"'\U0010FFFF'"), Some(0x10FFFF));
    assert_eq!(u("'世'"), Some('世' as u32));
    assert_eq!(u(r#"'\"'"#), None);
    assert_eq!(u("''"), None);
    assert_eq!(u("'ab'"), None);
    assert_eq!(u("'"), None);
}

#[test]
fn good_numbers() {
    let good = "0 7 42 1_000 0x1F 0X_ff 0b101 0B_1 0o17 0O7 017 0_7 1. .5 1.5e3 1e+5 1E-5 0x1p-2 0x1.8P3 0x.8p0 1i 0i 09i \
                1.5i 0x10i 1e3i 09.5 08e1 1_0.2_5e1_0";
    for n in good.split_whitespace() {
        let t = Text::parse(&format!("_ = {n}\n"));
        assert!(t.errors().is_empty(), "{n}: {:?}", t.errors());
    }
}

#[test]
fn bad_literals_in_gos_words() {
    let cases = [
        ("08", "invalid digit '8' in octal literal"),
        ("0o9", "invalid digit '9' in octal literal"),
        ("0b12", "invalid digit '2' in binary literal"),
        ("0x", "hexadecimal literal has no digits"),
        ("0b_", "binary literal has no digits"),
        ("1__0", "'_' must separate successive digits"),
        ("1_", "'_' must separate successive digits"),
        ("0x1.0", "hexadecimal mantissa requires a 'p' exponent"),
        ("1p3", "'p' exponent requires hexadecimal mantissa"),
        ("0b1e3", "'e' exponent requires decimal mantissa"),
        ("0o1.5", "invalid radix point in octal literal"),
        ("1e", "exponent has no digits"),
        ("''", "empty rune literal or unescaped '"),
        ("'ab'", "more than one character in rune literal"),
        ("'a", "newline in rune literal"),
        ("\"a", "newline in string"),
        ("\"\\q\"", "unknown escape"),
        ("\"\\xg1\"", "invalid character 'g' in hexadecimal escape"),
        ("\"\\08\"", "invalid character '8' in octal escape"),
        ("'\\400'", "octal escape value 256 > 255"),
        ("\"\\U00110000\"", "escape is invalid Unicode code point U+110000"),
        ("\"\\ud800\"", "escape is invalid Unicode code point U+D800"),
        ("1 \0", "invalid NUL character"),
        ("1 \u{FEFF}", "invalid BOM in the middle of the file"),
        ("1 @", "invalid character U+0040 '@'"),
        ("a€", "invalid character U+20AC '€' in identifier"),
        ("٣x", "identifier cannot begin with digit U+0663 '٣'"),
    ];
    for (text, message) in cases {
        let t = Text::parse(&format!("package p\nvar _ = {text}\n"));
        assert_eq!(t.errors(), [format!("2: {message}")], "{text}");
    }
    for (text, message) in
        [("`a", "string not terminated"), ("/* a", "comment not terminated"), ("'a", "rune literal not terminated")]
    {
        assert_eq!(Text::parse(&format!("x = 1 + {text}")).errors(), [format!("1: {message}")]);
    }
}
