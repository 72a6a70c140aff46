package engine

import (
	"slices"
	"time"
)

// A chunk of a Map is filled for a quarter of its aim: that makes the hand-over cheap (1 % at 2 us) and leaves room for
// items that cost more than those before them. A chunk that has run for the whole aim gives its unstarted items away.
const (
	chunkAim  = time.Millisecond
	chunkFill = chunkAim / 4
	maxChunk  = 4096 // items

	upAim = 100 * time.Millisecond // of a Map in a task on a cluster: on the way and in turn too
	maxUp = 256                    // items of such a chunk: they are worked off to their end, also if they turn out to be dear
)

// sizer decides how much goes into a chunk, in units of weight (1 an item by default), from what the last ones took.
type sizer struct {
	cost float64 // ns per unit, a moving average; 0 before the first measurement
	pace float64 // ns per unit that the input takes
	size float64 // units per chunk

	last [costsKept]float64 // costs of the last chunks, in a ring; only of those that run elsewhere
	n    int
}

// costsKept is of how many chunks that run elsewhere the cost is the mean, without the dearest quarter.
const costsKept = 16

// weight is what the next chunk may hold: no more than the input gives while a chunk runs, so that a slow input's items
// don't wait for company.
func (z *sizer) weight() float64 {
	if z.pace > 0 {
		return max(1, min(z.size, float64(chunkFill)/z.pace))
	}
	return max(z.size, 1)
}

// filled learns how long the input took for a chunk.
func (z *sizer) filled(weight float64, took time.Duration) {
	if weight > 0 {
		z.pace = float64(took) / weight
	}
}

// observe learns from a chunk. The size at most quadruples at once, and falls at once.
func (z *sizer) observe(weight float64, took time.Duration) {
	if weight <= 0 {
		return
	}
	cost := max(float64(took), 1) / weight
	if z.cost == 0 || cost > 4*z.cost {
		z.cost = cost
	} else {
		z.cost += (cost - z.cost) / 2
	}
	z.resize(weight)
}

// observeUp learns from a chunk of a Map in a task on a cluster, of which only is known when it came back. What it took is its
// way and its turn, so one of a single cheap item takes as long as one of many, and by what items seem to cost none would
// become larger: chunks are filled until they take upAim.
func (z *sizer) observeUp(weight float64, took time.Duration) {
	if weight <= 0 {
		return
	}
	z.cost = max(float64(took), 1) / weight
	z.size = min(float64(upAim)/z.cost, 4*max(z.size, weight, 1))
}

func (z *sizer) resize(weight float64) {
	z.size = min(float64(chunkFill)/z.cost, 4*max(z.size, weight, 1))
}

// observeAway learns from a chunk that ran elsewhere. Where many processes share the cores, some are stopped in between, for
// many times what they take: that says nothing of what items cost, and small chunks would make it worse. So the dearest
// quarter of the last ones doesn't count.
func (z *sizer) observeAway(weight float64, took time.Duration) {
	if weight <= 0 {
		return
	}
	z.last[z.n%costsKept] = max(float64(took), 1) / weight
	z.n++
	last := z.last
	kept := last[:min(z.n, costsKept)]
	slices.Sort(kept)
	kept = kept[:(3*len(kept)+3)/4]
	z.cost = 0
	for _, c := range kept {
		z.cost += c / float64(len(kept))
	}
	z.resize(weight)
}
