package source

import "go/types"

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
