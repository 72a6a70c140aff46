package sim

import "time"

// clock is virtual time: what is to happen, by when and in the order in which it was asked for.
type clock struct {
	now   time.Duration // since the start
	seq   uint64
	heap  []event
	steps []step
	free  []uint32 // places in steps
}

type event struct {
	at   time.Duration
	seq  uint64
	step uint32 // its place in steps
}

// step is what happens, if the process is still there whose it is; and a message, if it gets through.
type step struct {
	life     *life
	from, to *host
	do       func()
}

// life is what a process's timers and messages look at: they mean nothing once it is over.
type life struct{ over bool }

// epochStart is what virtual time counts from: the parts that are simulated compare times, and take zero for none.
var epochStart = time.Unix(1_000_000, 0)

// time is the present moment as the simulated parts see it.
func (c *clock) time() time.Time { return epochStart.Add(c.now) }

// after has something done in a while.
func (c *clock) after(d time.Duration, do func()) { c.at(c.now+max(0, d), step{do: do}) }

// within is after for a process: nothing happens if it has ended by then.
func (c *clock) within(l *life, d time.Duration, do func()) {
	c.at(c.now+max(0, d), step{life: l, do: do})
}

// every has a process do something again and again, the first time after first.
func (c *clock) every(l *life, first, d time.Duration, do func()) {
	c.within(l, first, func() {
		do()
		c.every(l, d, d, do)
	})
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

func (c *clock) at(t time.Duration, x step) {
	c.seq++
	place := uint32(len(c.steps))
	if n := len(c.free); n > 0 {
		place, c.free = c.free[n-1], c.free[:n-1]
		c.steps[place] = x
	} else {
		c.steps = append(c.steps, x)
	}
	c.heap = append(c.heap, event{t, c.seq, place})
	h := c.heap
	i := len(h) - 1
	e := h[i]
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&h[up]) {
			break
		}
		h[i], i = h[up], up
	}
	h[i] = e
}

// next is what happens next, and whether there is anything.
func (c *clock) next() (x step, ok bool) {
	n := len(c.heap) - 1
	if n < 0 {
		return step{}, false
	}
	first, last := c.heap[0], c.heap[n]
	if c.heap = c.heap[:n]; n > 0 {
		c.sink(last)
	}
	c.now = first.at
	x = c.steps[first.step]
	c.steps[first.step] = step{}
	c.free = append(c.free, first.step)
	return x, true
}

// sink puts an event into the place of the first, which is gone.
func (c *clock) sink(e event) {
	h := c.heap
	i := 0
	for {
		least, end := 4*i+1, min(4*i+5, len(h))
		if least >= end {
			break
		}
		for k := least + 1; k < end; k++ {
			if h[k].before(&h[least]) {
				least = k
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i], i = h[least], least
	}
	h[i] = e
}
