// Lists what the standard packages of this Go export, one name a line with its type or value, for `tests/compatibility.rs`:
//
//	go run tests/compatibility/main.go < tests/compatibility/packages.txt > tests/compatibility/go.txt
//
// Types are written without the names of parameters; type parameters are $0, $1 by their place, so that only what
// programs can tell apart differs.
package main

import (
	"bufio"
	"fmt"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"sort"
	"strings"
)

func main() {
	imports := importer.ForCompiler(token.NewFileSet(), "source", nil)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		path := strings.TrimSpace(lines.Text())
		if path == "" || strings.HasPrefix(path, "#") {
			continue
		}
		pkg, err := imports.Import(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintf(out, "package %s\n", path)
		list(out, pkg)
	}
}

// list writes a package's names.
func list(out *bufio.Writer, pkg *types.Package) {
	var entries []string
	add := func(name, what string) { entries = append(entries, name+" "+what) }
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
			add(name, "const "+text(obj.Type())+" = "+value(obj.Val()))
		case *types.Var:
			add(name, "var "+text(obj.Type()))
		case *types.Func:
			sig := obj.Type().(*types.Signature)
			add(name, "func"+params(sig.TypeParams())+signature(sig))
		case *types.TypeName:
			if obj.IsAlias() {
				add(name, "= "+text(types.Unalias(obj.Type())))
				continue
			}
			add(name, "type"+declared(obj, add))
		}
	}
	sort.Strings(entries)
	for _, e := range entries {
		fmt.Fprintf(out, "\t%s\n", e)
	}
}

// declared describes a type; its fields and methods are added to the list.
func declared(obj *types.TypeName, add func(name, what string)) string {
	named := obj.Type().(*types.Named)
	what := params(named.TypeParams())
	switch u := named.Underlying().(type) {
	case *types.Struct:
		what += " struct"
		if types.Comparable(named) {
			what += " ="
		}
		for f := range u.Fields() {
			if f.Exported() {
				kind := "field "
				if f.Embedded() {
					kind = "embedded "
				}
				add(obj.Name()+"."+f.Name(), kind+text(f.Type()))
			}
		}
	case *types.Interface:
		what += " interface"
		if !u.IsMethodSet() {
			what = params(named.TypeParams()) + " " + text(u)
		}
		hidden := false
		for m := range u.Methods() {
			if m.Exported() {
				add(obj.Name()+"."+m.Name(), "method"+signature(m.Type().(*types.Signature)))
			}
			hidden = hidden || !m.Exported()
		}
		if hidden {
			what += " closed"
		}
		return what
	default:
		what += " " + text(u)
	}
	byValue := types.NewMethodSet(named)
	for m := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		if !m.Obj().Exported() {
			continue
		}
		kind := "method"
		if byValue.Lookup(nil, m.Obj().Name()) == nil {
			kind = "*method"
		}
		sig := m.Type().(*types.Signature)
		add(obj.Name()+"."+m.Obj().Name(), kind+params(sig.TypeParams())+signature(sig))
	}
	return what
}

func params(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var parts []string
	for p := range list.TypeParams() {
		parts = append(parts, text(p.Constraint()))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// value writes a constant: what is exact exactly, floats as the nearest float64.
func value(v constant.Value) string {
	if v.Kind() == constant.Float {
		if i := constant.ToInt(v); i.Kind() == constant.Int {
			return i.ExactString()
		}
		f, _ := constant.Float64Val(v)
		return fmt.Sprintf("%x", f)
	}
	return v.ExactString()
}

func tuple(t *types.Tuple, variadic bool) string {
	var parts []string
	for i := range t.Len() {
		p := t.At(i).Type()
		if variadic && i == t.Len()-1 {
			if s, ok := p.(*types.Slice); ok {
				parts = append(parts, "..."+text(s.Elem()))
				continue
			}
		}
		parts = append(parts, text(p))
	}
	return strings.Join(parts, ", ")
}

func signature(sig *types.Signature) string {
	s := "(" + tuple(sig.Params(), sig.Variadic()) + ")"
	switch sig.Results().Len() {
	case 0:
		return s
	case 1:
		return s + " " + text(sig.Results().At(0).Type())
	}
	return s + " (" + tuple(sig.Results(), false) + ")"
}

// text writes a type.
func text(t types.Type) string {
	switch t := t.(type) {
	case *types.Alias:
		return text(types.Unalias(t))
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return "unsafe.Pointer"
		}
		// byte and rune are other names of these.
		return types.Typ[t.Kind()].Name()
	case *types.Named:
		if i, ok := t.Underlying().(*types.Interface); ok && !t.Obj().Exported() && t.Obj().Pkg() != nil {
			return text(i)
		}
		s := t.Obj().Name()
		if t.Obj().Pkg() != nil {
			s = t.Obj().Pkg().Path() + "." + s
		}
		if args := t.TypeArgs(); args.Len() > 0 {
			var parts []string
			for a := range args.Types() {
				parts = append(parts, text(a))
			}
			s += "[" + strings.Join(parts, ", ") + "]"
		}
		return s
	case *types.TypeParam:
		return fmt.Sprintf("$%d", t.Index())
	case *types.Pointer:
		return "*" + text(t.Elem())
	case *types.Slice:
		return "[]" + text(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), text(t.Elem()))
	case *types.Map:
		return "map[" + text(t.Key()) + "]" + text(t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendOnly:
			return "chan<- " + text(t.Elem())
		case types.RecvOnly:
			return "<-chan " + text(t.Elem())
		}
		return "chan " + text(t.Elem())
	case *types.Signature:
		return "func" + signature(t)
	case *types.Struct:
		var parts []string
		for f := range t.Fields() {
			parts = append(parts, f.Name()+" "+text(f.Type()))
		}
		return "struct{" + strings.Join(parts, "; ") + "}"
	case *types.Interface:
		if t.Empty() {
			return "any"
		}
		var parts []string
		for m := range t.Methods() {
			parts = append(parts, m.Name()+signature(m.Type().(*types.Signature)))
		}
		sort.Strings(parts)
		parts = append(parts, terms(t)...)
		return "interface{" + strings.Join(parts, "; ") + "}"
	}
	panic(fmt.Sprintf("a type of kind %T", t))
}

// terms writes the unions of an interface, those of embedded interfaces with the others.
func terms(t *types.Interface) []string {
	var parts []string
	for e := range t.EmbeddedTypes() {
		u, ok := types.Unalias(e).(*types.Union)
		if i, isInterface := e.Underlying().(*types.Interface); !ok && isInterface && text(e) != "comparable" {
			parts = append(parts, terms(i)...)
			continue
		}
		if !ok {
			parts = append(parts, text(e))
			continue
		}
		var list []string
		for term := range u.Terms() {
			s := text(term.Type())
			if term.Tilde() {
				s = "~" + s
			}
			list = append(list, s)
		}
		parts = append(parts, strings.Join(list, " | "))
	}
	return parts
}
