package codec

import (
	"bytes"
	"reflect"
)

// A differ is one Diff under way.
type differ struct {
	steps []string // to the difference, innermost first
	sides [2]*encoder
	depth int
	seen  map[pair]struct{}
}

// A pair is two places that have been compared, or are being compared further out. Either way the answer is not
// needed again: the first difference ends the comparison, so a pair seen before has shown none.
type pair struct{ a, b spot }

func newDiffer() *differ {
	return &differ{sides: [2]*encoder{newEncoder(nil, nil), newEncoder(nil, nil)}}
}

func (x *differ) at(step string) { x.steps = append(x.steps, step) }

// encodings compares encodings, for the shapes that have no parts to name.
func (x *differ) encodings(s shape, a, b reflect.Value) bool {
	var errs [2]error
	for i, v := range [...]reflect.Value{a, b} {
		x.sides[i].buf = x.sides[i].buf[:0]
		errs[i] = s.append(x.sides[i], v)
	}
	if errs[0] != nil || errs[1] != nil {
		return (errs[0] == nil) != (errs[1] == nil)
	}
	return !bytes.Equal(x.sides[0].buf, x.sides[1].buf)
}

// enter is called with pointers, slices or maps that are not nil, and tells whether to compare what is in them.
// If so, leave must follow.
func (x *differ) enter(p *Plan, a, b reflect.Value) bool {
	if !p.recursive {
		x.depth++
		return true
	}
	here := pair{spotOf(p, a), spotOf(p, b)}
	if _, again := x.seen[here]; again || x.depth >= maxDepth {
		return false
	}
	if x.seen == nil {
		x.seen = map[pair]struct{}{}
	}
	x.seen[here] = struct{}{}
	x.depth++
	return true
}

func (x *differ) leave() { x.depth-- }

// nils settles what can be said without looking inside: both nil, or one of them.
func nils(a, b reflect.Value) (settled, different bool) {
	return a.IsNil() || b.IsNil(), a.IsNil() != b.IsNil()
}
