package source

import (
	"container/heap"
	"go/ast"
	"slices"
	"strings"
)

// valueSpec is the declaration of the variables that a unit is.
func valueSpec(u *unit) (*ast.ValueSpec, bool) {
	s, ok := u.node.(*ast.ValueSpec)
	return s, ok
}

// findOrder numbers the starts in the order in which a program runs them.
func (g *graph) findOrder() {
	isStart := map[*unit]bool{}
	for _, u := range g.starts {
		isStart[u] = true
	}
	g.order = map[*unit]int{}
	add := func(u *unit) {
		if _, have := g.order[u]; isStart[u] && !have {
			g.order[u] = len(g.order)
		}
	}
	for _, p := range g.inPackageOrder() {
		for _, i := range p.info.InitOrder {
			for _, v := range i.Lhs {
				if u := p.byObj[v]; u != nil {
					add(u)
				}
			}
		}
		for _, u := range p.units { // init functions, and whatever the type checker left out
			add(u)
		}
	}
}

// inPackageOrder is the inside in the order in which Go initialises packages: the first by import path whose imports
// are done, then again.
func (w *world) inPackageOrder() []*pkg {
	waits := map[*pkg]int{}
	importedBy := map[*pkg][]*pkg{}
	var ready byPath
	for _, p := range w.ordered {
		for _, path := range p.Imports {
			if q := w.all[p.resolve(path)]; q != nil && q != p {
				waits[p]++
				importedBy[q] = append(importedBy[q], p)
			}
		}
		if waits[p] == 0 {
			ready = append(ready, p)
		}
	}
	heap.Init(&ready)
	var order []*pkg
	for len(ready) > 0 {
		p := heap.Pop(&ready).(*pkg)
		if p.inside {
			order = append(order, p)
		}
		for _, q := range importedBy[p] {
			if waits[q]--; waits[q] == 0 {
				heap.Push(&ready, q)
			}
		}
	}
	return order
}

type byPath []*pkg

func (h byPath) Len() int           { return len(h) }
func (h byPath) Less(i, j int) bool { return h[i].ImportPath < h[j].ImportPath }
func (h byPath) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *byPath) Push(x any) { *h = append(*h, x.(*pkg)) }

// Pop is for package heap.
func (h *byPath) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// byName finds a global by its linker name.
func (w *world) byName(symbol string) *unit {
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return nil
	}
	p := w.all[symbol[:slash+dot]]
	if p == nil || !p.inside {
		return nil
	}
	name := symbol[slash+dot+1:]
	if o := p.types.Scope().Lookup(name); o != nil {
		return p.byObj[o]
	}
	i := slices.IndexFunc(p.units, func(u *unit) bool { // a method: "(*T).M"
		return strings.HasSuffix(u.key, ")."+name[strings.LastIndexByte(name, '.')+1:]) && isMethod(u)
	})
	if i < 0 {
		return nil
	}
	return p.units[i]
}

func isMethod(u *unit) bool {
	d, ok := u.node.(*ast.FuncDecl)
	return ok && d.Recv != nil
}
