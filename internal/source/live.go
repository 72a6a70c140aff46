package source

import (
	"go/types"
)

// named calls f for the declared types that can be reached from a value of type t that any code may hold: by its
// methods, and by reflection through its fields and elements.
func (g *graph) named(t types.Type, deep bool, f func(node)) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			g.named(a, deep, f)
		}
		if g.insideOf(t.Obj()) != nil {
			f(node{typ: t.Origin().Obj()})
		}
	case *types.Signature:
		if deep { // reflection can call it
			for r := range t.Results().Variables() {
				g.named(r.Type(), deep, f)
			}
		}
	default:
		g.parts(t, deep, f)
	}
}

// parts is for what a type is made of.
func (g *graph) parts(t types.Type, deep bool, f func(node)) {
	switch t := t.(type) {
	case *types.Signature:
		g.named(t, deep, f)
	case *types.Pointer:
		g.named(t.Elem(), deep, f)
	case *types.Slice:
		g.named(t.Elem(), deep, f)
	case *types.Array:
		g.named(t.Elem(), deep, f)
	case *types.Chan:
		g.named(t.Elem(), deep, f)
	case *types.Map:
		g.named(t.Key(), deep, f)
		g.named(t.Elem(), deep, f)
	case *types.Struct:
		for x := range t.Fields() {
			if x.Exported() || x.Embedded() || deep {
				g.named(x.Type(), deep, f)
			}
		}
	}
}

// methods calls f for what a live type makes reachable: its declaration, its methods that other code can call, and the
// types of its parts. In depth, code that reflects sees unexported fields too, and gets at the results of methods.
func (g *graph) methods(tn *types.TypeName, deep bool, f func(node)) {
	if u := g.unitOf(tn); u != nil {
		f(node{unit: u})
	}
	g.parts(tn.Type().Underlying(), deep, f)
	if types.IsInterface(tn.Type()) {
		return
	}
	for s := range types.NewMethodSet(types.NewPointer(tn.Type())).Methods() {
		m, ok := s.Obj().(*types.Func)
		if !ok {
			continue
		}
		p := g.insideOf(m)
		if p == nil || !m.Exported() && !p.wanted[m.Name()] {
			continue
		}
		if u := g.unitOf(m); u != nil {
			f(node{unit: u})
		}
		if deep && m.Exported() {
			g.named(m.Signature(), deep, f)
		}
	}
}
