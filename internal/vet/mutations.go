package vet

import (
	"go/types"
)

// passing is that a variable, its address, or a part of it is given to a function of the main module, which may write
// through it: that is known once all functions have been read.
type passing struct {
	access
	nodes []*node
	to    *types.Func
	bit   uint
}

// spreadMutations finds out which functions write through their parameters, and with that who writes variables.
func (c *code) spreadMutations() {
	for changed := true; changed; {
		changed = false
		for _, p := range c.passings {
			for _, n := range p.nodes {
				if bit := c.paramBit(n, p.v); bit&^n.mutates != 0 && c.mutates(p.to)&(1<<p.bit) != 0 {
					n.mutates |= bit
					changed = true
				}
			}
		}
	}
	for _, p := range c.passings {
		if isGlobal(p.v) && c.mutates(p.to)&(1<<p.bit) != 0 {
			p.write = true
			for _, n := range p.nodes {
				n.uses = append(n.uses, p.access)
			}
		}
	}
}

func (c *code) mutates(fn *types.Func) uint64 {
	if n := c.nodes[fn]; n != nil {
		return n.mutates
	}
	var f Function
	c.pass.ImportObjectFact(fn, &f)
	return f.Mutates
}

// paramBit is the bit of a variable among the parameters of a node's function, or 0.
func (c *code) paramBit(n *node, v *types.Var) uint64 {
	if n.fn == nil {
		return 0
	}
	sig := n.fn.Signature()
	if sig.Recv() == v {
		return 1
	}
	for i := range min(sig.Params().Len(), 62) {
		if sig.Params().At(i) == v {
			return 2 << i
		}
	}
	return 0
}
