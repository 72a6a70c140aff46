package engine

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/journal"
)

// chunk is a run of neighbouring items of a Map, and the task that works them off. An item is claimed by counting up
// next, so whoever sets next beyond the end takes what has not been started.
type chunk[In, Out any] struct {
	Task
	waiter   // tells the mapper that the task has ended
	m        *mapper[In, Out]
	base     int // index of the first item
	items    []In
	outs     []Out
	size     int     // items that are still its own; guarded by the mapper's mu
	errs     []error // nil unless an item failed
	full     float64 // fill up to this weight
	weight   float64
	bytes    int64 // of its items, about
	next     atomic.Int64
	began    atomic.Int64 // when the attempt began, in ns since the session did; 0 before
	made     uint16       // attempts made in another chunk
	single   bool         // one item that is tried again
	spliced  bool         // part of another chunk, which shares its buffers
	shares   bool         // others share its buffers
	whole    bool         // its attempt returned by itself, so no item is half done
	over     bool         // finished; guarded by the mapper's mu
	entering bool         // start holds the mapper's mu; guarded by the session's
	given    int          // items delivered
	limit    int          // items, at most
	uniform  int          // so many fill it, if they are all as heavy and as long; 0 if they may not be
	sent     int64        // when it went up, in ns since the session began

	// Of a Map that is recorded in a job's journal.
	prior *journal.Entry // what an earlier run has recorded of these items
	known bool           // an earlier driver has cut it so
	pre   []error        // errors of the input
	found []bool         // items that were recorded
}

// expect makes the chunk as long as a recorded range that begins with its first item, or an earlier driver's chunk, or
// lets it end before the next one.
func (c *chunk[In, Out]) expect(prior *journal.Entry, size, before int) {
	switch {
	case prior != nil && (!c.m.alone || prior.To-prior.From == 1):
		c.prior, c.limit = prior, prior.To-prior.From
	case size > 0 && (!c.m.alone || size == 1):
		c.known, c.limit = true, size
	case before > 0:
		c.limit = min(c.limit, before)
	}
}

func (c *chunk[In, Out]) isFull() bool {
	return c.prior == nil && !c.known && (c.weight >= c.full || c.bytes >= c.m.bulky) || len(c.items) >= c.limit
}

// fits is how many items of so many bytes each fill an empty chunk at most, if each weighs 1.
func (c *chunk[In, Out]) fits(each int64) int {
	if c.prior != nil || c.known {
		return c.limit
	}
	return min(c.limit, int(math.Ceil(min(c.full, float64(c.m.bulky)/float64(max(1, each))))))
}

// recordsItem reports whether the chunk is a recorded Map's, and one item.
func (c *chunk[In, Out]) recordsItem() bool { return c.m.rec != nil && !c.is(once) }

// taken is beyond the end of every chunk.
const taken = 1 << 40

// takeRest claims what has not been started and says where it begins.
func (c *chunk[In, Out]) takeRest() int {
	return min(int(c.next.Swap(taken)), len(c.items))
}

func (c *chunk[In, Out]) part(from, to int) *chunk[In, Out] {
	p := &chunk[In, Out]{
		m: c.m, base: c.base + from, items: c.items[from:to:to], outs: c.outs[from:to:to],
		weight: c.weight * float64(to-from) / float64(max(1, len(c.items))), spliced: true,
		bytes: c.bytes * int64(to-from) / int64(max(1, len(c.items))),
	}
	if c.found != nil {
		p.found = c.found[from:to:to]
	}
	if c.errs != nil {
		p.errs = c.errs[from:to:to]
	}
	c.shares = true
	return p
}

func (c *chunk[In, Out]) fail(i int, err error) {
	if c.errs == nil {
		c.errs = make([]error, cap(c.items))
	}
	c.coverItems()
	c.errs[i] = err
}

// coverItems makes the errors reach as far as the items, which may have grown since the first one.
func (c *chunk[In, Out]) coverItems() {
	if c.errs != nil && len(c.errs) < len(c.items) {
		c.errs = append(c.errs, make([]error, cap(c.items)-len(c.errs))...)
	}
}

// Spec is the mapped function's.
func (c *chunk[In, Out]) Spec() *Spec { return &c.m.f.Spec }

// Deps visits the Refs in the item of a chunk of one.
func (c *chunk[In, Out]) Deps(visit func(*Task)) error {
	return eachTask(c.m.f.InRefs, &c.items[0], visit)
}

// Join isn't called: a chunk runs.
func (c *chunk[In, Out]) Join() (*Task, error) { return nil, nil }

// Results visits the Refs in the result of a chunk of one.
func (c *chunk[In, Out]) Results(visit func(*Task)) {
	switch {
	case !c.is(once):
		c.m.f.results(&c.outs[0], visit)
	case c.m.leaves(): // else they are handed over after each item
		for i := range c.outs {
			c.m.f.results(&c.outs[i], visit)
		}
	}
}

// Release keeps the items: they are delivered first.
func (c *chunk[In, Out]) Release(bool) {}

// Exec works the items off.
func (c *chunk[In, Out]) Exec(r *Run) error {
	if c.m.f.Local {
		r.values = c.m.ctx
	}
	recorded := c.m.rec != nil
	if recorded {
		c.pre = slices.Clone(c.errs)
		if c.recall(r) {
			c.whole = r.Commit()
			return nil
		}
	}
	if !c.is(once) {
		if c.errs != nil && c.errs[0] != nil {
			return nil //nolint:nilerr // an error of the input, to be passed on
		}
		if recorded && c.m.f.Opts.Once {
			c.recordFailure(int(r.attempt), ErrMaybeRan)
			c.s.syncJournal()
		}
		err := c.m.f.exec(r, c.items[0], &c.outs[0])
		if recorded && err == nil && r.fate.Load() == returned {
			c.record(r)
		}
		return err
	}
	c.began.Store(r.start)
	for i := 0; i < len(c.items); {
		i = c.span(r)
	}
	if r.Commit() {
		c.whole = true
		if recorded {
			c.record(r)
		}
	}
	return nil
}

// span works items off until none is left or one panics, and gives the index of the next one.
func (c *chunk[In, Out]) span(r *Run) (next int) {
	i := 0
	running := false
	defer func() {
		if !running {
			return
		}
		if v := recover(); v != nil {
			c.itemFailed(r, i, newPanic(v))
			next = i + 1
			return
		}
		c.itemFailed(r, i, errGoexit) // this goroutine ends: the rest is for others
		c.give(i+1, false)
		c.whole = r.Commit() // the item is settled
	}()
	f := c.m.f
	items := c.items
	outs := c.outs[:len(items)]
	for {
		i = int(c.next.Add(1)) - 1
		if i >= len(items) || r.fate.Load() != 0 {
			return len(items)
		}
		if c.errs != nil && c.errs[i] != nil || c.found != nil && c.found[i] {
			continue
		}
		if c.m.rec != nil {
			r.item.Store(int64(i))
			r.keys.Store(nil)
		}
		running = true
		out, err := f.invoke(r, items[i])
		running = false
		outs[i] = out
		if err != nil {
			c.itemFailed(r, i, err)
		}
		if r.kids != nil {
			c.handOver(r, &outs[i], err == nil)
		}
	}
}

// itemFailed records an item's failure, or has it tried again by a task of its own.
func (c *chunk[In, Out]) itemFailed(r *Run, i int, err error) {
	opts := &c.m.f.Opts
	if opts.Retries > 0 && r.Err() == nil {
		var again bool
		if again, err = opts.again(r.original(err), err); again {
			c.give(i, true)
			return
		}
	}
	c.failUnlessOver(i, c.m.itemError(c.base+i, r, err))
}

func (c *chunk[In, Out]) failUnlessOver(i int, err error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if !c.over { // else it was given up meanwhile, and may be delivered
		c.fail(i, err)
	}
}

// give hands the items from i on to other chunks: the first of them on its own if it's to be tried again.
func (c *chunk[In, Out]) give(i int, again bool) {
	m := c.m
	m.s.mu.Lock()
	m.mu.Lock()
	if rest := c.takeRest(); again || rest < c.size {
		if !again {
			i = rest
		}
		m.splice(c, i, again)
	}
	m.mu.Unlock()
	m.s.flush()
}

func (c *chunk[In, Out]) handOver(r *Run, out *Out, ok bool) {
	s := c.m.s
	s.mu.Lock()
	s.handOver(r, ok, func(visit func(*Task)) { c.m.f.results(out, visit) })
	s.flush()
}

// itemError is the error of one item.
func (m *mapper[In, Out]) itemError(index int, r *Run, err error) error {
	e := &TaskError{Func: m.f.Name, Item: index, Err: err}
	if r != nil {
		e.Task, e.Attempt = r.num, int(r.attempt)
	}
	if p := (*panicError)(nil); errors.As(err, &p) {
		e.Stack = p.Stack
	}
	return e
}

// ended is called when the chunk's task has ended, in whatever way, before anybody else hears of it. The session's mutex
// is held.
func (c *chunk[In, Out]) ended() {
	if !c.entering {
		c.m.mu.Lock()
		defer c.m.mu.Unlock()
	}
	if err := c.Task.err; err != nil {
		c.failRest(err)
	}
	c.report()
}

// notify is called after ended, when the chunk may be delivered.
func (c *chunk[In, Out]) notify() {
	m := c.m
	m.mu.Lock()
	c.over = true
	m.open--
	if c.Task.err == nil && c.made == 0 && c.found == nil {
		took := time.Duration(float64(c.took) * float64(time.Second))
		switch {
		case m.goesUp():
			m.sizer.observeUp(c.weight, took)
		case m.leaves():
			m.sizer.observeAway(c.weight, took)
		default:
			m.sizer.observe(c.weight, took)
		}
	}
	if m.unordered {
		m.finished = append(m.finished, c)
	}
	m.mu.Unlock()
	if m.unordered || m.eager.Load() || m.first.Load() == c {
		m.ring()
	}
}

// failRest gives the chunk's error to the items that didn't run, and to the one that was given up half done.
func (c *chunk[In, Out]) failRest(err error) {
	from := 0
	if c.is(once) {
		if from = min(int(c.next.Load()), c.size); !c.whole {
			from = max(0, from-1)
		}
	}
	for i := from; i < c.size; i++ {
		e := &TaskError{Func: c.m.f.Name, Item: c.base + i, Err: err}
		if te := (*TaskError)(nil); errors.As(err, &te) {
			*e = *te
			e.Item = c.base + i
		}
		c.fail(i, e)
	}
}

// tally counts the chunk's items, and those that failed.
func (c *chunk[In, Out]) tally() (items, failed int) {
	for _, err := range c.errs[:min(len(c.errs), c.size)] {
		if err != nil {
			failed++
		}
	}
	return c.size, failed
}

// report tells the listeners of the chunk: once of what is done, once of what was cancelled, and of each failed item.
// Both mutexes are held.
func (c *chunk[In, Out]) report() {
	s := c.m.s
	if s.Mask() == 0 {
		return
	}
	failed, canceled := 0, 0
	for i, err := range c.errs[:min(len(c.errs), c.size)] {
		switch {
		case err == nil:
		case c.is(dropped) && isCancel(err):
			canceled++
		default:
			failed++
			s.note(c.failure(i, err))
		}
	}
	name := c.m.f.Name
	if n := c.size - failed - canceled; n > 0 {
		s.note(event.Event{Kind: event.TaskDone, Func: name, Items: n, Item: -1, Took: c.lasted(), Node: c.nodeID()})
	}
	if canceled > 0 {
		s.note(event.Event{Kind: event.TaskCanceled, Func: name, Items: canceled, Item: -1, Err: c.Task.err})
	}
}

func (c *chunk[In, Out]) failure(i int, err error) event.Event {
	e := event.Event{Kind: event.TaskFailed, Func: c.m.f.Name, Item: c.base + i, Err: err, Node: c.nodeID()}
	if te := (*TaskError)(nil); errors.As(err, &te) {
		e.Task, e.Attempt = te.Task, te.Attempt
	}
	return e
}

// nodeID is that of the node that ran the chunk last.
func (c *chunk[In, Out]) nodeID() string {
	if c.run == nil {
		return ""
	}
	return c.run.onNode()
}

// isCancel reports whether err is how something ends that was cancelled.
func isCancel(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrClosed)
}
