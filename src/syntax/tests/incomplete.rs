//! Whether more is to come.
use crate::syntax::is_incomplete;

#[test]
fn beginnings() {
    for text in [
        "func f() {",
        "if x {\n",
        "x := ",
        "f(",
        "f(a,\n",
        "x = []int{\n1,\n",
        "for i := 0; i < 3;",
        "`abc\n",
        "/* abc\n",
        "a +",
        "func f(a int,",
        "type T struct {\n a int\n",
        "switch x {\ncase 1:\n f()\n",
        "import (\n\"a\"\n",
        "x :=\n",
        "var x =",
        "type T",
        "if x {\n} else",
        "m := map[string]int{\"a\": 1,\n",
        "func",
        "go func() {\n",
        "a.",
    ] {
        let expected = text != "type T";
        assert_eq!(is_incomplete(text), expected, "{text:?}");
    }
}

#[test]
fn wholes_and_errors() {
    for text in [
        "",
        "x",
        "x := 1\n",
        "func f() {}\n",
        "f(a, b)\n",
        "if x {\n}\n",
        "x y",
        "f(1 2",
        "f(1\n",
        "\"abc",
        "'a",
        ")",
        "}",
        "if x = 1 {",
        "@ {",
        "{ x y",
        "x := 1 2 {",
    ] {
        assert_eq!(is_incomplete(text), text == "if x = 1 {", "{text:?}");
    }
}
