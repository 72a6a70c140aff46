package source

import (
	"go/types"
	"slices"
)

// findEffects works out what functions of the inside do to what they are given, and to which variables they give access
// by what they return. Functions call each other, so it goes on until nothing new is found.
func (g *graph) findEffects() {
	var units []*unit
	for _, p := range g.inside {
		for o, u := range p.byObj {
			f, ok := o.(*types.Func)
			if !ok {
				continue
			}
			units = append(units, u)
			if f.Signature().Recv() != nil {
				g.methodsNamed[f.Name()] = append(g.methodsNamed[f.Name()], f)
			}
		}
	}
	for again := true; again; {
		again = false
		for _, u := range units {
			again = g.findEffectsOf(u) || again
		}
	}
}

// findEffectsOf reports whether it found something new.
func (g *graph) findEffectsOf(u *unit) bool {
	found := false
	for _, t := range u.self {
		if h := g.effect(t); h > g.mutating[t.of] {
			g.mutating[t.of] = h
			found = true
		}
	}
	for _, t := range u.touches {
		if !t.returned {
			continue
		}
		for _, v := range g.targets(t) {
			if !slices.Contains(g.gives[u], v) {
				g.gives[u] = append(g.gives[u], v)
				found = true
			}
		}
	}
	return found
}

// effect is what a touch amounts to.
func (g *graph) effect(t touch) how {
	if t.method == nil {
		return t.how
	}
	if t.param == nil {
		return max(t.how, g.anyEffect(t.method))
	}
	h := max(t.how, g.mutates(t.method, t.param))
	if t.next != nil && h < alters && g.givesSelf(t.method) {
		h = max(h, g.effect(*t.next))
	}
	return h
}

// mutates is what a function of the inside does to a parameter, or a method to its receiver.
func (g *graph) mutates(f *types.Func, p *types.Var) how {
	if u := g.unitOf(f); u == nil || u.asm {
		return alters
	}
	return g.mutating[p]
}

// anyEffect is what some method of the inside that a call of an interface's method may call does to its receiver.
func (g *graph) anyEffect(m *types.Func) how {
	if changesByName(m.Name()) {
		return alters
	}
	h := reads
	for _, f := range g.methodsNamed[m.Name()] {
		h = max(h, g.mutates(f, f.Signature().Recv()))
	}
	return h
}

// givesSelf reports whether a method of the inside may return a part of its receiver.
func (g *graph) givesSelf(f *types.Func) bool {
	u := g.unitOf(f)
	return u != nil && slices.ContainsFunc(u.self, func(t touch) bool { return t.returned && t.of == f.Signature().Recv() })
}

// targets are the variables that a touch is of.
func (g *graph) targets(t touch) []*types.Var {
	if t.through == nil {
		return []*types.Var{t.of}
	}
	if u := g.unitOf(t.through); u != nil {
		return g.gives[u]
	}
	return nil
}

// addWriters files what a unit does to variables, each at its worst.
func (g *graph) addWriters(u *unit) {
	worst := map[*types.Var]how{}
	for _, t := range u.touches {
		for _, v := range g.targets(t) {
			if g.unitOf(v) != u {
				worst[v] = max(worst[v], g.effect(t))
			}
		}
	}
	for v, h := range worst {
		if h > reads {
			g.writers[v] = append(g.writers[v], writer{u, h})
		}
	}
}
