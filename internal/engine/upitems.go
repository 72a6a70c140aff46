package engine

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// Up takes what a node says of the attempts that it has, in order.
func (s *Session) Up(node string, items []protocol.Item) {
	for _, it := range items {
		switch i := it.(type) {
		case protocol.Call:
			s.upCall(node, &i)
		case protocol.Want:
			s.upWant(node, &i)
		case protocol.Cancel:
			s.upCancel(node, &i)
		case protocol.Block:
			s.upBlock(node, &i)
		case protocol.Started:
			s.upStarted(node, i.Attempt)
		case protocol.Held:
			s.upHeld(node, i)
		case protocol.GiveBack:
			s.mu.Lock()
			if r := s.runOn(node, i.Attempt); r != nil {
				s.gaveBack(r, &i)
			}
			s.flush()
		}
	}
}

// attempt finds a running attempt of a node.
func (s *Session) attempt(node string, a protocol.Attempt) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runOn(node, a)
}

// runOn is the attempt of that name, if the node has it. The mutex is held.
func (s *Session) runOn(node string, a protocol.Attempt) *Run {
	if r := s.runOf(a); r != nil && r.away.node == node {
		return r
	}
	return nil
}

// upCall starts what an attempt calls, once.
func (s *Session) upCall(node string, c *protocol.Call) {
	r := s.attempt(node, c.By)
	if r == nil || r.hasCall(c.Seq) {
		return
	}
	t, err := s.makeCall(r, c)
	if err != nil {
		t = s.brokenCall(r, err)
	}
	r.keepCall(c.Seq, t)
}

// makeCall starts a call, or makes a value.
func (s *Session) makeCall(r *Run, c *protocol.Call) (*Task, error) {
	switch c.Kind {
	case protocol.CallFunc, protocol.CallFrom:
		fns := functions()
		if int(c.Func) >= len(fns) {
			return nil, fmt.Errorf("function number %d of %d", c.Func, len(fns))
		}
		return fns[c.Func].fn.called(r, c)
	case protocol.CallItems:
		fns := functions()
		if int(c.Func) >= len(fns) {
			return nil, fmt.Errorf("function number %d of %d", c.Func, len(fns))
		}
		return fns[c.Func].fn.called(r, c)
	case protocol.CallFail:
		return nil, failureOf(&protocol.Value{Form: protocol.Failure, Data: c.Arg})
	default:
		return s.makeErased(r, c)
	}
}

// brokenCall is a call that couldn't be made.
func (s *Session) brokenCall(r *Run, err error) *Task {
	e := &erased{kind: protocol.CallGather, broken: err}
	s.startErased(r, e, false)
	return &e.Task
}

// at is where an attempt's call is made.
func (r *Run) at(lazy bool) site { return site{s: r.s, run: r, lazy: lazy} }

// errItemsHoldRefs: the items of a call that runs in one attempt and is for another stay as they are.
var errItemsHoldRefs = errors.New("items that hold Refs, or whose results do: call the function once for each")

// called starts the call of a function that a task has made in its worker.
func (f *Fn[In, Out]) called(r *Run, c *protocol.Call) (*Task, error) {
	f, err := f.onTerms(c.Terms)
	if err != nil {
		return nil, err
	}
	if c.Terms != nil && c.Terms.Uncached {
		r.s.uncached(&f.Spec, errCachedCopy)
	}
	switch c.Kind {
	case protocol.CallFrom:
		src, err := typedRef[In](r, c)
		if err != nil {
			return nil, err
		}
		k := &fromCall[In, Out]{f: f, src: src}
		k.traits = waits
		r.s.identify(&k.Task, r, k)
		start(r, r.at(c.Lazy), &k.Task, k)
		return &k.Task, nil
	case protocol.CallItems:
		if f.InRefs.HasRefs() || f.OutRefs.HasRefs() {
			return nil, errItemsHoldRefs
		}
		return f.calledItems(r, c)
	}
	k := &call[In, Out]{f: f}
	if err := f.InPlan.Decode(c.Arg, &k.in, awayReader{r}); err != nil {
		return nil, fmt.Errorf("argument: %w", err)
	}
	k.traits, k.bulk = f.argTraits(), f.bulkOf(r.s, &k.in)
	r.s.identify(&k.Task, r, k)
	start(r, r.at(c.Lazy), &k.Task, k)
	return &k.Task, nil
}

// typedRef is the one Ref of a call, as a task of type T.
func typedRef[T any](r *Run, c *protocol.Call) (*Typed[T], error) {
	if len(c.Refs) != 1 {
		return nil, fmt.Errorf("%d Refs for one", len(c.Refs))
	}
	t, err := r.find(c.Refs[0])
	if err == nil {
		t, err = typedAs(t, reflect.TypeFor[Typed[T]]())
	}
	if err != nil {
		return nil, err
	}
	return (*Typed[T])(unsafe.Pointer(t)), nil // it begins with the task
}

// upWant answers with a task's value once it has ended.
func (s *Session) upWant(node string, w *protocol.Want) {
	r := s.attempt(node, w.By)
	if r == nil {
		return
	}
	if !s.asks(r, w.Ref) {
		return
	}
	t, err := r.find(w.Ref)
	if err != nil {
		s.deliver(r, protocol.Settle{By: w.By, Ref: w.Ref, Value: failure(err)})
		return
	}
	s.demand(t)
	s.awaitsToo(r, t)
	a := &answer{s: s, r: r, t: t, ref: w.Ref}
	a.tell = a
	if !t.push(&a.waiter) {
		a.notify()
	}
}

// awaitsToo notes that a function that waits has asked for one more task. One in a process of its own may have its CPUs
// again, for what it got before, and never have gone on.
func (s *Session) awaitsToo(r *Run, t *Task) {
	s.mu.Lock()
	a := r.away.apart
	switch {
	case !r.away.waits || r.over:
	case a != nil && !a.lent:
		s.lendAway(r)
	case t.s == s && t.phase == live:
		s.m.Block(r.id, t.id)
	}
	s.flush()
}

// asks notes that an attempt has asked for a value, and reports whether it is the first time.
func (s *Session) asks(r *Run, ref protocol.RefID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.away.asked[ref] {
		return false
	}
	if r.away.asked == nil {
		r.away.asked = map[protocol.RefID]bool{}
	}
	r.away.asked[ref] = true
	if a := r.away.apart; a != nil {
		a.open++
	}
	return true
}

// answer sends a task's value to the attempt that wants it.
type answer struct {
	waiter
	s   *Session
	r   *Run
	t   *Task
	ref protocol.RefID
}

func (a *answer) notify() {
	_, v := a.t.wireOf(a.s, nil, a.r)
	a.s.deliver(a.r, protocol.Settle{By: a.r.wire(), Ref: a.ref, Value: v})
}

// upCancel ends a task that an attempt has started, or that it was given.
func (s *Session) upCancel(node string, c *protocol.Cancel) {
	if r := s.attempt(node, c.By); r != nil {
		if t, err := r.find(c.Ref); err == nil {
			t.Cancel()
		}
	}
}

// upBlock notes that a function waits for all that it has asked for, or goes on.
func (s *Session) upBlock(node string, b *protocol.Block) {
	s.mu.Lock()
	r := s.runOn(node, b.By)
	switch {
	case r == nil:
	case b.Waits && !r.away.waits:
		r.away.waits, r.away.ends = true, b.Ends
		s.carried.quota.refund(r)
		s.lendAway(r)
	case b.Waits && b.Ends:
		r.away.ends = true
		if a := r.away.apart; a == nil || a.lent {
			s.m.Block(r.id, coordinator.Outside)
			s.carryOut()
		}
	case !b.Waits && r.away.waits:
		r.away.waits = false
		s.carried.quota.regain(r)
		if a := r.away.apart; a == nil || a.takeBack() {
			s.reclaim(r, nobody{}, true)
		}
	}
	s.flush()
}

// lendAway lends the CPUs of a function that waits. The mutex is held.
func (s *Session) lendAway(r *Run) {
	if a := r.away.apart; a != nil {
		a.lent = true
	}
	s.lend(r, true, append(s.wanted(r), outside(r.away.ends))...)
}

// wanted lists what an attempt has asked for and hasn't got. The mutex is held.
func (s *Session) wanted(r *Run) []coordinator.ID {
	var ids []coordinator.ID
	for ref := range r.away.asked {
		if t, err := r.find(ref); err == nil && t.s == s && t.phase == live {
			ids = append(ids, t.id)
		}
	}
	return ids
}

// nobody is told that a slot is back.
type nobody struct{}

func (nobody) slotBack() {}
