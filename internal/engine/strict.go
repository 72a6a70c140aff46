package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/musterrun/muster/internal/codec"
)

// taskOf is the task that begins with the Node a Ref points at.
func taskOf(n *codec.Node) *Task { return (*Task)(unsafe.Pointer(n)) }

// refTable numbers the Refs of values that are encoded and decoded in this process.
type refTable struct {
	index map[*codec.Node]uint64
	nodes []*codec.Node
}

// WriteRef gives a Ref its number, the same one each time.
func (t *refTable) WriteRef(n *codec.Node) ([]byte, error) {
	i, ok := t.index[n]
	if !ok {
		if t.index == nil {
			t.index = map[*codec.Node]uint64{}
		}
		i = uint64(len(t.nodes))
		t.index[n] = i
		t.nodes = append(t.nodes, n)
	}
	return binary.AppendUvarint(nil, i), nil
}

// ReadRef finds the Ref of a number.
func (t *refTable) ReadRef(id []byte, _ reflect.Type) (*codec.Node, error) {
	i, n := binary.Uvarint(id)
	if n <= 0 || i >= uint64(len(t.nodes)) {
		return nil, errors.New("unknown Ref")
	}
	return t.nodes[i], nil
}

// duplicate is a value's copy by way of its encoding, and the encoding.
func duplicate[T any](p *codec.Plan, v *T, refs *refTable) (cp T, data []byte, err error) {
	if data, err = p.Append(nil, v, refs); err == nil {
		err = p.Decode(data, &cp, refs)
	}
	return cp, data, err
}

// changed is where a value differs from what it was when it was encoded, or "".
func changed[T any](p *codec.Plan, v *T, data []byte, refs *refTable) string {
	now, err := p.Append(nil, v, refs)
	if err == nil && bytes.Equal(now, data) {
		return ""
	}
	var was T
	if err := p.Decode(data, &was, refs); err != nil {
		return err.Error()
	}
	return p.Diff(&was, v)
}

// check is what a strict session finds at its end, such as a value that has changed. The same is said once.
type check func() error

func (s *Session) addCheck(c check) {
	s.mu.Lock()
	s.strict = append(s.strict, c)
	s.mu.Unlock()
}

func (s *Session) checkStrict() error {
	s.mu.Lock()
	checks := s.strict
	s.strict = nil
	s.mu.Unlock()
	var errs []error
	said := map[string]bool{}
	for _, c := range checks {
		if err := c(); err != nil && !said[err.Error()] {
			said[err.Error()] = true
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// watch checks v again when the session ends.
func watch[T any](s *Session, p *codec.Plan, v T, data []byte, refs *refTable, what string) {
	s.addCheck(func() error {
		if path := changed(p, &v, data, refs); path != "" {
			return fmt.Errorf("muster: %s was changed after it was passed, at %s: pass a copy, or change it before", what, path)
		}
		return nil
	})
}

// snapshot is the copy of an argument that the function of a strict session gets; the caller's is watched.
func (f *Fn[In, Out]) snapshot(s *Session, in In) (In, error) {
	refs := &refTable{}
	cp, data, err := duplicate(f.InPlan, &in, refs)
	if err != nil {
		return cp, fmt.Errorf("argument: %w", err)
	}
	watch(s, f.InPlan, in, data, refs, "an argument of "+f.Name)
	return cp, nil
}

func (f *Fn[In, Out]) copyIn(in In) (In, error) {
	cp, _, err := duplicate(f.InPlan, &in, &refTable{})
	if err != nil {
		err = fmt.Errorf("argument: %w", err)
	}
	return cp, err
}

// carefully calls the function as another process would: injected faults come first, its result and its error have been
// encoded and decoded, and changing the argument is an error.
func (f *Fn[In, Out]) carefully(r *Run, in In) (out Out, err error) {
	r.sent = nil
	if err = r.s.faults.strike(r, f.Name); err != nil {
		return out, f.arrive(r, err)
	}
	if !r.s.cfg.Strict || f.Local {
		return f.do(r, in)
	}
	refs := &refTable{}
	data, err := f.InPlan.Append(nil, &in, refs)
	if err != nil {
		return out, fmt.Errorf("argument: %w", err)
	}
	v, err := f.do(r, in)
	if path := changed(f.InPlan, &in, data, refs); path != "" {
		return out, fmt.Errorf("the function changed its argument at %s: it may be shared, so change a copy", path)
	}
	if err != nil {
		return out, f.arrive(r, err)
	}
	refs = &refTable{}
	out, data, err = duplicate(f.OutPlan, &v, refs)
	if err != nil {
		return out, fmt.Errorf("result: %w", err)
	}
	watch(r.s, f.OutPlan, out, data, refs, "a result of "+f.Name)
	return out, nil
}
