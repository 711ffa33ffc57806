package main

import (
	"fmt"
	"strings"
)

// forget ends the life of the innermost block's variables, before what comes between it and the next is written.
func (g *generator) forget() { g.scopes[len(g.scopes)-1] = nil }

// block writes up to n statements.
func (g *generator) block(n int) {
	for range 1 + g.n(n) {
		if g.budget <= 0 {
			return
		}
		g.budget--
		g.statement()
	}
}

func (g *generator) statement() {
	switch g.n(30) {
	case 0, 1, 2, 3:
		g.declaration()
	case 4, 5, 6, 7:
		g.assignment()
	case 8, 9:
		g.open("if (%s)", g.expr(g.boolean(), 3))
		g.block(3)
		if g.chance(40) {
			if g.chance(40) {
				g.forget()
				g.middle("} else if (%s) {", g.expr(g.boolean(), 2))
				g.block(2)
			}
			g.middle("} else {")
			g.block(3)
		}
		g.close("")
	case 10, 11, 12:
		g.loop()
	case 13, 14:
		g.switching()
	case 15:
		g.typeSwitch()
	case 16:
		g.appending()
	case 17, 18:
		g.element()
	case 19, 20:
		g.showing()
	case 21:
		g.closures()
	case 22, 23:
		if !g.inPure {
			g.risky()
			return
		}
		g.declaration()
	case 24:
		g.calling()
	case 25:
		g.jump()
	case 26:
		g.open("")
		g.block(3)
		g.close("")
	case 27:
		g.several()
	case 28:
		g.selecting()
	case 29:
		g.iterating()
	}
}

func (g *generator) declaration() {
	t := g.anyType()
	v := &variable{name: g.name("v"), t: t, free: true}
	switch g.n(4) {
	case 0:
		g.line("var %s %s", v.name, t.name)
		v.owned = true
	case 1:
		g.line("var %s %s = %s", v.name, t.name, g.expr(t, 3))
	default:
		g.line("%s := %s", v.name, g.expr(t, 4))
	}
	g.line("_ = %s", v.name)
	g.declare(v)
}

func (g *generator) freeVariable(want func(*typ) bool) *variable {
	list := g.variables(func(v *variable) bool { return v.free && (want == nil || want(v.t)) })
	if len(list) == 0 {
		return nil
	}
	return list[g.n(len(list))]
}

func (g *generator) assignment() {
	v := g.freeVariable(nil)
	if v == nil {
		g.declaration()
		return
	}
	v.owned = false
	if v.t.kind == kInt && g.chance(60) {
		switch g.n(4) {
		case 0:
			g.line("%s++", v.name)
		case 1:
			g.line("%s--", v.name)
		case 2:
			g.line("%s %s= %d", v.name, []string{"<<", ">>"}[g.n(2)], g.n(v.t.bits))
		default:
			g.line("%s %s= %s", v.name, []string{"+", "-", "*", "&", "|", "^", "&^"}[g.n(7)], g.expr(v.t, 2))
		}
		return
	}
	if v.t.kind == kString && g.chance(50) {
		g.line("%s = short(%s)", v.name, v.name)
		g.line("%s += %s", v.name, g.expr(v.t, 2))
		return
	}
	if w := g.freeVariable(func(t *typ) bool { return t == v.t }); w != nil && w != v && g.chance(40) {
		w.owned = false
		g.line("%s, %s = %s, %s", v.name, w.name, g.expr(v.t, 2), g.expr(v.t, 2))
		return
	}
	g.line("%s = %s", v.name, g.expr(v.t, 4))
}

// element writes to a part of a variable.
func (g *generator) element() {
	v := g.freeVariable(func(t *typ) bool { return t.kind == kStruct || t.kind == kArray })
	shared := !g.inPure && g.chance(50)
	if shared {
		v = g.freeVariable(func(t *typ) bool { return t.kind == kSlice || t.kind == kMap || t.kind == kPointer })
	}
	if v == nil {
		g.declaration()
		return
	}
	t := v.t
	switch t.kind {
	case kStruct:
		f := t.fields[g.n(len(t.fields))]
		path := v.name + "." + f.name
		if f.t.kind == kStruct && g.chance(50) {
			f = f.t.fields[g.n(len(f.t.fields))]
			path += "." + f.name
		}
		g.line("%s = %s", path, g.expr(f.t, 3))
	case kArray:
		g.line("%s[uint(%s)%%%d] = %s", v.name, g.moving(g.integer(), 1), t.len, g.expr(t.elem, 3))
	case kSlice:
		g.open("if len(%s) > 0", v.name)
		g.line("%s[uint(%s)%%uint(len(%s))] = %s", v.name, g.moving(g.integer(), 1), v.name, g.expr(t.elem, 2))
		g.close("")
	case kMap:
		g.open("if %s == nil", v.name)
		g.line("%s = %s{}", v.name, t.name)
		g.close("")
		g.line("%s[%s] = %s", v.name, g.expr(t.key, 2), g.expr(t.elem, 2))
		if g.chance(30) {
			g.line("delete(%s, %s)", v.name, g.expr(t.key, 2))
		}
	case kPointer:
		g.open("if %s != nil", v.name)
		g.line("*%s = %s", v.name, g.expr(t.elem, 3))
		g.close("")
	}
}

func (g *generator) appending() {
	v := g.freeVariable(func(t *typ) bool { return t.kind == kSlice })
	if v == nil || g.inPure && !v.owned {
		g.declaration()
		return
	}
	g.open("if len(%s) < 20", v.name)
	switch g.n(3) {
	case 0:
		g.line("%s = append(%s, %s, %s)", v.name, v.name, g.expr(v.t.elem, 2), g.expr(v.t.elem, 2))
	case 1:
		g.line("%s = append(head(%s, %d), %s)", v.name, v.name, g.n(5), g.expr(v.t.elem, 2))
	default:
		g.line("%s = append(%s, %s)", v.name, v.name, g.expr(v.t.elem, 3))
	}
	g.close("")
}

func (g *generator) loop() {
	if g.loops >= 2 {
		g.declaration()
		return
	}
	g.loops++
	form := g.n(7)
	i := &variable{name: g.name("i"), t: g.types[0]}
	m, t := "", (*typ)(nil)
	if form == 5 {
		t = g.typeOf(kMap)
		m = g.name("m")
		g.line("%s := %s", m, g.expr(t, 3))
	}
	label := ""
	if g.chance(30) {
		label = g.name("L")
		g.line("%s:", label)
	}
	body := func(vars ...*variable) {
		for _, v := range vars {
			g.line("_ = %s", v.name)
			g.declare(v)
		}
		g.open("if tick()")
		g.line("break")
		g.close("")
		g.block(3)
		if label != "" {
			g.open("for range 2")
			g.open("if (%s)", g.expr(g.boolean(), 2))
			g.line("%s %s", []string{"break", "continue"}[g.n(2)], label)
			g.close("")
			g.close("")
		} else if g.chance(25) {
			g.open("if (%s)", g.expr(g.boolean(), 2))
			g.line("%s", []string{"break", "continue"}[g.n(2)])
			g.close("")
			g.block(2)
		}
		g.close("")
	}
	switch form {
	case 0:
		g.open("for %s := 0; %s < %d; %s++", i.name, i.name, 1+g.n(5), i.name)
		body(i)
	case 1:
		g.open("for %s := range %d", i.name, g.n(5))
		body(i)
	case 2, 3:
		t := g.typeWith(func(t *typ) bool { return t.kind == kSlice || t.kind == kArray })
		e := &variable{name: g.name("e"), t: t.elem, free: true}
		g.open("for %s, %s := range (%s)", i.name, e.name, g.expr(t, 2))
		body(i, e)
	case 4:
		r := &variable{name: g.name("c"), t: g.typeNamed("int32"), free: true}
		g.open("for %s, %s := range (%s)", i.name, r.name, g.expr(g.typeNamed("string"), 2))
		body(i, r)
	case 5:
		k := &variable{name: g.name("k"), t: t.key}
		g.open("for _, %s := range sortedKeys(%s)", k.name, m)
		body(k)
	case 6:
		t := g.typeWith(func(t *typ) bool { return t.kind == kInt })
		j := &variable{name: g.name("i"), t: t}
		g.open("for %s := range %s(%d)", j.name, t.name, g.n(5))
		body(j)
	}
	g.loops--
}

func (g *generator) switching() {
	t := g.typeWith(func(t *typ) bool { return t.kind == kInt || t.kind == kString || t.kind == kBool })
	cases := 1 + g.n(3)
	if g.chance(50) {
		g.open("switch")
		for i := range cases {
			g.forget()
			g.middle("case %s:", g.moving(g.boolean(), 2))
			g.block(2)
			if i < cases-1 && g.chance(20) {
				g.line("fallthrough")
			}
		}
	} else {
		g.open("switch (%s)", g.expr(t, 3))
		for i := range cases {
			g.forget()
			list := []string{g.moving(t, 1)}
			if g.chance(40) {
				list = append(list, g.moving(t, 1))
			}
			g.middle("case %s:", strings.Join(list, ", "))
			g.block(2)
			if i < cases-1 && g.chance(20) {
				g.line("fallthrough")
			}
		}
	}
	if g.chance(60) {
		g.middle("default:")
		g.block(2)
	}
	g.close("")
}

func (g *generator) typeSwitch() {
	seen := map[string]bool{}
	x := g.name("x")
	g.open("switch %s := any(%s).(type)", x, g.expr(g.anyType(), 3))
	for range 1 + g.n(4) {
		t := g.anyType()
		if seen[t.name] {
			continue
		}
		seen[t.name] = true
		g.middle("case %s:", t.name)
		g.declare(&variable{name: x, t: t})
		g.line("_ = %s", x)
		g.block(2)
	}
	g.middle("default:")
	g.line("_ = %s", x)
	g.line(`fmt.Printf("%%T\n", %s)`, x)
	g.close("")
}

func (g *generator) showing() {
	list := g.variables(func(v *variable) bool { return v.t.shown() })
	if len(list) == 0 {
		g.declaration()
		return
	}
	var names []string
	for range 1 + g.n(3) {
		names = append(names, list[g.n(len(list))].name)
	}
	g.line("%s(%s)", []string{"show", "show", "showPlus", "showGo"}[g.n(4)], strings.Join(names, ", "))
}

// closures captures variables, changes them and calls.
func (g *generator) closures() {
	if g.funcLits >= 2 {
		return
	}
	g.funcLits++
	saved, loops := g.results, g.loops
	t := g.anyType()
	g.results = []*typ{t}
	f := g.name("f")
	g.open("%s := func() (q %s)", f, t.name)
	g.declare(&variable{name: "q", t: t, free: true})
	hidden := g.hide("q")
	g.open("if tick()")
	g.line("return")
	g.close("")
	if g.chance(30) {
		g.deferredBlock(2)
	}
	g.block(3)
	g.ret()
	g.unhide(hidden)
	g.close("")
	g.results, g.loops = saved, loops
	g.funcLits--
	r := &variable{name: g.name("v"), t: t, free: true}
	g.line("%s := %s()", r.name, f)
	g.line("%s = %s()", r.name, f)
	g.line("_ = %s", r.name)
	g.declare(r)
	if t.shown() {
		g.line("show(%s)", r.name)
	}
}

func (g *generator) calling() {
	list := g.pure
	if !g.inPure && g.chance(60) {
		list = g.procs
	}
	if len(list) == 0 {
		g.declaration()
		return
	}
	f := list[g.n(len(list))]
	args := g.args(f)
	if len(f.results) == 0 {
		g.line("%s(%s)", f.name, args)
		return
	}
	var names []string
	var vars []*variable
	for _, t := range f.results {
		v := &variable{name: g.name("r"), t: t, free: true}
		names = append(names, v.name)
		vars = append(vars, v)
	}
	g.line("%s := %s(%s)", strings.Join(names, ", "), f.name, args)
	for _, v := range vars {
		g.line("_ = %s", v.name)
		g.declare(v)
	}
}

func (g *generator) jump() {
	if g.funcLits > 0 || g.results == nil || g.chance(50) {
		l := g.name("G")
		n := g.name("n")
		g.open("")
		g.line("%s := 0", n)
		g.line("%s:", l)
		g.line("%s++", n)
		g.open("if %s < %d && (%s)", n, 2+g.n(3), g.expr(g.boolean(), 2))
		g.line("goto %s", l)
		g.close("")
		g.line("show(%s)", n)
		g.close("")
		return
	}
	g.open("if (%s)", g.expr(g.boolean(), 2))
	g.ret()
	g.close("")
}

// several assigns in parallel where the order of the phases shows.
func (g *generator) several() {
	t := g.typeNamed("[]int")
	s, i := g.name("s"), g.name("i")
	g.line("%s, %s := %s, %d", s, i, g.literal2(t), g.n(3))
	g.line("%s, %s[%s] = %s[%s], %s", i, s, i, s, i, g.expr(g.types[0], 2))
	g.line("%s[0], %s[1], %s[2] = %s[2], %s[0], %s[1]", s, s, s, s, s, s)
	g.line("show(%s, %s)", s, i)
}

func (g *generator) literal2(t *typ) string {
	return fmt.Sprintf("%s{%d, %d, %d}", t.name, g.n(3), g.n(3), g.n(3))
}

func (g *generator) selecting() {
	t := g.anyType()
	c, v := g.name("ch"), &variable{name: g.name("v"), t: t, free: true}
	g.line("%s := make(chan %s, 2)", c, t.name)
	g.open("select")
	g.forget()
	g.middle("case %s <- %s:", c, g.expr(t, 2))
	g.block(2)
	if g.chance(50) {
		g.middle("case %s := <-(chan %s)(nil):", v.name, t.name)
		g.line("_ = %s", v.name)
	}
	g.close("")
	g.line("close(%s)", c)
	ok := g.name("ok")
	g.line("%s, %s := <-%s", v.name, ok, c)
	g.line("_ = %s", v.name)
	g.declare(v)
	g.line("show(%s, len(%s), cap(%s))", ok, c, c)
	g.line("_, %s = <-%s", ok, c)
	g.line("show(%s)", ok)
}

// iterating ranges over functions, with ways out of the loop.
func (g *generator) iterating() {
	if g.loops >= 2 || g.funcLits > 0 {
		g.declaration()
		return
	}
	g.loops++
	i := &variable{name: g.name("i"), t: g.types[0]}
	label := ""
	if g.chance(40) {
		label = g.name("L")
		g.line("%s:", label)
	}
	if g.chance(50) {
		g.open("for %s := range count(%d)", i.name, g.n(6))
		g.line("_ = %s", i.name)
		g.declare(i)
	} else {
		t := g.typeOf(kSlice)
		e := &variable{name: g.name("e"), t: t.elem, free: true}
		g.open("for %s, %s := range each(%s)", i.name, e.name, g.expr(t, 2))
		g.line("_, _ = %s, %s", i.name, e.name)
		g.declare(i)
		g.declare(e)
	}
	g.open("if tick()")
	g.line("break")
	g.close("")
	if !g.inPure && g.chance(30) {
		g.deferredBlock(1)
	}
	g.block(3)
	g.open("if (%s)", g.expr(g.boolean(), 2))
	switch {
	case label != "":
		g.open("for range count(2)")
		g.line("%s %s", []string{"break", "continue"}[g.n(2)], label)
		g.close("")
	case g.chance(40) && g.results != nil:
		g.ret()
	default:
		g.line("%s", []string{"break", "continue"}[g.n(2)])
	}
	g.close("")
	g.close("")
	g.loops--
}

// risky does one thing that may panic, and shows what came of it.
func (g *generator) risky() {
	intT := g.integer()
	n := g.name("n")
	g.line("%s := %s", n, g.moving(intT, 2))
	g.line("_ = %s", n)
	g.open("try(func()")
	switch g.n(12) {
	case 0:
		t := g.typeWith(func(t *typ) bool { return t.kind == kSlice && t.elem.shown() })
		g.line("s := %s", g.expr(t, 2))
		g.line("show(s[%s])", n)
	case 1:
		t := g.typeWith(func(t *typ) bool { return t.kind == kSlice && t.shown() })
		g.line("s := %s", g.expr(t, 2))
		g.line("show(s[%d:%s])", g.n(3), n)
	case 2:
		t := g.typeWith(func(t *typ) bool { return t.kind == kSlice && t.shown() })
		g.line("s := %s", g.expr(t, 2))
		g.line("show(s[%s:%d:%d])", n, 2+g.n(3), 4+g.n(3))
	case 3:
		g.line("s := %s", g.expr(g.typeNamed("string"), 2))
		g.line("show(s[%s])", n)
	case 4:
		g.line("s := %s", g.expr(g.typeNamed("string"), 2))
		g.line("show(s[%s:])", n)
	case 5:
		g.line("show(%s / (%s - %s))", n, n, g.moving(intT, 1))
	case 6:
		g.line("show(%s %% (%s & 1))", n, n)
	case 7:
		t := g.typeOf(kMap)
		g.line("var m %s", t.name)
		g.line("m[%s] = %s", g.expr(t.key, 1), g.expr(t.elem, 1))
	case 8:
		a, b := g.anyType(), g.anyType()
		g.line("var x any = %s", g.expr(a, 2))
		g.line("y := x.(%s)", b.name)
		g.line("_ = y")
	case 9:
		g.line("s := make([]int, int(%s)%%1000)", n)
		g.line("show(len(s))")
	case 10:
		g.line("s := %s", g.expr(g.typeNamed("[]int"), 2))
		g.line("show([2]int(s))")
	case 11:
		t := g.typeWith(func(t *typ) bool { return t.kind <= kBool })
		g.line("panic(%s)", g.expr(t, 2))
	}
	g.close(")")
}

// globals declares package variables, initialised in the order of their dependencies.
func (g *generator) globals() {
	var vars []*variable
	for range 5 {
		t := g.typeWith(func(t *typ) bool { return t.kind != kFunc && t.kind != kInterface })
		v := &variable{name: g.name("g"), t: t}
		g.line("var %s %s = %s", v.name, t.name, g.expr(t, 3))
		vars = append(vars, v)
		g.declare(v)
	}
	_ = vars
}
