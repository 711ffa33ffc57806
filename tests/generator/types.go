package main

import (
	"fmt"
	"strings"
)

type kind int

const (
	kInt kind = iota
	kFloat
	kComplex
	kString
	kBool
	kStruct
	kArray
	kSlice
	kMap
	kPointer
	kFunc
	kInterface
	kChan
)

type typ struct {
	kind kind
	// name is how the type is written.
	name string
	elem *typ
	key  *typ
	len  int
	// signed integers
	signed bool
	bits   int
	fields []field
	// methods without effects, by name
	methods []*function
	// the structs that implement an interface
	impls []*typ
	// result of a function type; its parameter is elem
	result *typ
	// named types get methods
	named bool
}

type field struct {
	name string
	t    *typ
}

func (t *typ) comparable() bool {
	switch t.kind {
	case kSlice, kMap, kFunc:
		return false
	case kArray:
		return t.elem.comparable()
	case kStruct:
		for _, f := range t.fields {
			if !f.t.comparable() {
				return false
			}
		}
	}
	return true
}

// key types: no floats (NaN), no pointers (printed by address), no interfaces.
func (t *typ) isKey() bool {
	switch t.kind {
	case kInt, kString, kBool:
		return true
	case kArray:
		return t.elem.isKey()
	case kStruct:
		for _, f := range t.fields {
			if !f.t.isKey() {
				return false
			}
		}
		return true
	}
	return false
}

// shown: fmt prints it without an address.
func (t *typ) shown() bool {
	switch t.kind {
	case kPointer, kFunc, kChan:
		return false
	case kArray, kSlice, kMap:
		return t.elem.shown()
	case kStruct:
		for _, f := range t.fields {
			if !f.t.shown() {
				return false
			}
		}
	case kInterface:
		for _, i := range t.impls {
			if !i.shown() {
				return false
			}
		}
	}
	return true
}

// values: nothing reachable through the type is shared.
func (t *typ) isValue() bool {
	switch t.kind {
	case kInt, kFloat, kComplex, kString, kBool:
		return true
	case kArray:
		return t.elem.isValue()
	case kStruct:
		for _, f := range t.fields {
			if !f.t.isValue() {
				return false
			}
		}
		return true
	}
	return false
}

var intKinds = []typ{
	{name: "int", signed: true, bits: 64},
	{name: "int8", signed: true, bits: 8},
	{name: "int16", signed: true, bits: 16},
	{name: "int32", signed: true, bits: 32},
	{name: "int64", signed: true, bits: 64},
	{name: "uint", bits: 64},
	{name: "uint8", bits: 8},
	{name: "uint16", bits: 16},
	{name: "uint32", bits: 32},
	{name: "uint64", bits: 64},
}

func (g *generator) add(t *typ) *typ {
	g.types = append(g.types, t)
	return t
}

func (g *generator) makeTypes() {
	for i := range intKinds {
		g.add(&intKinds[i])
	}
	for _, name := range []string{"float64", "float32"} {
		g.add(&typ{kind: kFloat, name: name})
	}
	g.add(&typ{kind: kComplex, name: "complex128"})
	g.add(&typ{kind: kString, name: "string"})
	g.add(&typ{kind: kBool, name: "bool"})
	for range 3 {
		base := g.types[g.n(15)]
		t := *base
		t.name, t.named = g.name("N"), true
		g.line("type %s %s", t.name, base.name)
		g.add(&t)
	}
	// What every program needs.
	g.add(&typ{kind: kSlice, name: "[]int", elem: g.types[0]})
	g.add(&typ{kind: kMap, name: "map[string]int", key: g.typeNamed("string"), elem: g.types[0]})
	for range 14 {
		g.compound()
	}
	for range 2 {
		g.iface()
	}
	for range 6 {
		g.compound()
	}
}

func (g *generator) typeNamed(name string) *typ {
	for _, t := range g.types {
		if t.name == name {
			return t
		}
	}
	return nil
}

func (g *generator) anyType() *typ { return g.types[g.n(len(g.types))] }

// typeWith chooses among the types that satisfy want.
func (g *generator) typeWith(want func(*typ) bool) *typ {
	var list []*typ
	for _, t := range g.types {
		if want(t) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[g.n(len(list))]
}

func (g *generator) typeOf(k kind) *typ { return g.typeWith(func(t *typ) bool { return t.kind == k }) }

// compound adds a type made of others.
func (g *generator) compound() {
	t := &typ{}
	var text string
	elem := g.anyType()
	switch g.n(8) {
	case 0, 1, 2:
		t.kind = kStruct
		g.structType(t)
		return
	case 3:
		t.kind, t.elem, t.len = kArray, elem, g.n(4)+1
		for elem.kind == kArray && elem.elem.kind == kArray {
			elem = g.anyType()
			t.elem = elem
		}
		text = fmt.Sprintf("[%d]%s", t.len, elem.name)
	case 4:
		t.kind, t.elem = kSlice, elem
		text = "[]" + elem.name
	case 5:
		t.kind, t.elem = kMap, elem
		t.key = g.typeWith((*typ).isKey)
		text = "map[" + t.key.name + "]" + elem.name
	case 6:
		t.kind, t.elem = kPointer, elem
		text = "*" + elem.name
	case 7:
		t.kind, t.elem, t.result = kFunc, elem, g.anyType()
		text = "func(" + elem.name + ") " + t.result.name
	}
	t.name = text
	if g.chance(40) {
		t.name, t.named = g.name("T"), true
		g.line("type %s %s", t.name, text)
	} else if g.typeNamed(text) != nil {
		return
	}
	g.add(t)
}

func (g *generator) structType(t *typ) {
	t.name, t.named = g.name("S"), true
	g.line("type %s struct {", t.name)
	for i := range 1 + g.n(4) {
		ft := g.anyType()
		if i == 0 && ft.kind == kStruct && g.chance(60) {
			g.line("\t%s", ft.name)
			t.fields = append(t.fields, field{ft.name, ft})
			continue
		}
		f := field{g.name("f"), ft}
		g.line("\t%s %s", f.name, ft.name)
		t.fields = append(t.fields, f)
	}
	g.line("}")
	g.add(t)
}

// iface declares an interface, gives some structs its method and lists them.
func (g *generator) iface() {
	t := &typ{kind: kInterface, name: g.name("I"), named: true}
	result := g.typeWith(func(t *typ) bool { return t.kind <= kBool })
	m := g.name("Get")
	f := &function{name: m, results: []*typ{result}}
	t.methods = []*function{f}
	g.line("type %s interface { %s() %s }", t.name, m, result.name)
	for _, s := range g.types {
		if !s.named || s.kind == kPointer || s.kind == kInterface || len(t.impls) == 4 || g.chance(30) {
			continue
		}
		s.methods = append(s.methods, f)
		t.impls = append(t.impls, s)
		g.scopes = [][]*variable{nil}
		g.inPure = true
		g.line("func (r %s) %s() %s {", s.name, m, result.name)
		g.depth++
		g.declare(&variable{name: "r", t: s})
		g.line("if tick() { return %s }", g.zero(result))
		g.line("return %s", g.expr(result, 3))
		g.depth--
		g.line("}")
	}
	g.scopes = nil
	if len(t.impls) == 0 {
		return
	}
	g.add(t)
}

// zero writes a type's zero value.
func (g *generator) zero(t *typ) string {
	switch t.kind {
	case kInt, kFloat, kComplex:
		return "0"
	case kString:
		return `""`
	case kBool:
		return "false"
	case kStruct, kArray:
		return t.name + "{}"
	}
	return "nil"
}

func paren(t *typ) string {
	if strings.ContainsAny(t.name, "*( ") {
		return "(" + t.name + ")"
	}
	return t.name
}
