//! Texts that want to break the parser: arbitrary characters, broken programs, endless nesting. Each must end soon,
//! with a file in the tree, reports on lines that exist, and no panic.
use super::Text;
use crate::base::limits::{MAX_NESTING, MAX_REPORTED_ERRORS};
use crate::syntax::ast::{ExprKind, StmtKind};

/// A deterministic sequence (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "(", ")", "[", "]", "{", "}", ",", ";", ":", ":=", "=", "+", "-", "*", "&", "!", "~", "<-", "==", "...", ".", "++",
    "x", "T", "1", "0x", "1.5", "'a'", "\"s\"", "`r`", "\n", " ", "//c\n", "/*c*/", "/*", "\"", "'", "`", "\\", "é", "\0",
    "\u{FEFF}", "@", "#!", "package p\n", "import ", "func ", "func f", "type ", "var ", "const ", "struct{", "interface{",
    "map[", "chan ", "if ", "else ", "for ", "range ", "switch ", "select ", "case ", "default:", "return ", "go ", "defer ",
    "goto ", "break ", "continue ", "fallthrough", "L:", "x.(type)", "[T any]", "func(", "\u{202E}", "_", "op=", "+=",
];

fn check(text: &str) {
    let t = Text::parse(text);
    assert!(t.errors().len() <= MAX_REPORTED_ERRORS);
    for d in &t.diags.list {
        assert!(d.span.lo >= 1 && d.span.lo as usize <= text.len() + 1, "{:?} in {text:?}", d);
        assert!(d.span.lo <= d.span.hi, "{:?} in {text:?}", d);
    }
    let bad = t.ast.exprs.iter().any(|e| matches!(e.kind, ExprKind::Bad))
        || t.ast.stmts.iter().any(|s| matches!(s.kind, StmtKind::Bad));
    assert!(!bad || t.diags.has_errors(), "a hole in the tree without a report: {text:?}");
    assert!(t.ast.exprs.iter().all(|e| e.depth <= MAX_NESTING));
    crate::syntax::is_incomplete(text);
}

#[test]
fn arbitrary_pieces() {
    let mut r = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..20_000 {
        let mut text = String::from(if round % 3 == 0 { "package p\nfunc f() {\n" } else { "" });
        for _ in 0..r.below(25) {
            text.push_str(PIECES[r.below(PIECES.len())]);
            if r.below(2) == 0 {
                text.push(' ');
            }
        }
        check(&text);
    }
}

#[test]
fn arbitrary_bytes() {
    let mut r = Random(0xDEAD_BEEF_CAFE_F00D);
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..r.below(60)).map(|_| r.below(256) as u8).collect();
        check(&String::from_utf8_lossy(&bytes));
    }
}

const PROGRAM: &str = include_str!("program.go.txt");

#[test]
fn the_program_to_mutate_is_well() {
    assert_eq!(Text::parse(PROGRAM).errors(), Vec::<String>::new());
}

#[test]
fn mutated_programs() {
    let mut r = Random(0x0123_4567_89AB_CDEF);
    for _ in 0..3_000 {
        let mut text = PROGRAM.to_string();
        for _ in 0..1 + r.below(4) {
            let mut at = r.below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + r.below(6)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let piece = if r.below(3) == 0 { "" } else { PIECES[r.below(PIECES.len())] };
            match r.below(3) {
                0 => text.insert_str(at, piece),
                _ => text.replace_range(at..end, piece),
            }
        }
        check(&text);
    }
}

#[test]
fn every_prefix() {
    let mut end = 0;
    for c in PROGRAM.chars() {
        end += c.len_utf8();
        let t = Text::parse(&PROGRAM[..end]);
        assert!(t.errors().len() < 5, "{:?} after {end} bytes", t.errors());
    }
}

/// The only report says that the nesting is too deep.
fn too_deep(name: &str, text: &str) {
    let errors = Text::parse(text).errors();
    assert!(errors.len() == 1 && errors[0].ends_with("nested too deeply"), "{name}: {errors:?}");
}

#[test]
fn endless_nesting_is_refused() {
    let bytes = 10_000_000;
    for unit in [
        "(",
        "[",
        "{",
        "func(){",
        "- ",
        "*",
        "!",
        "[]",
        "map[int]",
        "func()",
        "chan ",
        "<-",
        "f(",
        "a[",
        "T{",
        "struct{a ",
    ] {
        let text = format!("package p\nfunc f() {{\n\tx = {}", unit.repeat(bytes / unit.len()));
        too_deep(unit, &text);
    }
    for unit in [
        "if x {",
        "for {",
        "switch { case x:",
        "if x {} else ",
        "L: ",
        "{",
        "select { default:",
        "if x := y; z {} else ",
    ] {
        let text = format!("package p\nfunc f() {{\n\t{}", unit.repeat(200_000));
        too_deep(unit, &text);
    }
    // What leans to the left, and what only sums up.
    for unit in ["1+", "a.", "f()()+", "a&&"] {
        too_deep(unit, &format!("x = {}1", unit.repeat(100_000)));
    }
    let deep = format!("{}func() {{ x = ", "-".repeat(1).replace('-', "!").repeat(300));
    too_deep("sum", &format!("x = {}1{}", deep.repeat(100), " }".repeat(100)));
    too_deep("top", &"(".repeat(bytes));
}

#[test]
fn what_is_just_allowed_parses() {
    let n = MAX_NESTING as usize - 10;
    for (open, middle, close) in [("(", "1", ")"), ("!", "a", ""), ("[]", "int", ""), ("f(", "1", ")"), ("{", "", "}")]
    {
        let text = format!("_ = {}{middle}{}\n", open.repeat(n / 2), close.repeat(n / 2));
        let text = if open == "{" { text[4..].to_string() } else { text };
        assert_eq!(Text::parse(&text).errors(), Vec::<String>::new(), "{open}");
    }
}

#[test]
fn large_files_full_of_errors_end_soon() {
    for unit in [
        "x y\n",
        "func f(\n",
        "func f() { x y }\n",
        "@",
        "\"\n",
        "'\n",
        "}",
        ")",
        ",",
        ";",
        "if\n",
        "case ",
        "a: ",
        "...",
    ] {
        for head in ["package p\nfunc f() {\n", "package p\n", ""] {
            let t = Text::parse(&format!("{head}{}", unit.repeat(300_000 / unit.len())));
            assert!(t.errors().len() <= MAX_REPORTED_ERRORS, "{unit}");
        }
    }
}
