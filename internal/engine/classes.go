package engine

import "github.com/musterrun/muster/protocol"

// GPU is the resource that the option GPUs asks for.
const GPU = "gpu"

// class is what keeps tasks with equal amounts apart: each has a pack of its own, and only some nodes suit it.
type class struct {
	fn       uint32
	chunk    bool
	isolated bool
	where    string
}

// classes numbers them.
type classes struct {
	number map[class]uint32
	where  []Where // by number
}

// classOf is the number of a function's class. The mutex is held.
func (s *Session) classOf(sp *Spec, chunk bool) uint32 {
	c := class{sp.reg.index, chunk, sp.Opts.Isolated, ""}
	if sp.Opts.Where != nil {
		c.where = sp.Opts.Where.String()
	}
	k := &s.carried.classes
	n, ok := k.number[c]
	if !ok {
		if k.number == nil {
			k.number = map[class]uint32{}
		}
		n = uint32(len(k.where))
		k.number[c] = n
		k.where = append(k.where, sp.Opts.Where)
	}
	return n
}

// suits says which classes a node suits.
func (s *Session) suits(o *protocol.Offer) func(uint32) bool {
	return func(n uint32) bool { return s.carried.classes.where[n].matches(o.Labels) }
}
