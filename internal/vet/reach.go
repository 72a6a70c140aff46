package vet

import (
	"cmp"
	"go/token"
	"maps"
	"slices"
)

// reached is what a function and all that it calls do, each with its place: that in this package, or that of the call
// that leaves it.
type reached struct {
	reads, writes map[string]use // by variable
	acts          []act          // all of this package, the first of each kind of others
	nodes         []*node        // of this package
}

// use is an access at its place.
type use struct {
	where string
	pos   token.Pos
}

// reach follows the calls from n.
func (c *code) reach(n *node) *reached {
	r := &reached{reads: map[string]use{}, writes: map[string]use{}}
	seen := map[*node]bool{n: true}
	for queue := []*node{n}; len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		r.nodes = append(r.nodes, at)
		r.add(at)
		for _, e := range at.calls {
			next := e.lit
			if next == nil {
				next = c.nodes[e.fn]
			}
			switch {
			case next == nil:
				r.addFact(c, e)
			case !seen[next]:
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return r
}

func (r *reached) add(n *node) {
	for _, u := range n.uses {
		if !isGlobal(u.v) {
			continue
		}
		name := globalName(u.v)
		if u.write {
			note(r.writes, name, u.use)
		}
		if u.read {
			note(r.reads, name, u.use)
		}
	}
	r.acts = append(r.acts, n.acts...)
}

// addFact adds what a function of another package does.
func (r *reached) addFact(c *code, e link) {
	var f Function
	if !c.own(e.fn.Pkg()) || e.fn.Pkg().Path() == muster || !c.pass.ImportObjectFact(e.fn, &f) {
		return // what muster's own functions do for themselves, where this is its module, is nobody's mistake
	}
	for _, a := range f.Reads {
		note(r.reads, a.Var, use{a.Where, e.pos})
	}
	for _, a := range f.Writes {
		note(r.writes, a.Var, use{a.Where, e.pos})
	}
	for _, a := range f.Acts {
		r.acts = append(r.acts, act{a, e.pos})
	}
}

func note(m map[string]use, name string, u use) {
	if _, ok := m[name]; !ok {
		m[name] = u
	}
}

// facts is the first act of each kind.
func (r *reached) facts() []Act {
	var out []Act
	for k := range kinds {
		for _, a := range r.acts {
			if a.Kind == k {
				out = append(out, a.Act)
				break
			}
		}
	}
	return out
}

// accesses lists m in the order of its names, so that facts are the same each time.
func accesses(m map[string]use) []Access {
	var out []Access
	for _, name := range slices.SortedFunc(maps.Keys(m), cmp.Compare[string]) {
		out = append(out, Access{name, m[name].where})
	}
	return out
}

func (c *code) factOf(n *node) *Function {
	r := c.reach(n)
	reg := c.regs[n.fn]
	return &Function{
		Reads: accesses(r.reads), Writes: accesses(r.writes), Acts: r.facts(), Mutates: n.mutates,
		Registers: reg.does, Decides: reg.by, State: c.origins.of[n.fn].from,
	}
}
