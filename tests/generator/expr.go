package main

import (
	"fmt"
	"strings"
)

// expr writes an expression of type t. It has no effects but calls of functions that have none themselves, and of tr,
// whose order is specified; and it does not panic.
func (g *generator) expr(t *typ, depth int) string {
	s, _ := g.value(t, depth)
	return s
}

// moving writes an expression that is no constant, so that nothing about it is decided at compile time.
func (g *generator) moving(t *typ, depth int) string {
	s, constant := g.value(t, depth)
	if constant {
		return "id(" + s + ")"
	}
	return s
}

// value writes an expression and tells whether it may be constant.
func (g *generator) value(t *typ, depth int) (string, bool) {
	if g.chance(35) || depth <= 0 && g.chance(70) {
		same := func(v *variable) bool { return v.t == t }
		if list := g.variables(same); len(list) > 0 {
			return list[g.n(len(list))].name, false
		}
	}
	if depth <= 0 {
		return g.literal(t, depth)
	}
	depth--
	switch g.n(22) {
	case 0:
		if s := g.selected(t); s != "" {
			return s, false
		}
	case 1:
		return fmt.Sprintf("pick(%s, %s, %s)", g.expr(g.boolean(), depth), g.moving(t, depth), g.expr(t, depth)), false
	case 2, 3:
		var fs []*function
		for _, f := range g.pure {
			if len(f.results) == 1 && f.results[0] == t {
				fs = append(fs, f)
			}
		}
		if len(fs) > 0 {
			f := fs[g.n(len(fs))]
			return f.name + "(" + g.args(f) + ")", false
		}
	case 4:
		p := g.typeWith(func(p *typ) bool { return p.kind == kPointer && p.elem == t })
		if p != nil {
			return "deref(" + g.expr(p, depth) + ")", false
		}
	case 5:
		s := g.typeWith(func(s *typ) bool { return s.kind == kSlice && s.elem == t })
		if s != nil {
			return fmt.Sprintf("at(%s, %s)", g.expr(s, depth), g.expr(g.integer(), depth)), false
		}
	case 6:
		m := g.typeWith(func(m *typ) bool { return m.kind == kMap && m.elem == t })
		if m != nil {
			return fmt.Sprintf("(%s)[%s]", g.expr(m, depth), g.expr(m.key, depth)), false
		}
	case 7:
		f := g.typeWith(func(f *typ) bool { return f.kind == kFunc && f.result == t })
		if f != nil {
			return fmt.Sprintf("call(%s, %s)", g.expr(f, depth), g.expr(f.elem, depth)), false
		}
	case 8:
		if t.kind != kInterface { // whose value may be nil
			return fmt.Sprintf("any(%s).(%s)", g.expr(t, depth), t.name), false
		}
	case 9:
		return fmt.Sprintf("tr(%d, %s)", g.n(1000), g.moving(t, depth)), false
	case 10:
		other := g.anyType()
		if g.chance(50) {
			return fmt.Sprintf("pair(%s, %s).Left()", g.moving(t, depth), g.moving(other, depth)), false
		}
		return fmt.Sprintf("Pair[%s, %s]{%s, %s}.Swap().Left()", other.name, t.name, g.expr(other, depth), g.expr(t, depth)), false
	case 11:
		if t.kind != kFunc {
			return g.literalCall(t, depth), false
		}
	case 12:
		for _, m := range g.implementers(t) {
			if g.chance(50) {
				return fmt.Sprintf("(%s).%s()", g.expr(m.recv, depth), m.f.name), false
			}
		}
	case 13:
		return fmt.Sprintf("spawn(func() %s { return %s })", t.name, g.expr(t, depth)), false
	case 14:
		a := g.typeWith(func(a *typ) bool { return a.kind == kArray && a.elem == t })
		if a != nil {
			return fmt.Sprintf("(%s)[uint(%s)%%%d]", g.expr(a, depth), g.moving(g.integer(), depth), a.len), false
		}
	}
	return g.own(t, depth)
}

type implementer struct {
	recv *typ
	f    *function
}

func (g *generator) implementers(t *typ) []implementer {
	var list []implementer
	for _, r := range g.types {
		for _, m := range r.methods {
			if r.kind != kInterface && m.results[0] == t {
				list = append(list, implementer{r, m})
			}
		}
	}
	return list
}

func (g *generator) boolean() *typ { return g.typeNamed("bool") }
func (g *generator) integer() *typ { return g.types[g.n(len(intKinds))] }

// selected is a field of a variable.
func (g *generator) selected(t *typ) string {
	var list []string
	for _, v := range g.variables(func(v *variable) bool { return v.t.kind == kStruct }) {
		for _, f := range v.t.fields {
			if f.t == t {
				list = append(list, v.name+"."+f.name)
			}
			if f.t.kind == kStruct {
				for _, inner := range f.t.fields {
					if inner.t == t {
						list = append(list, v.name+"."+f.name+"."+inner.name)
					}
				}
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[g.n(len(list))]
}

// literalCall calls a function literal.
func (g *generator) literalCall(t *typ, depth int) string {
	p := g.anyType()
	arg := g.expr(p, depth)
	g.scopes = append(g.scopes, []*variable{{name: "x", t: p}})
	hidden := g.hide("x")
	body := g.expr(t, depth)
	g.unhide(hidden)
	g.scopes = g.scopes[:len(g.scopes)-1]
	return fmt.Sprintf("func(x %s) %s { return %s }(%s)", p.name, t.name, body, arg)
}

// hide takes variables of that name out of the scopes but the innermost.
func (g *generator) hide(name string) [][]*variable {
	saved := make([][]*variable, len(g.scopes))
	copy(saved, g.scopes)
	for i := range g.scopes[:len(g.scopes)-1] {
		var kept []*variable
		for _, v := range g.scopes[i] {
			if v.name != name {
				kept = append(kept, v)
			}
		}
		g.scopes[i] = kept
	}
	return saved
}

func (g *generator) unhide(saved [][]*variable) { copy(g.scopes, saved) }

// own writes an operation that only the type's kind has.
func (g *generator) own(t *typ, depth int) (string, bool) {
	switch t.kind {
	case kInt:
		return g.intOp(t, depth)
	case kFloat:
		switch g.n(7) {
		case 0:
			return fmt.Sprintf("%s(%s)", t.name, g.moving(g.integer(), depth)), false
		case 1:
			return fmt.Sprintf("%s(%s)", t.name, g.moving(g.typeOf(kFloat), depth)), false
		case 2:
			return fmt.Sprintf("-%s", "("+g.moving(t, depth)+")"), false
		case 3:
			return fmt.Sprintf("%s(%s, %s)", []string{"min", "max"}[g.n(2)], g.moving(t, depth), g.expr(t, depth)), false
		case 4:
			return fmt.Sprintf("%s(%s(complex128(%s)))", t.name, []string{"real", "imag"}[g.n(2)], g.moving(g.typeOf(kComplex), depth)), false
		}
		op := []string{"+", "-", "*", "/"}[g.n(4)]
		if op == "/" {
			return fmt.Sprintf("(%s / (%s + 0.5))", g.moving(t, depth), g.moving(t, depth)), false
		}
		return fmt.Sprintf("(%s %s %s)", g.moving(t, depth), op, g.expr(t, depth)), false
	case kComplex:
		if g.chance(30) {
			f := g.typeNamed("float64")
			return fmt.Sprintf("%s(complex(%s, %s))", t.name, g.moving(f, depth), g.expr(f, depth)), false
		}
		return fmt.Sprintf("(%s %s %s)", g.moving(t, depth), []string{"+", "-", "*"}[g.n(3)], g.expr(t, depth)), false
	case kString:
		return g.stringOp(t, depth)
	case kBool:
		return g.boolOp(t, depth)
	case kSlice:
		switch g.n(5) {
		case 0:
			return fmt.Sprintf("append(%s(nil), %s...)", paren(t), g.expr(t, depth)), false
		case 1:
			return fmt.Sprintf("head(%s, %d)", g.expr(t, depth), g.n(4)), false
		case 2:
			return fmt.Sprintf("make(%s, %d, %d)", t.name, g.n(4), 4+g.n(3)), false
		case 3:
			s := g.typeNamed("[]int")
			return fmt.Sprintf("%s(convert(%s, func(_ int) %s { return %s }))", paren(t), g.expr(s, depth), t.elem.name, g.expr(t.elem, depth)), false
		}
	}
	return g.literal(t, depth)
}

func (g *generator) intOp(t *typ, depth int) (string, bool) {
	switch g.n(14) {
	case 0:
		return fmt.Sprintf("%s(%s)", t.name, g.moving(g.typeOf(kInt), depth)), false
	case 1:
		return fmt.Sprintf("%s(clamp(float64(%s)))", t.name, g.moving(g.typeOf(kFloat), depth)), false
	case 2:
		v := g.typeWith(func(t *typ) bool { return t.kind == kSlice || t.kind == kMap || t.kind == kString })
		return fmt.Sprintf("%s(len(%s))", t.name, g.moving(v, depth)), false
	case 3:
		return fmt.Sprintf("%s(%s)", []string{"-", "^", "+"}[g.n(3)], g.moving(t, depth)), false
	case 4, 5:
		op := []string{"<<", ">>"}[g.n(2)]
		if g.chance(50) {
			return fmt.Sprintf("(%s %s %d)", g.moving(t, depth), op, g.n(t.bits+3)), false
		}
		return fmt.Sprintf("(%s %s (%s %% %d))", g.moving(t, depth), op, "uint("+g.moving(g.integer(), depth)+")", t.bits+5), false
	case 6, 7:
		op := []string{"/", "%"}[g.n(2)]
		if g.chance(40) {
			return fmt.Sprintf("(%s %s %d)", g.moving(t, depth), op, 1+g.n(100)), false
		}
		return fmt.Sprintf("(%s %s (%s | 1))", g.moving(t, depth), op, g.moving(t, depth)), false
	case 8:
		return fmt.Sprintf("%s(%s, %s)", []string{"min", "max"}[g.n(2)], g.moving(t, depth), g.expr(t, depth)), false
	case 9:
		s := g.typeWith(func(s *typ) bool { return s.kind == kSlice && s.elem == t })
		if s != nil {
			return fmt.Sprintf("sum(%s)", g.expr(s, depth)), false
		}
	case 10:
		return fmt.Sprintf("%s(byteAt(%s, %s))", t.name, g.expr(g.typeNamed("string"), depth), g.moving(g.integer(), depth)), false
	}
	op := []string{"+", "-", "*", "&", "|", "^", "&^"}[g.n(7)]
	return fmt.Sprintf("(%s %s %s)", g.moving(t, depth), op, g.expr(t, depth)), false
}

func (g *generator) stringOp(t *typ, depth int) (string, bool) {
	switch g.n(7) {
	case 0:
		return fmt.Sprintf("%s(rune(%s))", t.name, g.moving(g.integer(), depth)), false
	case 1:
		shown := g.typeWith((*typ).shown)
		verb := []string{"%v", "%+v", "%T", "%d", "%x", "%q", "%5v", "%-4v|", "%s", "%08b"}[g.n(3)]
		return fmt.Sprintf("%s(fmt.Sprintf(%q, %s))", t.name, verb, g.expr(shown, depth)), false
	case 2:
		return fmt.Sprintf("cut(%s, %s, %s)", g.moving(t, depth), g.expr(g.integer(), depth), g.expr(g.integer(), depth)), false
	case 3:
		return fmt.Sprintf("%s([]byte(%s))", t.name, g.expr(t, depth)), false
	case 4:
		return fmt.Sprintf("%s([]rune(%s))", t.name, g.expr(t, depth)), false
	case 5:
		return fmt.Sprintf("%s(%s, %s)", []string{"min", "max"}[g.n(2)], g.moving(t, depth), g.expr(t, depth)), false
	}
	return fmt.Sprintf("(short(%s) + %s)", g.moving(t, depth), g.expr(t, depth)), false
}

func (g *generator) boolOp(t *typ, depth int) (string, bool) {
	wrap := func(s string) string {
		if t.name == "bool" {
			return s
		}
		return t.name + s
	}
	switch g.n(6) {
	case 0:
		return fmt.Sprintf("!(%s)", g.moving(t, depth)), false
	case 1, 2:
		op := []string{"&&", "||"}[g.n(2)]
		return fmt.Sprintf("(%s %s %s)", g.moving(t, depth), op, g.moving(t, depth)), false
	case 3:
		c := g.typeWith(func(c *typ) bool { return c.kind == kInt || c.kind == kFloat || c.kind == kString })
		op := []string{"<", "<=", ">", ">=", "==", "!="}[g.n(6)]
		return wrap(fmt.Sprintf("(%s %s %s)", g.moving(c, depth), op, g.expr(c, depth))), false
	case 4:
		c := g.typeWith(func(c *typ) bool { return c.comparable() && c.kind != kInterface })
		if c.comparableDeep() {
			op := []string{"==", "!="}[g.n(2)]
			return wrap(fmt.Sprintf("(%s %s %s)", g.moving(c, depth), op, g.expr(c, depth))), false
		}
	}
	n := g.typeWith(func(c *typ) bool { return c.kind == kSlice || c.kind == kMap || c.kind == kPointer || c.kind == kFunc })
	return wrap(fmt.Sprintf("(%s == nil)", g.moving(n, depth))), false
}

// comparableDeep: no interface is inside, whose dynamic type might not be comparable.
func (t *typ) comparableDeep() bool {
	switch t.kind {
	case kInterface:
		return false
	case kArray:
		return t.elem.comparableDeep()
	case kStruct:
		for _, f := range t.fields {
			if !f.t.comparableDeep() {
				return false
			}
		}
	}
	return t.comparable()
}

var strs = []string{"", "a", "xyz", "Go", "héllo", "日本", "\\x80z", "\\n", "a\\tb", "0123456789", "é", "\\u00ff", "\\xff\\xfe"}
var floats = []string{"0.0", "1.5", "-2.25", "3e10", "1e-7", "0.1", "123456789.125", "-0.5", "2e300"}
var smallFloats = []string{"0.0", "1.5", "-2.25", "3e10", "1e-7", "0.1", "16777217.0", "-0.5", "1e30"}

// literal writes a value of the type; composite ones hold expressions.
func (g *generator) literal(t *typ, depth int) (string, bool) {
	conv := func(s string) string {
		switch t.name {
		case "int", "float64", "string", "bool":
			return s
		}
		return t.name + "(" + s + ")"
	}
	switch t.kind {
	case kInt:
		text := g.intText(t)
		if t.name == "int" && text[0] == '\'' {
			return "int(" + text + ")", true // alone it would be a rune
		}
		return conv(text), true
	case kFloat:
		if strings.Contains(t.name, "32") || t.named {
			return conv(smallFloats[g.n(len(smallFloats))]), true
		}
		return conv(floats[g.n(len(floats))]), true
	case kComplex:
		return conv(fmt.Sprintf("complex(%s, %s)", smallFloats[g.n(3)], smallFloats[g.n(3)])), true
	case kString:
		return conv(`"` + strs[g.n(len(strs))] + `"`), true
	case kBool:
		return conv([]string{"true", "false"}[g.n(2)]), true
	case kStruct:
		if depth <= 0 {
			return "(" + t.name + "{})", false
		}
		return "(" + t.name + g.fieldValues(t, depth) + ")", false
	case kArray:
		if depth <= 0 {
			return "(" + t.name + "{})", false
		}
		if g.chance(30) {
			return fmt.Sprintf("(%s{%d: %s})", t.name, g.n(t.len), g.expr(t.elem, depth-1)), false
		}
		return "(" + t.name + g.elements(t.elem, g.n(t.len+1), depth) + ")", false
	case kSlice:
		if depth <= 0 {
			return paren(t) + "(nil)", false
		}
		return "(" + t.name + g.elements(t.elem, g.n(4), depth) + ")", false
	case kMap:
		if depth <= 0 {
			return paren(t) + "(nil)", false
		}
		var list []string
		for range g.n(4) {
			list = append(list, g.moving(t.key, depth-1)+": "+g.expr(t.elem, depth-1))
		}
		return "(" + t.name + "{" + strings.Join(list, ", ") + "})", false
	case kPointer:
		switch {
		case depth <= 0 || g.chance(15):
			return "(" + t.name + ")(nil)", false
		case t.elem.kind == kStruct && g.chance(60):
			return "(" + t.name + ")(&" + t.elem.name + g.fieldValues(t.elem, depth) + ")", false
		}
		return "(" + t.name + ")(ptr(" + g.moving(t.elem, depth-1) + "))", false
	case kFunc:
		if depth <= 0 {
			return "(" + t.name + ")(nil)", false
		}
		g.scopes = append(g.scopes, []*variable{{name: "y", t: t.elem}})
		hidden := g.hide("y")
		body := g.expr(t.result, depth-1)
		g.unhide(hidden)
		g.scopes = g.scopes[:len(g.scopes)-1]
		return fmt.Sprintf("(%s)(func(y %s) %s { return %s })", t.name, t.elem.name, t.result.name, body), false
	case kInterface:
		if depth <= 0 || g.chance(15) {
			return t.name + "(nil)", false
		}
		return t.name + "(" + g.expr(t.impls[g.n(len(t.impls))], depth-1) + ")", false
	}
	return g.zero(t), false
}

func (g *generator) fieldValues(t *typ, depth int) string {
	var list []string
	keyed := g.chance(60)
	for _, f := range t.fields {
		switch {
		case !keyed:
			list = append(list, g.expr(f.t, depth-1))
		case g.chance(75):
			list = append(list, f.name+": "+g.expr(f.t, depth-1))
		}
	}
	return "{" + strings.Join(list, ", ") + "}"
}

func (g *generator) elements(t *typ, n, depth int) string {
	var list []string
	for range n {
		list = append(list, g.expr(t, depth-1))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

func (g *generator) intText(t *typ) string {
	switch g.n(6) {
	case 0:
		if t.signed {
			return fmt.Sprint(int64(-1) << (t.bits - 1))
		}
		return "0"
	case 1:
		if t.signed {
			return fmt.Sprint(int64(1)<<(t.bits-1) - 1)
		}
		return fmt.Sprint(^uint64(0) >> (64 - t.bits))
	case 2:
		return fmt.Sprintf("'%c'", "aZ0~"[g.n(4)])
	case 3:
		return fmt.Sprintf("0x%x", g.n(128))
	}
	return fmt.Sprint(g.n(100))
}
