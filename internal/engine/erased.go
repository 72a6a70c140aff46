package engine

import (
	"fmt"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// erased is a value that a task makes in its worker: Gather, Split, Flatten or Put. Nobody in this process knows its
// type, so it stays as messages have it.
type erased struct {
	Task
	kind   byte
	by     *Run // whose Refs stand in it
	refs   []*Task
	index  int
	count  int
	value  protocol.Value
	inner  *Task
	broken error
}

var erasedSpec = &Spec{Name: "value"}

// makeErased makes the value that an attempt has called for.
func (s *Session) makeErased(r *Run, c *protocol.Call) (*Task, error) {
	e := &erased{kind: c.Kind, by: r, index: int(c.Index), count: int(c.Count)}
	switch c.Kind {
	case protocol.CallGather:
	case protocol.CallElement, protocol.CallFlatten:
		if len(c.Refs) != 1 {
			return nil, fmt.Errorf("%d Refs for one", len(c.Refs))
		}
		if c.Kind == protocol.CallElement && (e.index < 0 || e.index >= e.count) {
			return nil, fmt.Errorf("element %d of %d", e.index, e.count)
		}
	case protocol.CallPut:
		e.value = protocol.Value{Form: protocol.Inline, Data: c.Arg}
		s.startErased(r, e, c.Lazy)
		return &e.Task, nil
	default:
		return nil, fmt.Errorf("a call of kind %d", c.Kind)
	}
	for _, ref := range c.Refs {
		t, err := r.find(ref)
		if err != nil {
			return nil, err
		}
		e.refs = append(e.refs, t)
	}
	s.startErased(r, e, c.Lazy)
	return &e.Task, nil
}

func (s *Session) startErased(r *Run, e *erased, lazy bool) {
	e.traits = waits | joins
	start(r, r.at(lazy), &e.Task, e)
}

// Spec is that of all values.
func (e *erased) Spec() *Spec { return erasedSpec }

// Deps visits what the value is made of.
func (e *erased) Deps(visit func(*Task)) error {
	for _, t := range e.refs {
		visit(t)
	}
	return nil
}

// Exec isn't called: no function runs.
func (e *erased) Exec(*Run) error { return nil }

// Join assembles the value without decoding it.
func (e *erased) Join() (*Task, error) {
	if e.broken != nil {
		return nil, e.broken
	}
	switch e.kind {
	case protocol.CallPut:
		return nil, nil
	case protocol.CallFlatten:
		return e.joinFlat()
	}
	parts := make([]protocol.Value, len(e.refs))
	for i, t := range e.refs {
		if t.err != nil {
			return nil, t.err
		}
		if _, parts[i] = t.wireOf(e.s, nil, e.by); parts[i].Form == protocol.Failure {
			return nil, failureOf(&parts[i])
		}
	}
	e.value = protocol.Value{Form: protocol.List, Parts: parts}
	if e.kind == protocol.CallElement {
		e.value = protocol.Value{Form: protocol.Element, Parts: parts, Index: e.index, Count: e.count}
	}
	return nil, nil
}

// joinFlat finds the task whose Ref the first one's value is, and then takes its value.
func (e *erased) joinFlat() (*Task, error) {
	if e.inner == nil {
		src := e.refs[0]
		if src.err != nil {
			return nil, src.err
		}
		o, ok := src.ops.(interface{ theRef() *Task })
		if !ok || o.theRef() == nil {
			return nil, ErrZeroRef
		}
		if e.inner = o.theRef(); e.inner.s != nil {
			return e.inner, nil
		}
	}
	if e.inner.err != nil {
		return nil, e.inner.err
	}
	_, e.value = e.inner.wireOf(e.s, nil, e.by)
	if e.value.Form == protocol.Failure {
		return nil, failureOf(&e.value)
	}
	return nil, nil
}

// theRef is the task that the value, a Ref, stands for.
func (t *Typed[T]) theRef() (inner *Task) {
	refsIn(&t.out, func(x *Task) { inner = x })
	return inner
}

// Results visits nothing: the tasks whose Refs stand in the value are its parts' own results.
func (e *erased) Results(visit func(*Task)) {
	for _, t := range e.refs {
		visit(t)
	}
}

// Release forgets what the value was made of.
func (e *erased) Release(drop bool) {
	e.inner = nil
	if drop {
		e.refs, e.value = nil, protocol.Value{}
	}
}

func (e *erased) wireValue(_ *Session, dst []byte, _ codec.RefWriter) ([]byte, protocol.Value, error) {
	return dst, e.value, nil
}
