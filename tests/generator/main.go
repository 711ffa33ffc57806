// Generator writes random Go programs: typed, terminating, free of data races and of what the language leaves open
// (two effects in one expression whose order is not specified). The same seed gives the same program, under Go and
// under gmpl.
//
//	go run ./tests/generator -seed 7 -units 40 > prog.go
//	gmpl run tests/generator -seed 7 -units 40 > prog.go
//
// A program is a number of units: groups of functions of which the last is called from main, which prints its results
// and every panic. `fuzz.sh` beside this file runs programs under both and shows the first difference. `record.sh` writes recorded.txt, what a few
// programs print under Go, which the test suite compares with.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// A rng is a splitmix64: no library's generator, so that seeds mean the same everywhere and for ever.
type rng struct{ state uint64 }

func (r *rng) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n gives a number below max.
func (r *rng) n(max int) int { return int(r.next() % uint64(max)) }

// chance is true in percent of the cases.
func (r *rng) chance(percent int) bool { return r.n(100) < percent }

type generator struct {
	rng
	out   strings.Builder
	depth int // of blocks, for indentation
	names int
	unit  int
	types []*typ
	// functions without effects, which expressions may call
	pure []*function
	// procedures, which only statements call
	procs  []*function
	scopes [][]*variable
	// of the function being written
	results  []*typ
	inPure   bool
	loops    int
	labels   []string
	funcLits int
	budget   int // statements the function may still have
}

type variable struct {
	name string
	t    *typ
	// may be assigned to
	free bool
	// what it refers to was made here and nobody else has it
	owned bool
}

type function struct {
	name    string
	params  []*typ
	results []*typ
	// spread: the last parameter is variadic
	spread bool
}

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

func (g *generator) line(format string, args ...any) {
	g.out.WriteString(strings.Repeat("\t", g.depth))
	if len(args) == 0 {
		g.out.WriteString(format)
	} else {
		fmt.Fprintf(&g.out, format, args...)
	}
	g.out.WriteByte('\n')
}

func (g *generator) open(format string, args ...any) {
	g.line(format+" {", args...)
	g.depth++
	g.scopes = append(g.scopes, nil)
}

// middle ends a block and opens its sibling: `} else {`.
func (g *generator) middle(format string, args ...any) {
	g.depth--
	g.scopes[len(g.scopes)-1] = nil
	g.line(format, args...)
	g.depth++
}

func (g *generator) close(end string) {
	g.depth--
	g.scopes = g.scopes[:len(g.scopes)-1]
	g.line("%s", "}"+end)
}

func (g *generator) declare(v *variable) {
	top := len(g.scopes) - 1
	g.scopes[top] = append(g.scopes[top], v)
}

// variables in scope that satisfy want.
func (g *generator) variables(want func(*variable) bool) []*variable {
	var list []*variable
	for _, scope := range g.scopes {
		for _, v := range scope {
			if want(v) {
				list = append(list, v)
			}
		}
	}
	return list
}

func main() {
	seed := flag.Uint64("seed", 1, "the program's number")
	units := flag.Int("units", 20, "groups of functions")
	sum := flag.Bool("sum", false, "print the FNV-1a sum and the length of standard input instead")
	flag.Parse()
	if *sum {
		input, err := io.ReadAll(os.Stdin)
		if err != nil {
			os.Exit(1)
		}
		h := uint64(14695981039346656037)
		for _, b := range input {
			h = (h ^ uint64(b)) * 1099511628211
		}
		fmt.Printf("%016x %d\n", h, len(input))
		return
	}
	g := &generator{rng: rng{state: *seed * 0x5851f42d4c957f2d}}
	g.program(*seed, *units)
	if _, err := os.Stdout.WriteString(g.out.String()); err != nil {
		os.Exit(1)
	}
}

func (g *generator) program(seed uint64, units int) {
	g.line("// Made by tests/generator: -seed %d -units %d", seed, units)
	g.out.WriteString(prelude)
	g.makeTypes()
	g.scopes = append(g.scopes, nil)
	g.globals()
	for g.unit = range units {
		g.pure, g.procs = nil, nil
		for range 1 + g.n(3) {
			g.small()
		}
		for range 2 + g.n(3) {
			g.function(true)
		}
		for range 1 + g.n(2) {
			g.function(false)
		}
		g.unitMain()
	}
	g.open("func main()")
	for i := range units {
		g.line("guard(%d, unit%d)", i, i)
	}
	g.close("")
}

// unitMain calls each procedure and prints what comes of it.
func (g *generator) unitMain() {
	g.open("func unit%d()", g.unit)
	g.results, g.inPure, g.loops, g.labels = nil, false, 0, nil
	g.budget = 25
	for _, f := range append(g.procs, g.pure...) {
		for range 2 {
			g.printCall(f)
		}
	}
	g.block(6)
	g.close("")
}

func (g *generator) printCall(f *function) {
	args := g.args(f)
	if len(f.results) == 0 {
		g.line("%s(%s)", f.name, args)
		return
	}
	var names []string
	for _, t := range f.results {
		v := &variable{name: g.name("r"), t: t, free: true}
		names = append(names, v.name)
		defer g.declare(v)
	}
	g.line("%s := %s(%s)", strings.Join(names, ", "), f.name, args)
	for i, t := range f.results {
		if t.shown() {
			g.line("show(%s)", names[i])
		} else {
			g.line("_ = %s", names[i])
		}
	}
}

func (g *generator) args(f *function) string {
	var args []string
	for i, t := range f.params {
		if f.spread && i == len(f.params)-1 {
			switch n := g.n(4); n {
			case 3:
				args = append(args, g.expr(t, 2)+"...")
			default:
				for range n {
					args = append(args, g.expr(t.elem, 2))
				}
			}
			continue
		}
		args = append(args, g.expr(t, 2))
	}
	return strings.Join(args, ", ")
}

// small writes a function that may be compiled in place of its calls: it calls others like it only.
func (g *generator) small() {
	f := &function{name: g.name("small")}
	g.inPure, g.loops, g.labels = true, 0, nil
	var params, results []string
	var scope []*variable
	for range g.n(4) {
		t := g.anyType()
		v := &variable{name: g.name("p"), t: t, free: true}
		f.params = append(f.params, t)
		params = append(params, v.name+" "+t.name)
		scope = append(scope, v)
	}
	named := g.chance(40)
	for range 1 + g.n(3) {
		t := g.anyType()
		f.results = append(f.results, t)
		if named {
			v := &variable{name: g.name("q"), t: t, free: true}
			results = append(results, v.name+" "+t.name)
			scope = append(scope, v)
		} else {
			results = append(results, t.name)
		}
	}
	g.open("func %s(%s) (%s)", f.name, strings.Join(params, ", "), strings.Join(results, ", "))
	for _, v := range scope {
		g.declare(v)
	}
	ret := func() {
		if named && g.chance(40) {
			g.line("return")
			return
		}
		var list []string
		for _, t := range f.results {
			list = append(list, g.expr(t, 2))
		}
		g.line("return %s", strings.Join(list, ", "))
	}
	for range g.n(3) {
		v := g.freeVariable(func(*typ) bool { return true })
		if v != nil {
			g.line("%s = %s", v.name, g.expr(v.t, 2))
		}
	}
	if g.chance(40) {
		g.open("if (%s)", g.expr(g.boolean(), 2))
		ret()
		g.close("")
	}
	ret()
	g.close("")
	g.pure = append(g.pure, f)
}

func (g *generator) function(pure bool) {
	f := &function{name: g.name("proc")}
	if pure {
		f.name = g.name("pure")
	}
	g.inPure, g.loops, g.labels = pure, 0, nil
	g.budget = 18
	var params, results []string
	var scope []*variable
	for range g.n(4) {
		t := g.anyType()
		v := &variable{name: g.name("p"), t: t, free: true}
		f.params = append(f.params, t)
		params = append(params, v.name+" "+t.name)
		scope = append(scope, v)
	}
	if g.chance(20) {
		t := g.typeWith(func(t *typ) bool { return t.kind == kSlice && strings.HasPrefix(t.name, "[]") })
		v := &variable{name: g.name("p"), t: t, free: true}
		f.params, f.spread = append(f.params, t), true
		params = append(params, v.name+" ..."+t.elem.name)
		scope = append(scope, v)
	}
	n := 1 + g.n(2)
	if !pure {
		n = g.n(4)
	}
	for range n {
		t := g.anyType()
		v := &variable{name: g.name("q"), t: t, free: true}
		f.results = append(f.results, t)
		results = append(results, v.name+" "+t.name)
		scope = append(scope, v)
	}
	g.results = f.results
	g.open("func %s(%s) (%s)", f.name, strings.Join(params, ", "), strings.Join(results, ", "))
	for _, v := range scope {
		g.declare(v)
	}
	g.open("if tick()")
	g.line("return")
	g.close("")
	if !pure && g.chance(40) {
		g.deferred()
	}
	g.block(7)
	g.ret()
	g.close("")
	if pure {
		g.pure = append(g.pure, f)
	} else {
		g.procs = append(g.procs, f)
	}
}

// deferred writes a deferred function that may recover and change results.
func (g *generator) deferred() {
	recovers := ""
	if g.chance(60) {
		recovers = "if e := recover(); e != nil"
	}
	g.deferredBlock(2, recovers)
}

func (g *generator) deferredBlock(n int, recovers ...string) {
	saved, loops, labels := g.results, g.loops, g.labels
	g.results, g.labels = nil, nil
	g.open("defer func()")
	if len(recovers) > 0 && recovers[0] != "" {
		g.open(recovers[0])
		g.line("showPanic(e)")
		g.close("")
	}
	g.block(n)
	g.close("()")
	g.results, g.loops, g.labels = saved, loops, labels
}

func (g *generator) ret() {
	switch {
	case len(g.results) == 0 || g.chance(15):
		g.line("return")
	default:
		var list []string
		for _, t := range g.results {
			list = append(list, g.expr(t, 3))
		}
		g.line("return %s", strings.Join(list, ", "))
	}
}
