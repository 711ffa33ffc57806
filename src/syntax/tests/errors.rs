//! What errors are called and where they are; the texts are those of Go's compiler.
use super::Text;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(Text::parse(text).errors(), expected, "{text}");
}

#[test]
#[rustfmt::skip]
fn statements() {
    check("package p\nfunc f() {\nx := 1 2\n}\n", &["3: syntax error: unexpected literal 2 at end of statement"]);
    check("package p\nfunc f() {\nf(1 2)\n}\n", &["3: syntax error: unexpected literal 2 in argument list; possibly missing comma or )"]);
    check("package p\nfunc f() {\nf(1,\n\t2\n)\n}\n", &["4: syntax error: unexpected newline in argument list; possibly missing comma or )"]);
    check("package p\nfunc f() {\nf(1, 2\n}\n", &["3: syntax error: unexpected newline in argument list; possibly missing comma or )"]);
    check("package p\nfunc f() {\nx := []int{1,\n\t2\n}\n}\n", &["4: syntax error: unexpected newline in composite literal; possibly missing comma or }"]);
    check("package p\nfunc f() {\nx := (1 + )\n}\n", &["3: syntax error: unexpected ), expected expression"]);
    check("package p\nfunc f() {\ny := x++\n}\n", &["3: syntax error: unexpected ++ at end of statement"]);
    check("package p\nfunc f() {\nif x = 2 {\n}\n}\n", &["3: syntax error: cannot use assignment x = 2 as value"]);
    check("package p\nfunc f() {\nif x == 1\n{\n}\n}\n", &["3: syntax error: unexpected newline, expected { after if clause"]);
    check("package p\nfunc f() {\nif {\n}\n}\n", &["3: syntax error: missing condition in if statement"]);
    check("package p\nfunc f() {\nif x; {\n}\n}\n", &["3: syntax error: missing condition in if statement"]);
    check("package p\nfunc f() {\nfor i := 0; i < 3; i++\n{\n}\n}\n", &["3: syntax error: unexpected newline, expected { after for clause"]);
    check("package p\nfunc f() {\nfor i := 0; i < 3 {\n}\n}\n", &["3: syntax error: unexpected {, expected semicolon or newline"]);
    check("package p\nfunc f() {\nfor x\n{\n}\n}\n", &["4: syntax error: unexpected {, expected for loop condition"]);
    check("package p\nfunc f() {\nfor var i = 0; i < 3; i++ {\n}\n}\n", &["3: syntax error: var declaration not allowed in for initializer"]);
    check("package p\nfunc f() {\nswitch x\ncase 1:\n}\n}\n", &["4: syntax error: unexpected keyword case, expected expression"]);
    check("package p\nfunc f() {\nswitch x {\n\tf()\ncase 1:\n}\n}\n", &["4: syntax error: unexpected name f, expected case or default or }"]);
    check("package p\nfunc f() {\nselect x {\n}\n}\n", &["3: syntax error: missing { after select clause"]);
    check("package p\nfunc f() {\n}\nelse {\n}\n}\n", &["4: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f() {\nif x {\n}\nelse {\n}\n}\n", &["5: syntax error: unexpected keyword else, expected }"]);
    check("package p\nfunc f() {\nif x {} else f()\n}\n", &["3: syntax error: else must be followed by if or statement block"]);
    check("package p\nfunc f() {\nwhile x {\n}\n}\n", &["3: syntax error: unexpected name x at end of statement"]);
    check("package p\nfunc f() {\nlet x = 1\n}\n", &["3: syntax error: unexpected name x at end of statement"]);
    check("package p\nfunc f() {\nx = a ? b : c\n}\n", &["3: invalid character U+003F '?'"]);
    check("package p\nfunc f() {\nvar x int y\n}\n", &["3: syntax error: unexpected name y at end of statement"]);
    check("package p\nfunc f() {\nvar x\n}\n", &["3: syntax error: unexpected newline, expected type"]);
    check("package p\nfunc f() {\nvar x := 1\n}\n", &["3: syntax error: unexpected :=, expected ="]);
    check("package p\nfunc f() {\nconst x := 1\n}\n", &["3: syntax error: unexpected :=, expected ="]);
    check("package p\nfunc f() {\ntype T\n}\n", &["3: syntax error: unexpected newline in type declaration"]);
    check("package p\nfunc f() {\na, b\n}\n", &["3: syntax error: unexpected newline, expected := or = or comma"]);
    check("package p\nfunc f() {\na, b += 1, 2\n}\n", &["3: syntax error: unexpected +=, expected := or = or comma"]);
    check("package p\nfunc f() {\nx += 1, 2\n}\n", &["3: syntax error: unexpected comma at end of statement"]);
    check("package p\nfunc f() {\nx[]\n}\n", &["3: syntax error: unexpected ], expected operand"]);
    check("package p\nfunc f() {\nx[1::2]\n}\n", &["3: middle index required in 3-index slice"]);
    check("package p\nfunc f() {\nx[1:2:]\n}\n", &["3: final index required in 3-index slice"]);
    check("package p\nfunc f() {\nx[1 2]\n}\n", &["3: syntax error: unexpected literal 2, expected comma, : or ]"]);
    check("package p\nfunc f() {\na.1\n}\n", &["3: syntax error: unexpected literal .1 at end of statement"]);
    check("package p\nfunc f() {\na.(\n}\n", &["4: syntax error: unexpected }, expected type"]);
    check("package p\nfunc f() {\ngo (f())\n}\n", &["3: expression in go must not be parenthesized"]);
    check("package p\nfunc f() {\ndefer (f())\n}\n", &["3: expression in defer must not be parenthesized"]);
    check("package p\nfunc f() {\nfunc g() {\n}\n}\n", &["3: syntax error: unexpected name g, expected (", "5: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f() {\nx := func { }\n}\n", &["3: syntax error: unexpected {, expected ("]);
    check("package p\nfunc f() {\nfor i := range 3; i++ {\n}\n}\n", &["3: syntax error: unexpected semicolon, expected { after for clause"]);
    check("package p\nfunc f() {\nfor i := 0; i < 3; j := 1 {\n}\n}\n", &["3: syntax error: cannot declare in post statement of for loop"]);
    check("package p\nfunc f() {\nreturn 1 2\n}\n", &["3: syntax error: unexpected literal 2 at end of statement"]);
    check("package p\nfunc f() {\ngoto 1\n}\n", &["3: syntax error: unexpected literal 1, expected name"]);
    check("package p\nfunc f() {\nbreak 1\n}\n", &["3: syntax error: unexpected literal 1 at end of statement"]);
    check("package p\nfunc f() {\nL: case\n}\n", &["3: syntax error: unexpected keyword case, expected }"]);
    check("package p\nfunc f() {\nstruct { a int }\n}\n", &[]);
}

#[test]
#[rustfmt::skip]
fn types_and_operands() {
    check("package p\nfunc f() {\nx := struct { a int b int }{}\n}\n", &["3: syntax error: unexpected name b in struct type; possibly missing semicolon or newline or }"]);
    check("package p\nfunc f() {\nx := interface { m[T any]() }\n}\n", &["3: interface method must have no type parameters"]);
    check("package p\nfunc f() {\nx := interface { m() n() }\n}\n", &["3: syntax error: unexpected ( in interface type; possibly missing semicolon or newline or }"]);
    check("package p\nfunc f() {\nvar f func(a int, string)\n}\n", &["3: syntax error: missing parameter type"]);
    check("package p\nfunc f() {\nvar f func(a, b.C, d int)\n}\n", &["3: syntax error: missing parameter name"]);
    check("package p\nfunc f() {\nvar f func(a int, b)\n}\n", &["3: syntax error: missing parameter type"]);
    check("package p\nfunc f() {\nvar f func(...int, int)\n}\n", &["3: can only use ... with final parameter"]);
    check("package p\nfunc f() {\nvar f func() (...int)\n}\n", &["3: invalid use of ..."]);
    check("package p\nfunc f() {\nvar f func(a ...)\n}\n", &["3: syntax error: ... is missing type"]);
    check("package p\nfunc f() {\nvar c chan\n}\n", &["4: syntax error: missing channel element type"]);
    check("package p\nfunc f() {\nvar m map[int\n}\n", &["3: syntax error: unexpected newline, expected ]"]);
    check("package p\nfunc f() {\nvar a [3 int\n}\n", &["3: syntax error: unexpected name int, expected ]"]);
    check("package p\nfunc f() {\nx := T{1, 2\n}\n", &["3: syntax error: unexpected newline in composite literal; possibly missing comma or }"]);
    check("package p\nfunc f() {\nimport \"a\"\n}\n", &["3: syntax error: unexpected keyword import, expected }", "4: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f() {\npackage q\n}\n", &["3: syntax error: unexpected keyword package, expected }"]);
    check("package p\nfunc f() {\nx := 5 {\n}\n}\n", &["3: syntax error: unexpected { at end of statement"]);
    check("package p\nfunc f() {\nf() {\n}\n}\n", &["3: syntax error: unexpected { at end of statement"]);
    check("package p\nfunc f() {\nx := (T){}\n}\n", &["3: syntax error: cannot parenthesize type in composite literal"]);
    check("package p\nfunc f() {\nif x := f() {\n}\n}\n", &["3: syntax error: cannot use x := f() as value"]);
    check("package p\nfunc f() {\nif x++ {\n}\n}\n", &["3: syntax error: cannot use x++ as value"]);
    check("package p\nfunc f() {\nswitch x := 1 {\n}\n}\n", &["3: syntax error: cannot use x := 1 as value"]);
    check("package p\nfunc f() {\ncase 1:\n}\n", &["3: syntax error: unexpected keyword case, expected }"]);
    check("package p\nfunc f() {\nx = = 1\n}\n", &["3: syntax error: unexpected =, expected expression"]);
    check("package p\nfunc f() {\nx == \n}\n", &["4: syntax error: unexpected }, expected expression"]);
    check("package p\nfunc f() {\nfallthrough 1\n}\n", &["3: syntax error: unexpected literal 1 at end of statement"]);
    check("package p\nfunc f() {\nx := \"a\" \"b\"\n}\n", &["3: syntax error: unexpected literal \"b\" at end of statement"]);
    check("package p\nfunc f() {\nif x && {\n}\n}\n", &["3: syntax error: unexpected {, expected expression"]);
    check("package p\nfunc f() {\nfor ; ; ; {\n}\n}\n", &["3: syntax error: unexpected semicolon, expected expression"]);
    check("package p\nfunc f() {\ndefer\n}\n", &["4: syntax error: unexpected }, expected expression"]);
    check("package p\nfunc f() {\ngo\n}\n", &["4: syntax error: unexpected }, expected expression"]);
    check("package p\nfunc f() {\n++x\n}\n", &["3: syntax error: unexpected ++, expected }"]);
    check("package p\nfunc f() {\nx =: 1\n}\n", &["3: syntax error: unexpected :, expected expression"]);
    check("package p\nfunc f() {\na and b\n}\n", &["3: syntax error: unexpected name and at end of statement"]);
    check("package p\nfunc f() {\nprint \"x\"\n}\n", &["3: syntax error: unexpected literal \"x\" at end of statement"]);
    check("package p\nfunc f() {\n~x\n}\n", &["3: cannot use ~ outside of interface or type constraint"]);
    check("package p\nfunc f() {\nvar x = ~1\n}\n", &["3: cannot use ~ outside of interface or type constraint"]);
    check("package p\nfunc f() {\nx <- \n}\n", &["4: syntax error: unexpected }, expected expression"]);
    check("package p\nfunc f() {\n<- \n}\n", &["4: syntax error: unexpected }, expected expression"]);
    check("package p\nfunc f() {\nfunc (a int) { }\n}\n", &[]);
    check("package p\nfunc f() {\nrange x\n}\n", &["3: syntax error: unexpected keyword range, expected }"]);
    check("package p\nfunc f() {\nx := map[string]int{\"a\": 1, \"b\" 2}\n}\n", &["3: syntax error: unexpected literal 2 in composite literal; possibly missing comma or }"]);
    check("package p\nfunc f() {\nx := [3]int{1, 2, 3\ny := 2\n}\n", &["3: syntax error: unexpected newline in composite literal; possibly missing comma or }"]);
    check("package p\nfunc f() {\nif a == b { c } d\n}\n", &["3: syntax error: unexpected name d at end of statement"]);
    check("package p\nfunc f() {\ntype T struct { a, b }\n}\n", &["3: syntax error: unexpected }, expected type"]);
    check("package p\nfunc f() {\ntype T struct { a int, b int }\n}\n", &["3: syntax error: unexpected comma in struct type; possibly missing semicolon or newline or }"]);
    check("package p\nfunc f() {\ntype T struct { (A) }\n}\n", &["3: syntax error: cannot parenthesize embedded type"]);
    check("package p\nfunc f() {\ntype T interface { ~ }\n}\n", &["3: syntax error: unexpected }, expected type"]);
    check("package p\nfunc f() {\ntype T[P any\n}\n", &["3: syntax error: unexpected newline in parameter list; possibly missing comma or ]"]);
    check("package p\nfunc f() {\ntype T[P any] \n}\n", &["3: syntax error: unexpected newline in type declaration"]);
    check("package p\nfunc f() {\ntype T[] int\n}\n", &[]);
    check("package p\nfunc f() {\ntype T[P] struct{}\n}\n", &[]);
    check("package p\nx := 1\n", &["2: syntax error: non-declaration statement outside function body"]);
}

#[test]
#[rustfmt::skip]
fn top_level() {
    check("package p\nx = 1\n", &["2: syntax error: non-declaration statement outside function body"]);
    check("package p\nf()\n", &["2: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f()\n{\n}\n", &["3: syntax error: unexpected semicolon or newline before {"]);
    check("package p\nfunc f() {\n\tif x {\n}\n\nfunc g() {\n}\n", &["6: syntax error: unexpected name g, expected ("]);
    check("package p\nfunc (a, b int) f() {}\nfunc f( {}\n", &["3: syntax error: unexpected {, expected )"]);
    check("package p\nfunc {\n}\n", &["2: syntax error: unexpected {, expected name or ("]);
    check("package p\nfunc f {\n}\n", &["2: syntax error: unexpected {, expected ("]);
    check("package p\nfunc f(a int b int) {\n\tx y\n}\n", &["2: syntax error: unexpected name b in parameter list; possibly missing comma or )", "3: syntax error: unexpected name y at end of statement"]);
    check("package p\nfunc f() int string {\n}\n", &["2: syntax error: unexpected name string after top level declaration"]);
    check("package p\ntype T struct {\n\ta int\n\tb\n\tc d e\n\tf string\n}\nvar x y z\n", &["5: syntax error: unexpected name e in struct type; possibly missing semicolon or newline or }", "8: syntax error: unexpected name z after top level declaration"]);
    check("package p\nimport a\n", &["2: syntax error: missing import path"]);
    check("package p\nimport 5\n", &["2: syntax error: import path must be a string"]);
    check("package p\nimport \"a\" \"b\"\n", &["2: syntax error: unexpected literal \"b\" after top level declaration"]);
    check("package p\nvar x = 1 2\nvar y = 3 4\nfunc f() { a b }\n", &["2: syntax error: unexpected literal 2 after top level declaration", "3: syntax error: unexpected literal 4 after top level declaration", "4: syntax error: unexpected name b at end of statement"]);
    check("package p\nimport \"a\"\nvar x int\nimport \"b\"\n", &["4: syntax error: imports must appear before other declarations"]);
    check("package p\nconst (\n\tA = 1 2\n\tB\n\tC D E\n)\n", &["3: syntax error: unexpected literal 2 in grouped declaration; possibly missing semicolon or newline or )", "5: syntax error: unexpected name E in grouped declaration; possibly missing semicolon or newline or )"]);
    check("package p\ntype (\n\tA int\n\t5\n\tB string\n)\n", &["4: syntax error: unexpected literal 5, expected name"]);
    check("package p\n}\nfunc f() {}\n", &["2: syntax error: non-declaration statement outside function body"]);
    check("package p\n)\n", &["2: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f() {\n", &["3: syntax error: unexpected EOF, expected }"]);
    check("package p\nfunc f() {\n\tfor {\n\t\tx(\n", &["5: syntax error: unexpected EOF, expected )"]);
    check("package p\nfunc f() {\n\tx := 1\n\n\ty = 2 3\n\tz := \n}\n", &["5: syntax error: unexpected literal 3 at end of statement", "7: syntax error: unexpected }, expected expression"]);
    check("package p\nvar a [3int\nvar b int\n", &["2: syntax error: unexpected name nt, expected ]"]);
    check("package p\nfunc f[T]() {}\n", &["2: syntax error: missing type constraint"]);
    check("package p\nfunc f[T any, U]() {}\n", &["2: syntax error: missing type constraint"]);
    check("package p\nfunc f[]() {}\n", &["2: syntax error: empty type parameter list"]);
    check("package p\nfunc (T) [P any]f() {}\n", &["2: syntax error: unexpected [, expected name"]);
    check("package p\nfunc f(a int,, b int) {}\n", &["2: syntax error: unexpected comma, expected )"]);
    check("package p\ntype T = \n", &["3: syntax error: unexpected EOF in type declaration"]);
    check("package p\nvar (\n\tx = 1,\n)\n", &["4: syntax error: unexpected ), expected expression"]);
    check("package p\nfunc f() (a int, b) {}\n", &["2: syntax error: missing parameter type"]);
    check("package p\nfunc f(x.y z) {}\n", &["2: syntax error: unexpected name z in parameter list; possibly missing comma or )"]);
    check("package p\nfunc f(a b, c.d) {}\n", &["2: syntax error: missing parameter name"]);
    check("package p\nif x {\n}\nvar a int\n", &["2: syntax error: non-declaration statement outside function body"]);
    check("package p\nfunc f() {\n\tx(1,\n\t\t2)\n\ty{\n}\n", &["7: syntax error: unexpected EOF, expected }"]);
    check("package p\ntype I interface {\n\tm() int string\n\tn()\n}\n", &["3: syntax error: unexpected name string in interface type; possibly missing semicolon or newline or }"]);
    check("package p\nfunc f() { switch x { case 1 : a b\ncase c d: e\ndefault g: h } }\n", &["2: syntax error: unexpected name b at end of statement", "3: syntax error: unexpected name d, expected :", "4: syntax error: unexpected name g, expected :"]);
    check("package p\nfunc f() {\n\tif a { b } else { c d }\n\tif e f {\n\t\tg h\n\t}\n}\n", &["3: syntax error: unexpected name d at end of statement", "4: syntax error: unexpected name f, expected {", "5: syntax error: unexpected name h at end of statement"]);
    check("package p\nfunc f() {\n\tx := []T{\n\t\t{1, 2}\n\t\t{3, 4},\n\t}\n\ty z\n}\n", &["4: syntax error: unexpected newline in composite literal; possibly missing comma or }", "7: syntax error: unexpected name z at end of statement"]);
    check("package p\nfunc f(a int, b string {\n\tx y\n}\nfunc g() { z w }\n", &["2: syntax error: unexpected { in parameter list; possibly missing comma or )", "3: syntax error: unexpected name y at end of statement", "5: syntax error: unexpected name w at end of statement"]);
    check("package\n", &["2: syntax error: unexpected EOF, expected name"]);
    check("package 5\n", &["1: syntax error: unexpected literal 5, expected name"]);
    check("package p.q\nvar x y z\n", &["1: syntax error: unexpected ., expected semicolon or newline"]);
    check("package p var x int\n", &["1: syntax error: unexpected keyword var, expected semicolon or newline"]);
}

#[test]
fn common_slips_get_help() {
    let help = |text: &str| Text::parse(text).diags.list.first().and_then(|d| d.help.clone()).unwrap_or_default();
    for (text, part) in [
        ("package p\nx := 1\n", "var"),
        ("package p\nf()\n", "package clause"),
        ("package p\nfunc f()\n{\n}\n", "the line of its func"),
        ("if x\n{\n}\n", "line of its header"),
        ("if x {\n}\nelse {\n}\n", "line of the closing }"),
        ("while x {\n}\n", "for"),
        ("if x = 1 {\n}\n", "=="),
        ("var x := 1\n", "="),
        ("x = y++\n", "statements"),
        ("f(1,\n2\n)\n", "comma"),
        ("func f() {\n\tfunc g() {\n\t}\n}\n", ":= func"),
        ("x = a ? b : c\n", "ternary"),
        ("x = 'abc'\n", "double quotes"),
        ("if x:\n\ty()\n", "braces"),
        ("a and b\n", "&&"),
        ("for var i = 0; i < 1; i++ {\n}\n", ":="),
    ] {
        assert!(help(text).contains(part), "{text}: {}", help(text));
    }
}

#[test]
fn unclosed_brackets_are_shown_where_they_open() {
    let t = Text::parse("package p\nfunc f() {\n\tif x {\n");
    let d = &t.diags.list[0];
    assert_eq!(t.errors(), ["4: syntax error: unexpected EOF, expected }"]);
    assert_eq!(t.sources.locate(d.related[0].0.lo).map(|l| l.1), Some(3));
}
