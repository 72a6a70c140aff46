package engine

import "time"

// A chunk of a Map is filled for a quarter of its aim: that makes the hand-over cheap (1 % at 2 us) and leaves room for
// items that cost more than those before them. A chunk that has run for the whole aim gives its unstarted items away.
const (
	chunkAim  = time.Millisecond
	chunkFill = chunkAim / 4
	maxChunk  = 4096 // items
)

// sizer decides how much goes into a chunk, in units of weight (1 an item by default), from what the last ones took.
type sizer struct {
	cost float64 // ns per unit, a moving average; 0 before the first measurement
	pace float64 // ns per unit that the input takes
	size float64 // units per chunk
}

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
	z.size = min(float64(chunkFill)/z.cost, 4*max(z.size, weight, 1))
}
