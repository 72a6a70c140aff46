package codec

import (
	"fmt"
	"reflect"
)

const (
	// maxDepth bounds the pointers, slices and maps of recursive types that stand inside each other, in values and
	// in data. A level takes some hundred bytes of stack.
	maxDepth = 10_000
	// trustedDepth is the depth up to which no one looks for cycles: values rarely go deeper, and a cycle does.
	trustedDepth = 64
)

var errDeep = fmt.Errorf("nested deeper than %d levels", maxDepth)

// A spot is a place in memory that a walk can come back to.
type spot struct {
	plan    *Plan
	address uintptr
	length  int
}

// spotOf takes a pointer, slice or map that is not nil.
func spotOf(p *Plan, v reflect.Value) spot {
	s := spot{plan: p, address: v.Pointer()}
	if v.Kind() != reflect.Pointer {
		s.length = v.Len()
	}
	return s
}

// A trail is the way from the root to where a walk stands. Only recursive types leave one: the others end by
// themselves.
type trail struct {
	depth int
	seen  map[spot]struct{}
}

// enter must be followed by leave, unless it fails: then the walk is over.
func (t *trail) enter(s spot) error {
	t.depth++
	if t.depth > maxDepth {
		return errDeep
	}
	if t.depth <= trustedDepth {
		return nil
	}
	if _, again := t.seen[s]; again {
		return newCycle(s)
	}
	if t.seen == nil {
		t.seen = map[spot]struct{}{}
	}
	t.seen[s] = struct{}{}
	return nil
}

func (t *trail) leave(s spot, err error) error {
	if err != nil {
		return passing(err, s)
	}
	if t.depth > trustedDepth {
		delete(t.seen, s)
	}
	t.depth--
	return nil
}
