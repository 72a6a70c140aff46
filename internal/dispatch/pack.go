package dispatch

import (
	"slices"
	"time"
)

// Pack is how many tasks of a function are given out for the CPU of one: some milliseconds' worth, two of medium length so
// that the next one is there when one ends, and one of those that take long. It is told by the tasks that ended last,
// without the longest of them: where many processes share the cores, some of the shortest tasks take a thousand times as
// long as the others, since they were stopped in between. The zero value is ready. Not for concurrent use.
type Pack struct {
	took [packKept]time.Duration // of the last n tasks that were measured, in a ring
	n    int
}

const (
	packAim  = 2 * time.Millisecond
	packLong = 100 * time.Millisecond
	packKept = 32
)

// Observe notes how long a task took.
func (p *Pack) Observe(took time.Duration) {
	p.took[p.n%packKept] = took
	p.n++
}

// Size is how many, at least 1.
func (p *Pack) Size() int {
	last := p.took
	kept := last[:min(p.n, packKept)]
	slices.Sort(kept)
	kept = kept[:(7*len(kept)+7)/8]
	var sum time.Duration
	for _, d := range kept {
		sum += d
	}
	switch mean := max(1, sum/time.Duration(max(1, len(kept)))); {
	case mean >= packLong:
		return 1
	case mean >= packAim/3:
		return 2
	default:
		return int(packAim / mean)
	}
}
