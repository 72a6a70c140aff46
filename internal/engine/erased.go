package engine

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// erased is a value that a task makes in its worker: Gather, Split, Flatten or Put. Nobody in this process knows its
// type, so it is made of other tasks' values each time when it is sent, and a Put stays as its message has it.
//
// It holds what it is made of: the tasks whose Refs stand in it, and none else of the attempt that has made it. A Ref
// means something to one attempt only, so the Refs in it are written anew for each that gets it.
type erased struct {
	Task
	kind   byte
	refs   []*Task // what it is made of; of a Flatten until that has the inner one
	index  int
	count  int
	inner  *Task
	broken error
	put    []byte                   // encoded
	inside map[protocol.RefID]*Task // what the Refs in that stand for

	mu     sync.Mutex
	sealed protocol.Value         // put, once it was sent otherwise than in a message
	images map[reflect.Type]*Task // by what a Ref of that type points at
}

var erasedSpec = &Spec{Name: "value"}

// makeErased makes the value that an attempt has called for.
func (s *Session) makeErased(r *Run, c *protocol.Call) (*Task, error) {
	e := &erased{kind: c.Kind, index: int(c.Index), count: int(c.Count)}
	if c.Kind == protocol.CallPut {
		return e.keepPut(r, c)
	}
	switch c.Kind {
	case protocol.CallGather:
	case protocol.CallElement, protocol.CallFlatten:
		if len(c.Refs) != 1 {
			return nil, fmt.Errorf("%d Refs for one", len(c.Refs))
		}
		if c.Kind == protocol.CallElement && (e.index < 0 || e.index >= e.count) {
			return nil, fmt.Errorf("element %d of %d", e.index, e.count)
		}
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

// keepPut makes a value that is at hand: as with Put, its task has ended from the start.
func (e *erased) keepPut(r *Run, c *protocol.Call) (*Task, error) {
	for _, ref := range c.Refs {
		t, err := r.find(ref)
		if err != nil {
			return nil, err
		}
		if e.inside == nil {
			e.inside = map[protocol.RefID]*Task{}
		}
		e.inside[ref] = t
	}
	e.put = bytes.Clone(c.Arg) // the message may hold much else
	e.s, e.ops, e.phase = r.s, e, over
	e.waiters.Store(ended)
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

// Join looks whether all that the value is made of is there.
func (e *erased) Join() (*Task, error) {
	if e.broken != nil {
		return nil, e.broken
	}
	if e.kind == protocol.CallFlatten {
		return e.joinFlat()
	}
	for _, t := range e.refs {
		if t.err != nil {
			return nil, t.err
		}
	}
	return nil, nil
}

// joinFlat finds the task whose Ref the first one's value is, and waits for that.
func (e *erased) joinFlat() (*Task, error) {
	if e.inner == nil {
		src := e.refs[0]
		if src.err != nil {
			return nil, src.err
		}
		inner, err := theRef(src)
		if err != nil {
			return nil, err
		}
		if e.inner = inner; inner.s != nil {
			return inner, nil
		}
	}
	return nil, e.inner.err
}

// Results visits the tasks that the value is made of, whose results its own are, and those whose Refs stand in it.
func (e *erased) Results(visit func(*Task)) {
	for _, t := range e.refs {
		visit(t)
	}
	if e.inner != nil {
		visit(e.inner)
	}
	for _, t := range e.inside {
		visit(t)
	}
}

// Release forgets what the value isn't made of.
func (e *erased) Release(drop bool) {
	if drop {
		e.inner = nil
	}
	if drop || e.kind == protocol.CallFlatten {
		e.refs = nil
	}
}

func (e *erased) wireValue(s *Session, dst []byte, w codec.RefWriter) ([]byte, protocol.Value, error) {
	switch e.kind {
	case protocol.CallPut:
		return e.wirePut(s, dst, w)
	case protocol.CallFlatten:
		return wireGood(e.inner, s, dst, w)
	}
	v := protocol.Value{Form: protocol.List, Parts: make([]protocol.Value, len(e.refs)), Index: e.index, Count: e.count}
	if e.kind == protocol.CallElement {
		v.Form = protocol.Element
	}
	var err error
	for i, t := range e.refs {
		if dst, v.Parts[i], err = wireGood(t, s, dst, w); err != nil {
			return dst, v, err
		}
	}
	return dst, v, nil
}

// wirePut is a value as it came, but for the names of the Refs in it.
func (e *erased) wirePut(s *Session, dst []byte, w codec.RefWriter) ([]byte, protocol.Value, error) {
	if len(e.inside) == 0 {
		v, err := e.wirePlain(s, w)
		return dst, v, err
	}
	from := len(dst)
	dst, err := codec.RenameRefs(dst, e.put, func(id []byte) ([]byte, error) {
		t := e.inside[protocol.RefID(id)]
		if t == nil {
			return nil, errUnknownRef
		}
		return w.WriteRef(&t.Node)
	})
	if err != nil {
		return dst, protocol.Value{}, err
	}
	v, err := s.sealFor(w, dst[from:len(dst):len(dst)])
	return dst, v, err
}

// wirePlain is a value without Refs, which is the same for all: one that is too long for messages is kept once.
func (e *erased) wirePlain(s *Session, w codec.RefWriter) (protocol.Value, error) {
	if staysWhole(w) {
		return s.sealFor(w, e.put)
	}
	e.mu.Lock()
	v := e.sealed
	e.mu.Unlock()
	if v.Form != 0 {
		return v, nil
	}
	v, err := s.seal(e.put)
	if err == nil {
		e.mu.Lock()
		e.sealed = v
		e.mu.Unlock()
	}
	return v, err
}
