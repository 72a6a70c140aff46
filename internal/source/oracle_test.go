package source

import (
	"go/types"
	"strings"
	"testing"

	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/types/typeutil"
)

// TestConversionsAgreeWithSSA compares the conversions to interfaces that the walk of the syntax finds with those that
// the ssa package compiles, on all packages of this module. Conversions of values whose type is a type parameter's are
// left out: types that are chosen for parameters count anyway.
func TestConversionsAgreeWithSSA(t *testing.T) {
	t.Parallel()
	g := golang{dir: "../..", run: remember}
	w, err := load(t.Context(), Config{Patterns: []string{"./internal/..."}, Alone: true, forSSA: true}, g)
	if err != nil {
		t.Fatal(err)
	}
	prog := ssa.NewProgram(w.fset, 0)
	seen := map[*types.Package]bool{}
	var create func(p *types.Package)
	create = func(p *types.Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, q := range p.Imports() {
			create(q)
		}
		if l := w.all[p.Path()]; l == nil || !l.inside {
			prog.CreatePackage(p, nil, nil, true)
		}
	}
	for _, p := range w.inside {
		create(p.types)
		prog.CreatePackage(p.types, p.files, p.info, true)
	}
	prog.Build()
	checked := 0
	for _, p := range w.inside {
		for _, u := range p.units {
			for o := range p.byObj {
				if p.byObj[o] != u {
					continue
				}
				if f, ok := o.(*types.Func); ok && prog.FuncValue(f) != nil {
					checked += compareConversions(t, u, prog.FuncValue(f))
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("checked %d conversions only", checked)
	}
}

// compareConversions looks for what f and the functions in it convert in the unit's facts.
func compareConversions(t *testing.T, u *unit, f *ssa.Function) (n int) {
	t.Helper()
	var live typeutil.Map
	for _, l := range u.live {
		live.Set(types.Default(l), true)
	}
	var visit func(f *ssa.Function)
	visit = func(f *ssa.Function) {
		for _, b := range f.Blocks {
			for _, i := range b.Instrs {
				m, ok := i.(*ssa.MakeInterface)
				if !ok {
					continue
				}
				if _, basic := m.X.Type().(*types.Basic); basic || hasParam(m.X.Type()) {
					continue // a basic type has no methods, and ssa adds panics with strings of its own
				}
				n++
				if live.At(m.X.Type()) == nil {
					t.Errorf("%s: converts %s at %s, which isn't noted", u.key, m.X.Type(), f.Prog.Fset.Position(m.Pos()))
				}
			}
		}
		for _, a := range f.AnonFuncs {
			visit(a)
		}
	}
	visit(f)
	return n
}

func hasParam(t types.Type) bool {
	found := false
	var visit func(t types.Type)
	visit = func(t types.Type) {
		if _, ok := types.Unalias(t).(*types.TypeParam); ok {
			found = true
		}
		if n, ok := types.Unalias(t).(*types.Named); ok {
			for a := range n.TypeArgs().Types() {
				visit(a)
			}
		}
		if e, ok := t.(interface{ Elem() types.Type }); ok {
			visit(e.Elem())
		}
	}
	visit(t)
	return found || strings.Contains(t.String(), "struct{")
}
