package progress

import (
	"math"
	"time"

	"github.com/musterrun/muster/event"
)

// mask is what a tally counts.
var mask = event.Of(event.TaskSubmitted, event.TaskStarted, event.TaskRetrying, event.TaskLost, event.TaskDone, event.TaskFailed,
	event.TaskCanceled, event.TaskUnfit)

// counts are those of one function.
type counts struct {
	name      string
	submitted int // tasks of their own; what a Map will have is not known
	items     int // of a Map that ended, failed ones included
	waiting   int
	running   int
	done      int
	failed    int
	canceled  int
	first     time.Time // when it was first heard of, or began
	speed     meter
}

// ended is how many tasks and items will change no more.
func (c *counts) ended() int { return c.done + c.failed + c.canceled }

// total is how many there will be as far as is known, or 0 when it isn't.
func (c *counts) total() int {
	if c.items > 0 {
		return 0
	}
	return c.submitted
}

// tally counts by function, in the order in which they were first seen.
type tally struct {
	rows   []*counts
	byName map[string]*counts
}

func (t *tally) row(e event.Event) *counts {
	c := t.byName[e.Func]
	if c == nil {
		if t.byName == nil {
			t.byName = map[string]*counts{}
		}
		c = &counts{name: e.Func, first: e.Time.Add(-e.Took)} // a Map tells of its items when they have ended
		t.byName[e.Func] = c
		t.rows = append(t.rows, c)
	}
	return c
}

// count takes one event in.
func (t *tally) count(e event.Event) {
	c := t.row(e)
	switch e.Kind {
	case event.TaskSubmitted:
		c.submitted++
		c.waiting++
	case event.TaskStarted:
		c.waiting--
		c.running++
	case event.TaskRetrying:
		c.running--
		c.waiting++
	case event.TaskLost:
		if e.Task > 0 { // else it is some items of a Map, which are told of when they have ended
			c.running--
			c.waiting++
		}
	case event.TaskDone:
		c.done += max(1, e.Items)
		c.leave(e)
	case event.TaskFailed, event.TaskUnfit:
		c.failed++
		c.leave(e)
	case event.TaskCanceled:
		c.canceled += max(1, e.Items)
		c.leave(e)
	}
}

// leave takes a task that has ended from where it stood.
func (c *counts) leave(e event.Event) {
	switch {
	case e.Items > 0 || e.Item >= 0:
		c.items += max(1, e.Items)
	case e.Task == 0: // it was refused before it was submitted
		c.submitted++
	case e.Took > 0:
		c.running--
	default:
		c.waiting--
	}
}

// maxRows is how many functions are shown; the rest stands in one row.
const maxRows = 10

// shown are copies of the rows to show.
func (t *tally) shown() []counts {
	var out []counts
	for i, c := range t.rows {
		if i < maxRows-1 || len(t.rows) == maxRows {
			out = append(out, *c)
			continue
		}
		if i == maxRows-1 {
			out = append(out, counts{name: "others", first: c.first})
		}
		out[maxRows-1].add(c)
	}
	return out
}

func (c *counts) add(o *counts) {
	c.submitted += o.submitted
	c.items += o.items
	c.waiting += o.waiting
	c.running += o.running
	c.done += o.done
	c.failed += o.failed
	c.canceled += o.canceled
	c.speed.rate += o.speed.rate
}

// measure updates each function's speed.
func (t *tally) measure(now time.Time) {
	for _, c := range t.rows {
		c.speed.update(now.Sub(c.first), c.ended())
	}
}

// meter is a speed in tasks per second, averaged over the last seconds: an exponential average, corrected for the time
// before it began, so that the first frames don't count for more than the seconds they stand for.
type meter struct {
	at   time.Duration
	seen int
	sum  float64
	rate float64
}

// memory is the time after which an old speed counts for a third.
const memory = 5 * time.Second

func (m *meter) update(at time.Duration, n int) {
	dt := (at - m.at).Seconds()
	if dt <= 0 {
		return
	}
	now := float64(n-m.seen) / dt
	old := math.Exp(-dt / memory.Seconds())
	m.sum = old*m.sum + (1-old)*now
	m.rate = m.sum / (1 - math.Exp(-at.Seconds()/memory.Seconds()))
	m.at, m.seen = at, n
}
