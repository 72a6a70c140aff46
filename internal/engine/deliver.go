package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"
)

// Result is an item of Unordered: its index in the input, the item, and its result or error.
type Result[In, Out any] struct {
	Index int
	In    In
	Out   Out
	Err   error
}

// Map yields the results in order; errors of the input keep their place.
func (f *Fn[In, Out]) Map(ctx context.Context, in iter.Seq2[In, error]) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		f.drive(ctx, in, false, func(c *chunk[In, Out], i int, err error) bool {
			if err != nil {
				var zero Out
				return yield(zero, err)
			}
			return yield(c.outs[i], nil)
		})
	}
}

// Unordered yields the results as they come.
func (f *Fn[In, Out]) Unordered(ctx context.Context, in iter.Seq[In]) iter.Seq[Result[In, Out]] {
	return func(yield func(Result[In, Out]) bool) {
		f.drive(ctx, All(in), true, func(c *chunk[In, Out], i int, err error) bool {
			if c == nil {
				return yield(Result[In, Out]{Index: -1, Err: err})
			}
			res := Result[In, Out]{Index: c.base + i, In: c.items[i], Err: err}
			if err == nil {
				res.Out = c.outs[i]
			}
			return yield(res)
		})
	}
}

var errNoInput = errors.New("muster: the sequence of items is nil: pass one, such as slices.Values(items)")

// emit hands the loop one item of a chunk, or without a chunk an error of the iteration itself.
type emit[In, Out any] func(c *chunk[In, Out], i int, err error) bool

// drive is one iteration from the first item to the last result.
func (f *Fn[In, Out]) drive(ctx context.Context, in iter.Seq2[In, error], unordered bool, out emit[In, Out]) {
	m, cancel, err := f.newMapper(ctx, unordered)
	if err == nil && in == nil {
		m.leave(cancel)
		err = errNoInput
	}
	if err != nil {
		out(nil, 0, &TaskError{Func: f.Name, Item: -1, Err: err})
		return
	}
	defer m.leave(cancel)
	d := driver[In, Out]{mapper: m, emit: out}
	failure := d.pull(in)
	if d.broke {
		return
	}
	if d.over == nil {
		m.submitTail()
		d.pump(true)
	}
	for _, err := range []error{failure, d.over} { // the bare error of the context comes last
		if err != nil && !d.broke && !out(nil, 0, err) {
			return
		}
	}
}

// driver is the ranging goroutine's view of a mapper.
type driver[In, Out any] struct {
	*mapper[In, Out]
	emit   emit[In, Out]
	inBody bool  // the loop's body runs: a panic is its own
	broke  bool  // the loop was left
	over   error // the context ended, or the session was closed
}

// pull ranges over the input. A panic of the input becomes an error; one of the loop's body passes.
func (d *driver[In, Out]) pull(in iter.Seq2[In, error]) (err error) {
	defer func() {
		if d.inBody || d.broke {
			return
		}
		if v := recover(); v != nil {
			d.count()
			what := "input"
			if d.weighing {
				what = "Weight"
			}
			err = &TaskError{Func: d.f.Name, Item: d.index, Err: fmt.Errorf("the %s panicked: %v", what, v), Stack: string(debug.Stack())}
		}
	}()
	stopped := false
	in(func(v In, e error) bool {
		if e == nil && d.addUniform(v) {
			return true
		}
		if stopped {
			panic(fmt.Sprintf("muster: the input of %s went on after its yield had returned false: return then", d.f.Name))
		}
		d.add(v, e)
		stopped = d.filling == nil && !d.pump(false)
		return !stopped
	})
	return nil
}

// pump delivers what is there until more input is wanted, or with toEnd until all is delivered. It answers false when
// the iteration is over.
func (d *driver[In, Out]) pump(toEnd bool) bool {
	for {
		if d.over = d.ctx.Err(); d.over == nil && d.shut {
			d.over = ErrClosed
		}
		if d.over != nil {
			return false
		}
		c, upTo := d.ready()
		switch {
		case c != nil:
			if !d.deliver(c, upTo) {
				return false
			}
		case toEnd && d.empty():
			return true
		case !toEnd && d.hungry():
			return true
		default:
			d.sleep(toEnd)
		}
	}
}

// deliver yields the items of c that have not been, up to an index.
func (d *driver[In, Out]) deliver(c *chunk[In, Out], upTo int) bool {
	d.inBody = true
	for c.given < upTo {
		i := c.given
		c.given++
		var err error
		if c.errs != nil {
			err = c.errs[i]
		}
		if d.outer != nil && err == nil {
			d.letGo(&c.outs[i])
		}
		if !d.emit(c, i, err) {
			d.inBody, d.broke = false, true
			return false
		}
	}
	d.inBody = false
	return true
}

// letGo has the tasks whose Refs stand in a result that is yielded outlive the loop: from now on they are governed by
// what governs the loop itself.
func (m *mapper[In, Out]) letGo(out *Out) {
	s := m.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if outer := s.awake(m.outer); outer.err == nil {
		s.adopt(func(visit func(*Task)) { m.f.results(out, visit) }, m.scope, outer)
	}
}

// ready is the chunk to deliver from now and up to which item, or nil. A chunk that is delivered whole leaves the queue.
func (m *mapper[In, Out]) ready() (*chunk[In, Out], int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unordered {
		if len(m.finished) == 0 {
			return nil, 0
		}
		c := m.finished[0]
		if c.given < c.size {
			return c, c.size
		}
		m.finished = m.finished[1:]
		m.drop(c)
		return c, 0
	}
	if len(m.queue) == 0 {
		return nil, 0
	}
	c := m.queue[0]
	switch {
	case c.over && c.given < c.size:
		return c, c.size
	case c.over:
		m.drop(c)
		return c, 0
	case c.shares && c.given < c.size-1:
		return c, c.size - 1 // the last one still runs
	}
	return nil, 0
}

// drop takes a delivered chunk out of the queue and keeps its buffers for another. The mutex is held.
func (m *mapper[In, Out]) drop(c *chunk[In, Out]) {
	m.items -= c.size
	m.bytes -= c.bulk.bytes()
	for i, q := range m.queue {
		if q == c {
			copy(m.queue[i:], m.queue[i+1:])
			m.queue[len(m.queue)-1] = nil
			m.queue = m.queue[:len(m.queue)-1]
			break
		}
	}
	if len(m.queue) > 0 {
		m.first.Store(m.queue[0])
	}
	if !c.shares && !c.spliced && c.Task.err == nil && cap(c.items) > 1 {
		forget(c.items)
		forget(c.outs)
		m.spare = append(m.spare, buffers[In, Out]{c.items[:0], c.outs[:0]})
	}
}

func (m *mapper[In, Out]) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue) == 0
}

// hungry reports whether more chunks are wanted: enough that no core waits, and not more than the window.
func (m *mapper[In, Out]) hungry() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wantsMore()
}

// wantsMore is hungry, with the mutex held.
func (m *mapper[In, Out]) wantsMore() bool {
	return m.open < m.room+2 && m.items < m.most && len(m.queue) < 2*m.room+spareChunks &&
		(len(m.queue) < m.room || m.s.pressure.allows(&m.s.cfg, m.bytes))
}

// sleep waits until a chunk finishes: the head, or while more input is wanted any.
func (d *driver[In, Out]) sleep(toEnd bool) {
	d.eager.Store(!toEnd)
	defer d.eager.Store(false)
	d.mu.Lock()
	var head *Task
	can := d.unordered && len(d.finished) > 0
	if len(d.queue) > 0 {
		can = can || !d.unordered && d.queue[0].over
		head = &d.queue[0].Task
	}
	can = can || !toEnd && d.wantsMore()
	d.mu.Unlock()
	if can {
		return
	}
	if d.run != nil && head != nil {
		d.s.block(d.run, head)
		defer d.s.unblock(d.run)
	}
	select {
	case <-d.bell:
	case <-d.ctx.Done():
	}
}

// submitTail spreads the last items over the cores that have nothing to do.
func (m *mapper[In, Out]) submitTail() {
	m.count()
	c := m.filling
	if c == nil {
		return
	}
	m.s.mu.Lock()
	m.mu.Lock()
	pieces := min(len(c.items), m.room-m.open)
	if m.alone || pieces < 2 || m.sizer.cost*c.weight < float64(20*time.Microsecond) {
		m.mu.Unlock()
		m.s.mu.Unlock()
		m.submit()
		return
	}
	m.filling = nil
	c.coverItems()
	c.outs = make([]Out, len(c.items))
	for k := range pieces {
		m.queue = append(m.queue, c.part(len(c.items)*k/pieces, len(c.items)*(k+1)/pieces))
	}
	m.first.Store(m.queue[0])
	for _, p := range m.queue[len(m.queue)-pieces:] {
		m.start(p)
	}
	m.mu.Unlock()
	m.s.flush()
}
