package ledger

import (
	"slices"

	"github.com/musterrun/muster/protocol"
)

// Room is so much of everything.
type Room struct {
	CPU, IO, Memory, GPUs int64
	Named                 []protocol.Amount
}

// Of is the room that a task needs. It shares the list of what is named.
func Of(n *protocol.Need) Room { return Room{n.CPU, n.IO, n.Memory, n.GPUs, n.Named} }

// Find is what there is of a named resource, or nil.
func (r *Room) Find(name string) *protocol.Amount {
	for i := range r.Named {
		if r.Named[i].Name == name {
			return &r.Named[i]
		}
	}
	return nil
}

// Amounts is the room as the head hears it, who isn't told of I/O places.
func (r *Room) Amounts() protocol.Amounts {
	a := protocol.Amounts{CPU: r.CPU, Memory: r.Memory, GPUs: r.GPUs}
	for _, n := range r.Named {
		if n.N != 0 {
			if a.Named == nil {
				a.Named = map[string]int64{}
			}
			a.Named[n.Name] = n.N
		}
	}
	return a
}

// Count adds what an attempt has, or with a sign of -1 what it hasn't any more. What it lends isn't counted, nor are I/O
// places.
func (r *Room) Count(c *Charge, sign int64) {
	if !c.Lent {
		r.CPU += sign * c.CPU
	}
	r.Memory += sign * c.Memory
	r.GPUs += sign * c.GPUs
	for _, n := range c.Named {
		have := r.Find(n.Name)
		if have == nil {
			r.Named = append(r.Named, protocol.Amount{Name: n.Name})
			have = &r.Named[len(r.Named)-1]
		}
		have.N += sign * n.N
	}
}

// CoveredBy reports whether a task that needs so much needs this much, as one does for which a machine was held. I/O places
// aren't held for anybody.
func (r *Room) CoveredBy(n *protocol.Need) bool {
	if n.CPU < r.CPU || n.Memory < r.Memory || n.GPUs < r.GPUs {
		return false
	}
	need := Room{Named: n.Named}
	return !slices.ContainsFunc(r.Named, func(want protocol.Amount) bool {
		has := need.Find(want.Name)
		return has == nil || has.N < want.N
	})
}
