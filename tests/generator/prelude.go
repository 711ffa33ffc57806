package main

// What every program begins with: guards that keep expressions from panicking, and printing.
const prelude = `package main

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

var fuel = 400

// tick is true when the unit has run long enough.
func tick() bool { fuel--; return fuel < 0 }

func guard(n int, f func()) {
	fuel = 400
	defer func() {
		if e := recover(); e != nil {
			showPanic(e)
		}
		fmt.Println("unit", n, "done", fuel)
	}()
	f()
}

func try(f func()) {
	defer func() {
		if e := recover(); e != nil {
			showPanic(e)
		}
	}()
	f()
}

func showPanic(e any) {
	if err, ok := e.(error); ok {
		fmt.Println("panic:", err.Error())
		return
	}
	fmt.Printf("panic: %v %T\n", e, e)
}

func show(list ...any) {
	for _, x := range list {
		fmt.Printf("%v %T; ", x, x)
	}
	fmt.Println()
}

func showPlus(list ...any) {
	for _, x := range list {
		fmt.Printf("%+v; ", x)
	}
	fmt.Println()
}

func showGo(list ...any) {
	for _, x := range list {
		fmt.Printf("%#v; ", x)
	}
	fmt.Println()
}

func id[T any](x T) T { return x }

func tr[T any](n int, x T) T {
	if fuel > 0 {
		fmt.Print("<", n, ">")
	}
	return x
}

func pick[T any](c bool, a, b T) T {
	if c {
		return a
	}
	return b
}

func ptr[T any](x T) *T { return &x }

func deref[P ~*T, T any](p P) (x T) {
	if p != nil {
		x = *p
	}
	return x
}

type number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func at[S ~[]E, E any, N number](s S, n N) (x E) {
	if len(s) == 0 {
		return x
	}
	return s[uint64(n)%uint64(len(s))]
}

func byteAt[N number](s string, n N) byte { return at([]byte(s), n) }

func head[S ~[]E, E any](s S, n int) S { return s[:min(n, len(s))] }

func cut[S ~string, N, M number](s S, n N, m M) S {
	i, j := uint64(n)%uint64(len(s)+1), uint64(m)%uint64(len(s)+1)
	return s[min(i, j):max(i, j)]
}

func short[S ~string](s S) S { return s[:min(len(s), 30)] }

func call[F ~func(A) B, A, B any](f F, x A) (r B) {
	if f == nil || tick() {
		return r
	}
	return f(x)
}

func sum[S ~[]E, E number](s S) (total E) {
	for _, x := range s {
		total += x
	}
	return total
}

func convert[A, B any](s []A, f func(A) B) []B {
	out := make([]B, 0, 4) // to grow would give a capacity that is Go's own affair
	for _, x := range head(s, 4) {
		out = append(out, f(x))
	}
	return out
}

func spawn[T any](f func() T) T {
	c := make(chan T)
	go func() { c <- f() }()
	return <-c
}

func clamp(f float64) int {
	switch {
	case f != f:
		return 0
	case f > 1e15:
		return 1e15
	case f < -1e15:
		return -1e15
	}
	return int(f)
}

func sortedKeys[M ~map[K]V, K comparable, V any](m M) []K {
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Compare(fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b)) })
	return keys
}

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func each[S ~[]E, E any](s S) iter.Seq2[int, E] {
	return func(yield func(int, E) bool) {
		defer tick()
		for i, x := range s {
			if !yield(i, x) {
				return
			}
		}
	}
}

type Pair[A, B any] struct {
	a A
	b B
}

func pair[A, B any](a A, b B) Pair[A, B]        { return Pair[A, B]{a, b} }
func (p Pair[A, B]) Left() A                    { return p.a }
func (p *Pair[A, B]) Right() B                  { return p.b }
func (p Pair[A, B]) Swap() Pair[B, A]           { return pair(p.b, p.a) }

`
