//! Small programs. A comment `// ERROR "text"` on a line asks for an error there whose message contains the text;
//! `// WARN "text"` for a warning.
use super::{FakeStd, big_stack, check_files};
use crate::base::diag::Severity;

fn check(src: &str) {
    let src = src.to_string();
    big_stack(move || {
        let c = check_files(&[("a.go".into(), src.clone())], &FakeStd);
        let mut wanted: Vec<(u32, &str, &str)> = Vec::new();
        for (i, line) in src.lines().enumerate() {
            for kind in ["ERROR", "WARN"] {
                let Some((_, rest)) = line.split_once(&format!("// {kind} ")) else { continue };
                for part in rest.split('"').skip(1).step_by(2) {
                    wanted.push((i as u32 + 1, kind, part));
                }
            }
        }
        let mut problems = Vec::new();
        for d in &c.diags.list {
            let line = c.sources.locate(d.span.lo).map_or(0, |(_, l, _)| l);
            let kind = if d.severity == Severity::Error { "ERROR" } else { "WARN" };
            match wanted.iter().position(|(l, k, t)| *l == line && *k == kind && d.message.contains(t)) {
                Some(i) => {
                    wanted.remove(i);
                }
                None => problems.push(format!("unexpected at {line}: {}", d.message)),
            }
        }
        problems.extend(wanted.iter().map(|(l, _, t)| format!("missing at {l}: {t}")));
        assert!(problems.is_empty(), "{}\n{src}", problems.join("\n"));
    });
}

#[test]
fn plain_programs() {
    check(
        r#"package main
import "fmt"
type Shape interface { Area() float64 }
type Sq struct { s float64 }
func (s Sq) Area() float64 { return s.s * s.s }
type List[T any] struct { head *node[T]; n int }
type node[T any] struct { v T; next *node[T] }
func (l *List[T]) Push(v T) { l.head = &node[T]{v, l.head}; l.n++ }
func (l *List[T]) Each(f func(T) bool) { for n := l.head; n != nil; n = n.next { if !f(n.v) { return } } }
func Map[T, U any](xs []T, f func(T) U) []U { var r []U; for _, x := range xs { r = append(r, f(x)) }; return r }
func Sum[T ~int | ~float64](xs ...T) (s T) { for _, x := range xs { s += x }; return }
const ( A = iota; B; C; _; E )
var a, b = f()
var x = y + 1
var y = len("hello")
func f() (int, string) { return x, "s" }
func main() {
	var l List[string]
	l.Push("a")
	for v := range l.Each { fmt.Println(v) }
	fmt.Println(Map([]int{1, 2}, func(i int) string { return fmt.Sprint(i) }), Sum(1, 2, 3), Sum(1.5, 2))
	var s Shape = Sq{2}
	switch v := s.(type) { case Sq: fmt.Println(v.s); case nil: default: _ = v }
	m := map[string][]int{"a": {1, 2}, "b": nil}
	if v, ok := m["a"]; ok { fmt.Println(v[0], a, b, E) }
	ch := make(chan int, 1)
	go func() { ch <- 1; close(ch) }()
	select { case v, ok := <-ch: _, _ = v, ok; default: }
	for i := range 10 { _ = i }
	var p *Sq = &Sq{s: 1}
	_ = p.Area
	g := (*Sq).Area
	_ = g(p)
	var u8 uint8 = 1 << 7
	var sh uint = 3
	var f32 float32 = float32(1 << 3)
	_ = u8 << sh
	var i64 int64 = 1 << sh
	_, _ = f32, i64
	defer func() { recover() }()
outer:
	for { for { break outer } }
	c := complex(1, 2)
	_ = real(c) + imag(c)
	arr := [...]string{2: "x", "y"}
	_ = arr[3][0]
	_ = min(1, 2.5, x2(3))
}
func x2(f float64) float64 { return f }
"#,
    );
}

#[test]
fn common_mistakes() {
    check(
        r#"package main
import "fmt"
import "strings" // ERROR "imported and not used"
func f() int { // comment
	fmt.Println("x")
} // ERROR "missing return"
func g(a int, b string) {}
func main() {
	x := 1 // ERROR "declared and not used: x"
	var s string = 1 // ERROR "cannot use 1 (untyped int constant) as string value in variable declaration"
	s = "a" + 1 // ERROR "mismatched types untyped string and untyped int"
	g(1) // ERROR "not enough arguments in call to g"
	g(1, "b", 3) // ERROR "too many arguments in call to g"
	var b byte = 300 // ERROR "cannot use 300 (untyped int constant) as byte value in variable declaration (overflows)"
	_ = b
	y := undefined // ERROR "undefined: undefined"
	for i := 0; i < 10; i++ {
		i := i // ERROR "declared and not used: i"
	}
	1 + 2 // ERROR "1 + 2 (untyped int constant 3) is not used"
	if 1 { // ERROR "non-boolean condition in if statement"
	}
	break // ERROR "break is not in a loop"
	fmt.Foo() // ERROR "undefined: fmt.Foo"
	s.foo() // ERROR "s.foo undefined (type string has no field or method foo)"
	s, t := 1 // ERROR "assignment mismatch: 2 variables but 1 value"
	a, c := f2() // ERROR "assignment mismatch: 2 variables but f2 returns 3 values"
	return 1 // ERROR "too many return values"
}
func f2() (a, b, c int) { return }
"#,
    );
}

#[test]
fn scripts() {
    check(
        r#"#!/usr/bin/env gmpl
fmt.Println(double(2), name)
name := "x"
var unused int // WARN "declared and not used: unused"
const c = 3
type T struct{ x int }
func (t T) Get() int { return t.x + count + c }
func double(i int) int { return 2 * i + count }
count := 1
count, other := 2, T{1}.Get()
strings.ToUpper(name)
for i := range 3 {
	y := i // WARN "declared and not used: y"
}
fmt.Println(other)
if name == "" { return }
count := 3 // ERROR "no new variables on left side of :="
L:
for { break L }
"#
        .replace("fmt.Println(double(2), name)", "fmt.Println(double(2), name) // ERROR \"undefined: name\"")
        .as_str(),
    );
}

#[test]
fn generics() {
    check(
        r#"package main
type Number interface { ~int | ~float64 }
func Max[T Number](a, b T) T { if a > b { return a }; return b }
type Pair[K comparable, V any] struct { Key K; Val V }
func (p Pair[K, V]) Swap() Pair2[V, K] { return Pair2[V, K]{p.Val, p.Key} }
type Pair2[A, B any] struct { A A; B B }
type Tree[T interface{ Less(T) bool }] struct { l, r *Tree[T]; v T }
type I int
func (i I) Less(j I) bool { return i < j }
type Set[T comparable] = map[T]struct{}
func Keys[M ~map[K]V, K comparable, V any](m M) []K { var r []K; for k := range m { r = append(r, k) }; return r }
func Apply[T, U any](x T, f func(T) U) U { return f(x) }
func id[T any](x T) T { return x }
type E[P any] struct { f *E[[]P] } // ERROR "instantiation cycle"
type Box[T any] struct{ v T }
func (b Box[T]) Map[U any](f func(T) U) Box[U] { return Box[U]{f(b.v)} }
func local[T any](x T) any { type L struct { v T }; return L{x} }
func main() {
	_ = Max(1, 2.5)
	_ = Max[float64](1, 2)
	var s Set[string] = Set[string]{"a": {}}
	_ = Keys(s)
	var p Pair[string, int]
	_ = p.Swap().A + 1
	var t Tree[I]
	_ = t
	_ = Apply(1, id[int])
	_ = Apply(1, id)
	var f func(string) string = id
	_ = f
	_ = Box[int]{1}.Map(func(i int) string { return "" }).v + "x"
	_ = local(1)
}
"#
        .replace("type E[P any] struct { f *E[[]P] } // ERROR \"instantiation cycle\"\n", "")
        .as_str(),
    );
    check(
        r#"package main
func Max[T int | float64](a, b T) T { return a }
type E[P any] struct { f *E[[]P] }
func main() {
	_ = Max("a", "b") // ERROR "string does not satisfy int | float64"
	_ = Max(1, "b") // ERROR "mismatched types untyped int and untyped string"
	var x E // ERROR "cannot use generic type E[P any] without instantiation" "declared and not used: x"
	var y map[[]int]string // ERROR "invalid map key type []int" "declared and not used: y"
}
"#,
    );
    check("package main\ntype E[P any] struct { f *E[[]P] } // ERROR \"instantiation cycle\"\nfunc main() {}\n");
    check(
        "package main\nfunc f[T any](n int, x T) { f(n-1, []T{x}) }\nfunc main() { f(1, 1) }\n"
            .replace("func f[T any](", "func f[T any](/* */")
            .replace("{x}) }", "{x}) } // ERROR \"instantiation cycle\"")
            .as_str(),
    );
}

#[test]
fn declarations_in_any_order() {
    check(
        r#"package main
var a = b + f()
var b = c
var c = 1
func f() int { return d }
var d = len(arr)
var arr [N]T
const N = M * 2
const M = 3
type T struct { next *T; a A }
type A = []U
type U struct { a A; t T2 }
type T2 T3
type T3 struct { u *U }
type I interface { m(J) }
type J interface { I; n() I }
var x = y // ERROR "initialization cycle for x"
var y = g()
func g() int { return x }
type R struct { r R2 } // ERROR "invalid recursive type R"
type R2 [2]R
type Q Q // ERROR "invalid recursive type: Q refers to itself"
type IA interface { IA } // ERROR "invalid recursive type: IA refers to itself"
func main() {}
func main() {} // ERROR "main redeclared in this block"
"#,
    );
}

#[test]
fn hostile_programs_are_bounded() {
    // types that double with each declaration
    let mut src = String::from("package main\ntype T0 struct { a int }\n");
    for i in 1..200 {
        src.push_str(&format!("type T{i} struct {{ a, b T{} }}\n", i - 1));
    }
    src.push_str("var x, y T199\nvar z = x == y\nvar e any = x\nfunc main() {}\n");
    check(&src);
    // the same through generic types
    let mut src = String::from("package main\ntype T0[P any] struct { a P }\n");
    for i in 1..60 {
        src.push_str(&format!("type T{i}[P any] struct {{ a T{}[P]; b T{}[*P] }}\n", i - 1, i - 1));
    }
    src.push_str("var x T20[int]\nfunc main() {}\n");
    big_stack(move || {
        check_files(&[("a.go".into(), src)], &FakeStd);
    });
    // a long chain of declarations, worst order
    let mut src = String::from("package main\n");
    for i in 0..20_000 {
        src.push_str(&format!("const c{i} = c{} + 1\n", i + 1));
    }
    src.push_str("const c20000 = 1\nfunc main() {}\n");
    big_stack(move || {
        check_files(&[("a.go".into(), src)], &FakeStd);
    });
    // aliases deeper and deeper
    let mut src = String::from("package main\ntype A0 = int\n");
    for i in 1..20_000 {
        src.push_str(&format!("type A{i} = []A{}\n", i - 1));
    }
    src.push_str("func main() {}\n");
    big_stack(move || {
        check_files(&[("a.go".into(), src)], &FakeStd);
    });
    check(
        "package main\nconst a = 1 << 1000000 // ERROR \"invalid shift count\"\nconst b = 1e1000000000 // ERROR \"excessively large\"\nconst c = 1 << 600 // ERROR \"constant shift overflow\"\nfunc main() {}\n",
    );
}
