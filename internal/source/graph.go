package source

import (
	"go/types"
)

// graph is the inside's units and who writes which variable. It is made once and then only read.
type graph struct {
	*world
	outsiders    outsiders
	writers      map[*types.Var][]writer
	mutating     map[*types.Var]how
	methodsNamed map[string][]*types.Func // of the inside
	gives        map[*unit][]*types.Var   // variables that a function gives access to
	starts       []*unit                  // what runs while packages are initialised, unasked
	atStart      map[node]bool            // what they may run
	callers      map[node][]node          // the edges within atStart, backwards
	startsOf     map[node][]*unit         // the starts that may run a node, as far as they were asked for
	telling      []*unit                  // units of atStart that tell packages outside something
	order        map[*unit]int            // when a start runs
	steps        map[*unit][]*step
	namedBy      map[*unit][]*unit // who names a function
}

// node is what is reached: a unit, or a named type that code may hold as an interface or find by reflection.
type node struct {
	unit *unit
	typ  *types.TypeName
}

// writer is a unit that may change a variable or what it leads to.
type writer struct {
	unit *unit
	how  how
}

func newGraph(w *world) *graph {
	g := &graph{
		world: w, outsiders: outsiders{}, writers: map[*types.Var][]writer{}, mutating: map[*types.Var]how{},
		methodsNamed: map[string][]*types.Func{},
		gives:        map[*unit][]*types.Var{},
		atStart:      map[node]bool{}, callers: map[node][]node{}, startsOf: map[node][]*unit{},
		steps: map[*unit][]*step{}, namedBy: map[*unit][]*unit{},
	}
	g.linkNames()
	g.findEffects()
	for _, p := range w.inside {
		for _, u := range p.units {
			g.addWriters(u)
			g.addNames(u)
			if _, isVar := valueSpec(u); u.isInit && (u.calls || !isVar) {
				g.starts = append(g.starts, u)
			}
		}
	}
	g.findStart()
	g.findOrder()
	return g
}

func (g *graph) addNames(u *unit) {
	for _, o := range u.uses {
		if f, ok := o.(*types.Func); ok {
			if t := g.unitOf(f); t != nil && t != u {
				g.namedBy[t] = append(g.namedBy[t], u)
			}
		}
	}
}

// linkNames marks what other packages reach into by go:linkname.
func (g *graph) linkNames() {
	for _, p := range g.inside {
		for _, other := range p.links {
			if u := g.byName(other); u != nil {
				u.troubles.add(u.node.Pos(), "go:linkname in "+p.ImportPath+" reaches into "+other)
			}
		}
	}
}

// unitOf is the unit that declares an object, or nil for one outside.
func (g *graph) unitOf(o types.Object) *unit {
	p := g.insideOf(o)
	if p == nil {
		return nil
	}
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	return p.byObj[o]
}

// next calls f for what a node may run when it is initialised, directly.
func (g *graph) next(n node, f func(node)) {
	if n.typ != nil {
		g.methods(n.typ, true, f)
		return
	}
	for _, o := range n.unit.runs {
		switch o := o.(type) {
		case *types.Func:
			if u := g.unitOf(o); u != nil {
				f(node{unit: u})
			}
		case *types.Var:
			if u := g.unitOf(o); u != nil && keepsCode(o.Type(), nil) {
				g.keeps(u, f)
			}
		}
	}
	for _, t := range n.unit.live {
		g.named(t, true, f)
	}
}

// keeps is for a variable that keeps code: whoever reads it may run all functions that its initialiser names.
func (g *graph) keeps(u *unit, f func(node)) {
	for _, o := range u.uses {
		if m, ok := o.(*types.Func); ok {
			if target := g.unitOf(m); target != nil {
				f(node{unit: target})
			}
		}
	}
	for _, t := range u.live {
		g.named(t, true, f)
	}
	f(node{unit: u})
}

// findStart walks from all starts.
func (g *graph) findStart() {
	var todo []node
	visit := func(n node) {
		if !g.atStart[n] {
			g.atStart[n] = true
			todo = append(todo, n)
		}
	}
	for _, u := range g.starts {
		visit(node{unit: u})
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n.unit != nil && len(n.unit.tells) > 0 {
			g.telling = append(g.telling, n.unit)
		}
		g.next(n, func(m node) {
			g.callers[m] = append(g.callers[m], n)
			visit(m)
		})
	}
	for n := range g.atStart {
		g.findFillers(n)
	}
}

// findFillers is for a node that reads variables which keep code: it may run what others put into them before.
func (g *graph) findFillers(n node) {
	if n.unit == nil {
		return
	}
	for _, o := range n.unit.runs {
		v, ok := o.(*types.Var)
		if !ok || !keepsCode(v.Type(), nil) {
			continue
		}
		for _, w := range g.writers[v] {
			if filler := (node{unit: w.unit}); filler != n && g.atStart[filler] {
				g.callers[filler] = append(g.callers[filler], n)
			}
		}
	}
}

// whoStarts are the starts that may run a node.
func (g *graph) whoStarts(n node) []*unit {
	if list, known := g.startsOf[n]; known || !g.atStart[n] {
		return list
	}
	var list []*unit
	seen := map[node]bool{n: true}
	for todo := []node{n}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if _, isStart := g.order[at.unit]; isStart {
			list = append(list, at.unit)
		}
		for _, c := range g.callers[at] {
			if !seen[c] {
				seen[c] = true
				todo = append(todo, c)
			}
		}
	}
	g.startsOf[n] = list
	return list
}
