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
	break // ERROR "break not in for"
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
