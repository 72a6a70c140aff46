package source

import (
	"go/types"
	"maps"
	"slices"
	"strings"
)

// reach is what one registered function depends on.
type reach struct {
	g       *graph
	linked  map[*pkg]bool // what may be in a program with it
	depth   map[node]int
	queue   [][]node            // to be looked at, by depth
	vars    map[*types.Var]int  // reached, by depth
	outside map[string]bool     // packages
	ears    map[string]bool     // packages outside whose state it may read
	modules map[string]string   // outside
	vendor  map[string]bool     // packages in vendor folders
	imports map[string]bool     // packages outside that matter because they are linked
	mains   map[*types.Var]bool // variables that main sets
	setters map[*unit]bool      // functions that set a reached variable
	asked   map[*unit]bool      // setters whose callers were looked for
	found   []node              // what these callers do
	starts  map[*unit]bool      // what runs at the start and matters
	told    map[*unit]bool      // of g.telling, those that were dealt with
	deep    bool                // some reached code reflects in ways that fmt doesn't
	troubles
}

// from computes what the units depend on, which are parts of a registration in p.
func (g *graph) from(p *pkg, roots []*unit) *reach {
	r := &reach{
		g: g, linked: g.linkedWith(p), depth: map[node]int{}, vars: map[*types.Var]int{}, outside: map[string]bool{},
		ears: map[string]bool{}, modules: map[string]string{}, vendor: map[string]bool{}, imports: map[string]bool{},
		setters: map[*unit]bool{}, asked: map[*unit]bool{}, mains: map[*types.Var]bool{}, starts: map[*unit]bool{}, told: map[*unit]bool{},
	}
	for _, u := range roots {
		r.add(node{unit: u}, 0)
	}
	for r.drain() {
		r.hear()
		r.allCallers()
	}
	return r
}

func (r *reach) add(n node, depth int) {
	if _, have := r.depth[n]; have {
		return
	}
	r.depth[n] = depth
	r.enqueue(n, depth)
}

func (r *reach) enqueue(n node, depth int) {
	for len(r.queue) <= depth {
		r.queue = append(r.queue, nil)
	}
	r.queue[depth] = append(r.queue[depth], n)
}

// drain looks at all that waits, nearest first, and reports whether there was anything.
func (r *reach) drain() bool {
	found := false
	for d := 0; d < len(r.queue); d++ {
		if len(r.queue[d]) == 0 {
			continue
		}
		found = true
		n := r.queue[d][0]
		r.queue[d] = r.queue[d][1:]
		if n.typ != nil {
			r.g.methods(n.typ, r.deep, func(m node) { r.add(m, d+1) })
		} else {
			r.unit(n.unit, d)
		}
		d = -1 // something nearer may have come
	}
	return found
}

func (r *reach) unit(u *unit, d int) {
	r.troubles = append(r.troubles, u.troubles...)
	for path := range u.outside {
		r.reachOutside(u, path)
	}
	for _, o := range u.uses {
		target := r.g.unitOf(o)
		if target == nil {
			continue
		}
		r.add(node{unit: target}, d+1)
		if v, ok := o.(*types.Var); ok {
			r.variable(v, d+1)
		}
	}
	for _, t := range u.live {
		r.g.named(t, r.deep, func(m node) { r.add(m, d) })
	}
}

// reachOutside takes in what a package outside brings with it.
func (r *reach) reachOutside(u *unit, path string) {
	if path == "reflect" {
		r.goDeep()
	}
	if r.outside[path] {
		return
	}
	r.outside[path] = true
	o := r.g.outsider(r.g.outsiders, path)
	r.take(o)
	maps.Copy(r.ears, o.ears)
	if o.between != "" {
		r.troubles.add(u.node.Pos(), o.between+", which is outside of the module, calls code inside")
	}
	if o.deep {
		r.goDeep()
	}
}

func (r *reach) take(o *outsider) {
	maps.Copy(r.modules, o.modules)
	maps.Copy(r.vendor, o.vendor)
}

// goDeep looks at all live types again, now with their unexported fields and the results of their methods.
func (r *reach) goDeep() {
	if r.deep {
		return
	}
	r.deep = true
	for n, d := range r.depth {
		if n.typ != nil || len(n.unit.live) > 0 {
			r.enqueue(n, d)
		}
	}
}

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

// hear takes in what tells something, while packages are initialised, to packages outside that the function hears.
func (r *reach) hear() {
	last := r.last()
	for _, u := range r.g.telling {
		if r.told[u] || !r.linked[u.pkg] || !r.hears(u.tells) {
			continue
		}
		r.told[u] = true
		r.start(node{unit: u}, last+1)
	}
	for p := range r.linked {
		if p.inside {
			r.hearImports(p)
		}
	}
}

func (r *reach) hears(paths map[string]bool) bool {
	for path := range paths {
		for ear := range r.g.outsider(r.g.outsiders, path).ears {
			if r.ears[ear] {
				return true
			}
		}
	}
	return false
}

// hearImports takes in packages outside that are linked and may register something where the function looks: an image
// format, a driver. What they bring decides what it gets.
func (r *reach) hearImports(p *pkg) {
	for _, path := range p.imports {
		q := r.g.all[path]
		if q == nil || q.inside || q.framework || r.outside[path] || r.imports[path] {
			continue
		}
		if r.hears(map[string]bool{path: true}) {
			r.imports[path] = true
			r.take(r.g.outsider(r.g.outsiders, path))
		}
	}
}

// startsInOrder are the reached units that run at the start, in their order; none if their order doesn't matter.
func (r *reach) startsInOrder() []*unit {
	var list []*unit
	for n := range r.depth {
		if _, isStart := r.g.order[n.unit]; isStart && n.unit != nil {
			list = append(list, n.unit)
		}
	}
	slices.SortFunc(list, func(a, b *unit) int { return r.g.order[a] - r.g.order[b] })
	return list
}

// open reports whether code that isn't reached could change what the function does if it were written: it could set a
// variable, or tell something to a package outside.
func (r *reach) open() bool {
	if len(r.ears) > 0 {
		return true
	}
	startsIn := map[*pkg]bool{} // what other packages import may change the order
	for u := range r.starts {
		startsIn[u.pkg] = true
	}
	if len(startsIn) > 1 {
		return true
	}
	for v := range r.vars {
		if r.g.isOpen(v) {
			return true
		}
	}
	return false
}

// isOpen reports whether other packages may set a variable, or get at what it leads to.
func (g *graph) isOpen(v *types.Var) bool {
	if v.Exported() && !isError(v.Type()) { // nobody sets another package's errors
		return true
	}
	for _, w := range g.writers[v] {
		if !w.unit.isInit || w.unit.pkg != g.insideOf(v) {
			return true
		}
	}
	return false
}

func (r *reach) reaches(p *pkg) bool {
	for n := range r.depth {
		if n.unit != nil && n.unit.pkg == p {
			return true
		}
	}
	return false
}
