package source

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
)

// registration is a call that registers a function, resolved.
type registration struct {
	name  string
	what  string // "muster.Func"
	pkg   *pkg
	site  site
	roots []*unit
	troubles
}

// registrations resolves the calls of a package. Those without a constant name only give warnings.
func (g *graph) registrations(p *pkg) (found []*registration, warnings []Warning) {
	for _, s := range p.sites {
		name := p.info.Types[s.call.Args[s.reg.name]].Value
		if name == nil || name.Kind() != constant.String {
			warnings = append(warnings, Warning{
				Position: g.fset.Position(s.call.Pos()),
				Text:     s.what + " with a name that isn't a constant",
			})
			continue
		}
		r := &registration{name: constant.StringVal(name), what: s.what, pkg: p, site: s}
		for n, i := range s.reg.code {
			if i < len(s.call.Args) {
				g.root(r, s.call.Args[i], n)
			}
		}
		found = append(found, r)
	}
	return found, warnings
}

// root makes a unit of an argument that is code, or leads to some.
func (g *graph) root(r *registration, e ast.Expr, n int) {
	u := &unit{key: fmt.Sprintf("%s(%q)", r.what, r.name), pkg: r.pkg, node: e}
	if n > 0 {
		u.key = fmt.Sprintf("%s argument %d", u.key, n)
	}
	v := newWalker(g.world, u)
	v.walk()
	if sig := signatureOf(r.pkg.info.TypeOf(e)); sig != nil { // values travel, encoded by their own methods
		u.live = append(u.live, tupleTypes(sig.Params())...)
		u.live = append(u.live, tupleTypes(sig.Results())...)
	}
	r.roots = append(r.roots, u)
	switch {
	case len(v.caught) == 0:
	case r.site.in.isInit:
		r.roots = append(r.roots, r.site.in) // whatever the locals are, it says
	default:
		r.troubles.add(e.Pos(), fmt.Sprintf("the code of %q depends on variables of the function that registers it", r.name))
	}
	if _, isLit := ast.Unparen(e).(*ast.FuncLit); !isLit {
		g.checkVariables(r, u)
	}
}

// checkVariables looks for variables that choose the code and are set at run time.
func (g *graph) checkVariables(r *registration, u *unit) {
	for _, o := range u.uses {
		v, ok := o.(*types.Var)
		if !ok {
			continue
		}
		if g.insideOf(v) == nil {
			r.troubles.add(u.node.Pos(), fmt.Sprintf("the code of %q is chosen by %s.%s", r.name, v.Pkg().Path(), v.Name()))
			continue
		}
		for _, w := range g.writers[v] {
			if w.how == alters && !g.atStart[node{unit: w.unit}] {
				r.troubles.add(u.node.Pos(), fmt.Sprintf("the code of %q is chosen by %s, which %s sets at run time",
					r.name, v.Name(), short(w.unit.key)))
			}
		}
	}
}
