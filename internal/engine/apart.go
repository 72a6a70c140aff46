package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/protocol"
)

// A session without a carrier runs a task whose function is Isolated as any other: it is charged here, and a goroutine has
// it. But that starts a process for it and waits, instead of calling the function. What the task says meanwhile is heard
// as from another machine: its attempt is away, at no node.

// Apart is a worker process for one attempt.
type Apart interface {
	// Run starts the process, gives it the task, and returns once it has ended: with the outcome, or else with how it ended;
	// died says that it may have run the task, or has gone before for a reason of its own. begins is called before it has
	// the task, and then up with what that says, in order, by this goroutine.
	Run(t *protocol.Task, number uint64, begins func(), up func([]protocol.Item)) (o *protocol.Outcome, died bool, err error)
	// Send brings the task something. Like Kill it never blocks.
	Send(it protocol.Item)
	// Kill ends the process at once. What Run would start then doesn't start.
	Kill(why string)
}

// apartRun is the part of an attempt that only one in a process of its own has. But for died it is guarded by the
// session's mutex.
type apartRun struct {
	proc Apart
	args []byte
	open int   // values that were asked for and haven't come
	lent bool  // its function's CPUs
	died error // how the process ended, without an outcome; its goroutine's
}

var (
	errLocalApart = errors.New("the option Isolated is for registered functions: register this one with Func instead of Local")
	errNoApart    = errors.New("the option Isolated needs a session that can start worker processes")
)

// leavesProcess reports whether an attempt gets a process of its own.
func (s *Session) leavesProcess(t *Task, sp *Spec) bool {
	return sp.Opts.Isolated && t.host == nil && !s.isAway(sp)
}

// cantLeave is why a task can't have the process that its function asks for, or nil.
func (s *Session) cantLeave(t *Task, sp *Spec) error {
	switch {
	case !sp.Opts.Isolated || t.is(joins):
		return nil
	case sp.Local:
		return errLocalApart
	case !s.leavesProcess(t, sp):
		return nil
	case s.cfg.Isolate == nil:
		return errNoApart
	}
	_, err := s.cfg.Isolate()
	return err
}

// call calls the function with the context, or runs it in a process of its own if it asks for that.
func (f *Fn[In, Out]) call(ctx context.Context, r *Run, in In) (Out, error) {
	if r.s.leavesProcess(r.t, &f.Spec) {
		return f.callApart(r, in)
	}
	return f.Do(ctx, in)
}

func (f *Fn[In, Out]) callApart(r *Run, in In) (out Out, err error) {
	s := r.s
	proc, err := s.cfg.Isolate()
	if err == nil {
		err = s.depart(r, proc)
	}
	if err != nil {
		return out, err
	}
	t := protocol.Task{Key: s.wireKey(r), ID: uint64(r.id), Attempt: uint32(r.attempt), Func: f.reg.index}
	f.Opts.demand(&t)
	err = f.packArgument(r, &t, &in, func(visit func(*Task)) error {
		return eachTask(f.InRefs, &in, func(dep *Task) {
			if dep.Done() && dep.err == nil { // others are asked for
				visit(dep)
			}
		})
	})
	if err != nil {
		return out, err
	}
	o, err := s.runApart(r, &t)
	if err == nil {
		if err = failureUnless(o); err == nil {
			if err = decodeValue(s, &o.Value, &out, awayReader{r}); err != nil {
				err = fmt.Errorf("result: %w", err)
			}
		}
	}
	return out, err
}

// failureUnless is the error of an outcome, or nil if it has a result.
func failureUnless(o *protocol.Outcome) error {
	switch o.Status {
	case protocol.Succeeded:
		return nil
	case protocol.Canceled:
		return ErrCanceled
	}
	return failureOf(&o.Value)
}

// depart makes an attempt one that is away, unless it was interrupted before.
func (s *Session) depart(r *Run, proc Apart) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ended != nil {
		return r.ended
	}
	r.away = &awayRun{alone: true, apart: &apartRun{proc: proc}}
	return nil
}

// runApart runs the task in the attempt's process. An attempt that is interrupted ends with what its context says.
func (s *Session) runApart(r *Run, t *protocol.Task) (*protocol.Outcome, error) {
	o, died, err := r.away.apart.proc.Run(t, r.num, func() { s.beginsApart(r) }, func(items []protocol.Item) { s.Up("", items) })
	s.mu.Lock()
	ended := r.ended
	s.mu.Unlock()
	switch {
	case o != nil:
		return o, nil
	case ended != nil:
		return nil, ended
	case died:
		r.away.apart.died = err
	}
	return nil, err
}

// beginsApart notes that the process is there and gets its task: its time counts from now.
func (s *Session) beginsApart(r *Run) {
	s.mu.Lock()
	defer s.flush()
	if r.over || r.ended != nil {
		return
	}
	o := &r.t.ops.Spec().Opts
	r.away.started = o.Once
	if o.Timeout > 0 && !r.t.is(once) {
		r.left = int64(o.Timeout)
		s.startClock(r, s.now())
	}
}

// bereaved is what becomes of an attempt whose process has died: the task runs again, which doesn't count as one of its
// Retries, or the error is its end.
func (s *Session) bereaved(r *Run, err error) (again bool, end error) {
	if err == nil || r.away == nil || r.away.apart == nil || r.away.apart.died == nil {
		return false, err
	}
	died := r.away.apart.died
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ended != nil || s.closed {
		return false, err
	}
	if r.away.started {
		r.final = true
		return false, fmt.Errorf("%w: its process died: %w", ErrMaybeRan, died)
	}
	rec := s.recordOf(r.id)
	if rec.deaths++; rec.deaths < maxDeaths {
		text := fmt.Sprintf("the process of %s #%d died, and it is run again: %v", r.t.ops.Spec().Name, r.num, died)
		s.note(event.Event{Kind: event.Hint, Item: -1, Text: text})
		return true, nil
	}
	r.final = true
	return false, fmt.Errorf("its process died %d times, the last time so: %w", rec.deaths, died)
}

// deliver brings an attempt something from above. The answer that ends its function's wait is held until that has its
// CPUs again.
func (s *Session) deliver(r *Run, it protocol.Item) {
	a := r.away.apart
	if a == nil {
		s.cfg.Carrier.Send(r.away.node, it)
		return
	}
	s.mu.Lock()
	a.open--
	if a.open > 0 || !a.takeBack() {
		s.mu.Unlock()
		a.proc.Send(it)
		return
	}
	s.reclaim(r, heldItem{a.proc, it}, true)
	s.flush()
}

// heldItem is sent once the slot is back.
type heldItem struct {
	proc Apart
	it   protocol.Item
}

func (h heldItem) slotBack() { h.proc.Send(h.it) }

// takeBack reports whether its CPUs were lent, and notes that they aren't any more.
func (a *apartRun) takeBack() (lent bool) {
	lent, a.lent = a.lent, false
	return lent
}
