package source

import (
	"go/types"
	"maps"
	"slices"
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
