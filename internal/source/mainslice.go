package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// statements are those of a main function that change a variable, and those that the values come from through locals.
// The rest of main runs functions and isn't part of any.
func (g *graph) statements(main *unit, v *types.Var) []*unit {
	all := g.simple(main)
	wanted := map[types.Object]bool{}
	take := func(s *step) {
		s.taken = true
		for o := range s.caught {
			wanted[o] = true
		}
	}
	for _, s := range all {
		if s.changes(g, v) && !s.around(all, func(t *step) bool { return t.changes(g, v) }) {
			take(s)
		}
	}
	for again := true; again; {
		again = false
		for _, s := range all {
			if !s.taken && s.defines(wanted) {
				take(s)
				again = true
			}
		}
	}
	var units []*unit
	locals := map[token.Pos]int{} // shared, so that it shows which statements speak of the same ones
	for _, s := range all {
		if s.taken {
			u := &unit{pkg: main.pkg, node: s.unit.node, outer: main.node}
			u.key = fmt.Sprintf("%s sets %s#%d", main.key, v.Name(), len(units))
			walk := newWalker(g.world, u)
			walk.locals = locals
			walk.walk()
			units = append(units, u)
		}
	}
	return units
}

// step is a statement of main that contains no other but in function literals.
type step struct {
	unit   *unit
	caught map[types.Object]bool
	sets   map[types.Object]bool
	taken  bool
}

func (s *step) changes(g *graph, v *types.Var) bool {
	for _, t := range s.unit.touches {
		if t.of == v && g.effect(t) == alters {
			return true
		}
	}
	return false
}

// around reports whether one of the others that are like it stands inside.
func (s *step) around(all []*step, like func(*step) bool) bool {
	for _, t := range all {
		if t != s && t.unit.node.Pos() >= s.unit.node.Pos() && t.unit.node.End() <= s.unit.node.End() && like(t) {
			return true
		}
	}
	return false
}

func (s *step) defines(locals map[types.Object]bool) bool {
	for o := range s.sets {
		if locals[o] {
			return true
		}
	}
	return false
}

// simple splits main. Each statement gets its text and facts as if it were a unit.
func (g *graph) simple(main *unit) []*step {
	var all []*step
	ast.Inspect(main.node, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.AssignStmt, *ast.IncDecStmt, *ast.ExprStmt, *ast.DeclStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
			u := &unit{pkg: main.pkg, node: n, outer: main.node}
			v := newWalker(g.world, u)
			v.walk()
			all = append(all, &step{unit: u, caught: v.caught, sets: setBy(n, main.pkg.info)})
		}
		return true
	})
	return all
}

// setBy are the locals that a statement declares, assigns to, or takes the address of.
func setBy(n ast.Node, info *types.Info) map[types.Object]bool {
	set := map[types.Object]bool{}
	root := func(e ast.Expr) {
		for {
			switch x := ast.Unparen(e).(type) {
			case *ast.SelectorExpr:
				e = x.X
			case *ast.IndexExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.Ident:
				set[info.ObjectOf(x)] = true
				return
			default:
				return
			}
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				root(l)
			}
		case *ast.ValueSpec:
			for _, name := range x.Names {
				root(name)
			}
		case *ast.UnaryExpr:
			if x.Op == token.AND {
				root(x.X)
			}
		}
		return true
	})
	return set
}

// unnamed gives keys to what has none and runs at the start: its package's path and its number among those reached.
func unnamed(starts []*unit) map[*unit]string {
	keys := map[*unit]string{}
	count := map[*pkg]int{}
	for _, u := range starts {
		if u.key != "" {
			continue
		}
		count[u.pkg]++
		keys[u] = fmt.Sprintf("%s.init#%d", u.pkg.ImportPath, count[u.pkg])
	}
	return keys
}

// short is a key without the folders of import paths.
func short(key string) string {
	var b strings.Builder
	for {
		slash := strings.IndexByte(key, '/')
		if slash < 0 {
			b.WriteString(key)
			return b.String()
		}
		word := strings.LastIndexAny(key[:slash], "(* [,\"") + 1
		b.WriteString(key[:word])
		key = key[slash+1:]
	}
}
