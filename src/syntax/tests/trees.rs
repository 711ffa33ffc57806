//! What texts parse to.
use super::tree;

#[track_caller]
fn same(text: &str, expected: &str) {
    assert_eq!(tree(text), expected, "{text}");
}

#[test]
fn precedence() {
    same("_ = a || b && c == d + e * -f", "(= _ | (LOr a (LAnd b (Eq c (Add d (Mul e (Neg f)))))))");
    same("_ = a - b - c", "(= _ | (Sub (Sub a b) c))");
    same("_ = a &^ b | c ^ d << 2", "(= _ | (Xor (Or (AndNot a b) c) (Shl d 2)))");
    same("_ = *p.q[1].(T)", "(= _ | *p.q[1].(T))");
    same("_ = <-c + <-d", "(= _ | (Add (Recv c) (Recv d)))");
    same("_ = !a && &b != nil", "(= _ | (LAnd (Not a) (Ne (Addr b) nil)))");
}

#[test]
fn calls_indices_and_slices() {
    same("f(a, b...)", "(call f a b...)");
    same("f(a, b,)", "(call f a b)");
    same("_ = m[string, int](x)[1:2:3][:][a:][:b]", "(= _ | (call m[string int] x)[1:2:3][-:-][a:-][-:b])");
    same("_ = []byte(s)", "(= _ | (call []byte s))");
    same("_ = (func())(nil)", "(= _ | (call (paren (functype ())) nil))");
    same("_ = (<-chan int)(c)", "(= _ | (call (paren (chan Recv int)) c))");
    same("_ = make(map[string][]int, 3)", "(= _ | (call make map[string][]int 3))");
    same(
        "_ = func(a, b int) (c string, _ error) { return }(1, 2)",
        "(= _ | (call (func(a int, b int)(c string, _ error) {(return)}) 1 2))",
    );
}

#[test]
fn literals_of_composite_types() {
    same("_ = T{1, 2: 3, {4}, {5}: {6}}", "(= _ | T{1 2:3 {4} {5}:{6}})");
    same("_ = [...]p.T{}", "(= _ | [...]p.T{})");
    same("_ = map[K]struct{ a, b int }{}", "(= _ | map[K]struct{a int; b int}{})");
    same("_ = &Pair[int, string]{x: 1}", "(= _ | (Addr Pair[int string]{x:1}))");
    same("_ = []func(){f, g}", "(= _ | [](functype ()){f g})");
}

#[test]
fn types() {
    same("var a chan<- chan int", "(var a : (chan Send (chan Both int)) = )");
    same("var a <-chan (<-chan int)", "(var a : (chan Recv (paren (chan Recv int))) = )");
    same("var f func(int, ...string) (a, b int)", "(var f : (functype (int, ...string)(a int, b int)) = )");
    same(
        "var f func(a []int, b [3]int, c [n]int, d G[x])",
        "(var f : (functype (a []int, b [3]int, c [n]int, d G[x])) = )",
    );
    same("var f func([]int, [3]int, G[x], p.G[y])", "(var f : (functype ([]int, [3]int, G[x], p.G[y])) = )");
    same(
        "type S struct { a, b int `t`; *E; p.Q; G[int]; x []int; y [2]G[int] }",
        "(type S struct{a int `t`; b int `t`; *E; p.Q; G[int]; x []int; y [2]G[int]})",
    );
    same(
        "type I interface { m(int) (string, error); n(); E; ~int | *T | []byte }",
        "(type I interface{m(int)(string, error); n(); E; (Or (Or ~int *T) []byte)})",
    );
    same("type A = B; type ( C D; E = F )", "(type A = B) (type C D; E = F)");
}

#[test]
fn type_parameters() {
    same("type T[K comparable, V any] map[K]V", "(type T [K comparable, V any] map[K]V)");
    same("type T[K, V any] struct{}", "(type T [K any, V any] struct{})");
    same("type T[P *C] int", "(type T [(Mul P C)]int)");
    same("type T[P *C,] struct{}", "(type T [P *C] struct{})");
    same("type T[P *C|D] struct{}", "(type T [(Or (Mul P C) D)]struct{})");
    same("type T[P *C|~D] struct{}", "(type T [P (Or *C ~D)] struct{})");
    same("type T[P interface{}] int", "(type T [P interface{}] int)");
    same("type T[n] int; type U[n * 2]int; type V [3]int", "(type T [n]int) (type U [(Mul n 2)]int) (type V [3]int)");
    same("type L[P any] = []P", "(type L [P any] = []P)");
    same("func f[T ~[]E, E any](x T) E { }", "(func f [T ~[]E, E any](x T)(E) {})");
    same("func (r *R[A, _]) m() {}", "(func recv(r *R[A _]) m() {})");
    same("func (r R) m[T any](x T) {}", "(func recv(r R) m [T any](x T) {})");
}

#[test]
fn statements() {
    same(
        "a, b := 1, 2; a, b = b, a; a += 2; a++; b--; c <- <-d",
        "(:= a b | 1 2) (= a b | b a) (Add= a 2) (++ a) (-- b) (send c (Recv d))",
    );
    same("go f(); defer func() {}()", "(go (call f)) (defer (call (func() {})))");
    same(
        "if x := f(); x > 0 { a() } else if y { b() } else { c() }",
        "(if (:= x | (call f)) (Gt x 0) {(call a)} (if - y {(call b)} {(call c)}))",
    );
    same(
        "if (T{1} == t) {}; if f(T{2}) {}; if x == [1]T{{3}}[0] {}",
        "(if - (paren (Eq T{1} t)) {} -) (if - (call f T{2}) {} -) (if - (Eq x [1]T{{3}}[0]) {} -)",
    );
    same(
        "for {}; for x {}; for i := 0; i < 3; i++ {}; for ;; {}",
        "(for - - - {}) (for - x - {}) (for (:= i | 0) (Lt i 3) (++ i) {}) (for - - - {})",
    );
    same(
        "for range x {}; for k = range m {}; for k, v := range m {}; for range 3 {}",
        "(range  = x {}) (range k = m {}) (range k v := m {}) (range  = 3 {})",
    );
    same("for _, x := range []int{1, 2} { x++ }", "(range _ x := []int{1 2} {(++ x)})");
    same("for _, f := range []func() int{g} { f() }", "(range _ f := [](functype ()(int)){g} {(call f)})");
    same(
        "L: for { break L; continue L; goto L }; M: ; {}",
        "(L: (for - - - {(break L) (continue L) (goto L)})) (M: empty) {}",
    );
}

#[test]
fn switches_and_selects() {
    same("switch { case a, b: c(); fallthrough; default: }", "(switch - - (a b: (call c) fallthrough) (default: ))");
    same(
        "switch x := f(); x { case 1: }; switch x := 1; {}; switch f() {}",
        "(switch (:= x | (call f)) x (1: )) (switch (:= x | 1) -) (switch - (call f))",
    );
    same(
        "switch x := y.(type) { case int, *T: case nil: }; switch a(); b.(type) {}",
        "(typeswitch - x y (int *T: ) (nil: )) (typeswitch (call a) b)",
    );
    same(
        "select { case c <- 1: a(); case x := <-d: case x, ok = <-e: case <-f: default: }",
        "(select ((send c 1): (call a)) ((:= x | (Recv d)): ) ((= x ok | (Recv e)): ) ((Recv f): ) (-: ))",
    );
    same("switch x {\ncase 1:\n\tL:\n}", "(switch - x (1: (L: empty)))");
}

#[test]
fn declarations_and_scripts() {
    same(
        "package p; import \"a\"; import ( b \"x/b\"; . \"c\"; _ \"d\" )",
        "(import a) (import b x/b) (import . c) (import _ d)",
    );
    same("const ( A = iota; B; C, D int = 1, 2 )", "(const A@0 : - = iota; B@1 : - = ; C D@2 : int = 1 2)");
    same("var a, b int = 1, 2\nvar ()", "(var a b : int = 1 2) (var )");
    same("#!/usr/bin/env gmpl\nf()\nfunc f() {}\n", "(call f) (func f() {})");
    same("\u{FEFF}package p\r\n\r\nfunc f()\r\n", "(func f())");
    same("func() { a() }()", "(call (func() {(call a)}))");
    same("", "");
    same(";;", "");
}

#[test]
fn semicolons_are_inserted_at_line_ends() {
    same("a\nb++\nreturn\nbreak\n\"x\"\nf()\n// c\nx /* \n */ y", "a (++ b) (return) (break) \"x\" (call f) x y");
    same("f(\na,\nb,\n)\nx :=\n1", "(call f a b) (:= x | 1)");
    same("a /* x */ + b", "(Add a b)");
}
