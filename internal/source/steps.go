package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// statements are those of a function that match, and those that the values in them come from through locals. The rest of
// the function isn't part of any. fromOutside is whether some of the values are the function's parameters.
func (g *graph) statements(of *unit, what string, match func(*step) bool) (units []*unit, fromOutside bool) {
	all := g.simple(of)
	taken := map[*step]bool{}
	wanted := map[types.Object]bool{}
	take := func(s *step) {
		taken[s] = true
		for o := range s.caught {
			wanted[o] = true
		}
	}
	for _, s := range all {
		if match(s) {
			take(s)
		}
	}
	for again := true; again; {
		again = false
		for _, s := range all {
			if !taken[s] && s.defines(wanted) {
				take(s)
				again = true
			}
		}
	}
	locals := map[token.Pos]int{} // shared, so that it shows which statements speak of the same ones
	for _, s := range all {
		if taken[s] {
			u := &unit{pkg: of.pkg, node: s.unit.node, outer: of.node}
			u.key = fmt.Sprintf("%s %s#%d", of.key, what, len(units))
			walk := newWalker(g.world, u)
			walk.locals = locals
			walk.walk()
			units = append(units, u)
		}
	}
	return units, g.hasParam(of, wanted)
}

// hasParam reports whether one of the objects is a parameter, or the receiver, of the function that a unit is.
func (g *graph) hasParam(u *unit, objects map[types.Object]bool) bool {
	d, ok := u.node.(*ast.FuncDecl)
	if !ok {
		return false
	}
	for o := range objects {
		if d.Pos() <= o.Pos() && o.Pos() < d.Type.End() {
			return true
		}
	}
	return false
}

// step is a statement of a function's body, with all that stands in it: what decides whether and how often a part of it
// runs goes with it.
type step struct {
	unit   *unit
	caught map[types.Object]bool
	sets   map[types.Object]bool
}

func (s *step) changes(g *graph, v *types.Var) bool {
	for _, t := range s.unit.touches {
		if slices.Contains(g.targets(t), v) && g.effect(t) == alters {
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

// simple splits a function into steps, each with its text and facts as if it were a unit. It is done once.
func (g *graph) simple(of *unit) []*step {
	if all, done := g.steps[of]; done {
		return all
	}
	var all []*step
	add := func(n ast.Node) {
		u := &unit{pkg: of.pkg, node: n, outer: of.node}
		u.aliases = maps.Clone(of.aliases)
		v := newWalker(g.world, u)
		v.walk()
		all = append(all, &step{unit: u, caught: v.caught, sets: setBy(n, of.pkg.info)})
	}
	ast.Inspect(of.node, func(n ast.Node) bool {
		body, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		for _, s := range body.List {
			add(s)
		}
		return false
	})
	g.steps[of] = all
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
