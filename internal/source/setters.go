package source

import (
	"go/types"
	"maps"
	"slices"
	"strings"
)

// variable takes in who decides what a variable holds: the units that change it, and whatever runs them, or anything
// else that may change what it leads to, while packages are initialised.
func (r *reach) variable(v *types.Var, d int) {
	if old, have := r.vars[v]; have && old <= d {
		return
	}
	r.vars[v] = d
	for _, w := range r.g.writers[v] {
		if !r.linked[w.unit.pkg] {
			continue
		}
		n := node{unit: w.unit}
		switch {
		case w.how == alters && w.unit == w.unit.pkg.main:
			r.mainSets(v, w.unit, d)
		case w.how == alters:
			r.add(n, d+1)
			r.setters[w.unit] = true
		}
		r.start(n, d+1)
	}
}

// start takes in what may run a node while packages are initialised.
func (r *reach) start(n node, d int) {
	for _, s := range r.g.whoStarts(n) {
		if r.linked[s.pkg] {
			r.starts[s] = true
			r.add(node{unit: s}, d)
		}
	}
}

// mainSets takes in the statements of func main that set a variable, without the rest of main.
func (r *reach) mainSets(v *types.Var, main *unit, d int) {
	if r.mains[v] {
		return
	}
	r.mains[v] = true
	units, _ := r.g.statements(main, "sets "+v.Name(), func(s *step) bool { return s.changes(r.g, v) })
	for _, u := range units {
		r.add(node{unit: u}, d+1)
	}
}

// allCallers is for when nothing else is left to look at, so that it is known what is reached anyway.
func (r *reach) allCallers() {
	last := r.last()
	setters := slices.SortedFunc(maps.Keys(r.setters), func(a, b *unit) int { return strings.Compare(a.key, b.key) })
	for _, u := range setters {
		r.callers(u)
	}
	for _, n := range r.found {
		r.add(n, last+1)
	}
	r.found = nil
}

// last is the depth of what is farthest.
func (r *reach) last() int {
	last := 0
	for _, d := range r.depth {
		last = max(last, d)
	}
	return last
}

// callers takes in the statements that call a function which sets a variable, in functions that aren't reached: what
// they pass may be what it is set to. If they pass on what they were passed, it goes on with those who call them.
func (r *reach) callers(setter *unit) {
	if r.asked[setter] {
		return
	}
	r.asked[setter] = true
	for _, caller := range r.g.namedBy[setter] {
		n := node{unit: caller}
		if _, reached := r.depth[n]; reached || !r.linked[caller.pkg] || r.g.atStart[n] {
			continue // it is taken in as a whole, at the latest by who starts it
		}
		units, fromOutside := r.g.statements(caller, "calls "+short(setter.key), func(s *step) bool {
			return slices.ContainsFunc(s.unit.uses, func(o types.Object) bool { return r.g.unitOf(o) == setter })
		})
		for _, u := range units {
			r.found = append(r.found, node{unit: u})
		}
		if fromOutside {
			r.callers(caller)
		}
	}
}
