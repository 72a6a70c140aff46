package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"sync"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// refIndex is what the Refs in an attempt's messages stand for: those that were sent to it, by a key of their place, and
// the calls that it has made. It means nothing beyond the attempt.
type refIndex struct {
	mu      sync.Mutex
	sent    []*Task
	place   map[*Task]int
	calls   map[uint64]*Task // that the attempt has made, by number
	mirrors map[mirrorKey]*Task
}

// mirrorKey finds the typed image of a task whose type nobody knew.
type mirrorKey struct {
	of  *Task
	typ reflect.Type
}

var errUnknownRef = errors.New("a Ref that wasn't sent with the task, nor made by it")

// WriteRef is the key of the task's place.
func (r *Run) WriteRef(n *codec.Node) ([]byte, error) {
	t := taskOf(n)
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.place[t]
	if !ok {
		if x.place == nil {
			x.place = map[*Task]int{}
		}
		i = len(x.sent)
		x.place[t] = i
		x.sent = append(x.sent, t)
	}
	k := r.refKey(i)
	return k[:], nil
}

func (r *Run) refKey(place int) (k protocol.Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(r.id))
	binary.LittleEndian.PutUint32(k[8:], uint32(r.attempt))
	binary.LittleEndian.PutUint32(k[12:], uint32(place))
	return k
}

// find is the task that a Ref of the attempt's stands for.
func (r *Run) find(ref protocol.RefID) (*Task, error) {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	if k, ok := ref.Key(); ok {
		i := int(binary.LittleEndian.Uint32(k[12:]))
		if i < len(x.sent) && k == r.refKey(i) {
			return x.sent[i], nil
		}
	}
	if task, attempt, seq, ok := ref.Call(); ok && task == uint64(r.id) && attempt == uint32(r.attempt) {
		if t := x.calls[seq]; t != nil {
			return t, nil
		}
	}
	return nil, errUnknownRef
}

// keepCall enters a call that the attempt has made, and reports whether it is new.
func (r *Run) keepCall(seq uint64, t *Task) {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.calls == nil {
		x.calls = map[uint64]*Task{}
	}
	x.calls[seq] = t
}

func (r *Run) hasCall(seq uint64) bool {
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.calls[seq] != nil
}

// awayReader binds the Refs in what an attempt sends.
type awayReader struct{ r *Run }

// ReadRef finds the task, and makes its image if what it was made of didn't say its type.
func (a awayReader) ReadRef(id []byte, pointee reflect.Type) (*codec.Node, error) {
	t, err := a.r.find(protocol.RefID(id))
	if err != nil {
		return nil, err
	}
	t, err = a.r.typedAs(t, pointee)
	if err != nil {
		return nil, err
	}
	return &t.Node, nil
}

// typedAs is t if it is of the type that a Ref points at, or its image of that type.
func (r *Run) typedAs(t *Task, pointee reflect.Type) (*Task, error) {
	k, ok := t.ops.(interface{ pointee() reflect.Type })
	if ok {
		if k.pointee() != pointee {
			return nil, errors.New("a Ref of another type")
		}
		return t, nil
	}
	if _, ok := t.ops.(*erased); !ok {
		return nil, errUnknownRef
	}
	x := &r.away.refs
	x.mu.Lock()
	defer x.mu.Unlock()
	key := mirrorKey{t, pointee}
	if m := x.mirrors[key]; m != nil {
		return m, nil
	}
	image, ok := reflect.New(pointee).Interface().(interface{ mirror(r *Run, src *Task) *Task })
	if !ok {
		return nil, errors.New("no Ref")
	}
	m := image.mirror(r, t)
	if x.mirrors == nil {
		x.mirrors = map[mirrorKey]*Task{}
	}
	x.mirrors[key] = m
	return m, nil
}

// pointee is the type that a Ref of the task points at.
func (t *Typed[T]) pointee() reflect.Type { return reflect.TypeFor[Typed[T]]() }

// image is the typed value of a task whose result is known as bytes only.
type image[T any] struct {
	*Typed[T]
	src *Task
}

var imageSpec = &Spec{Name: "value"}

// mirror makes t the image of src.
func (t *Typed[T]) mirror(r *Run, src *Task) *Task {
	t.traits = waits | joins
	start(context.WithoutCancel(r), site{s: r.s}, &t.Task, &image[T]{t, src})
	return &t.Task
}

func (m *image[T]) Spec() *Spec { return imageSpec }

func (m *image[T]) Deps(visit func(*Task)) error {
	visit(m.src)
	return nil
}

func (m *image[T]) Exec(*Run) error { return nil }

func (m *image[T]) Join() (*Task, error) {
	if m.src.err != nil {
		return nil, m.src.err
	}
	e := m.src.ops.(*erased)
	return nil, decodeValue(m.s, &e.value, &m.out, awayReader{e.by})
}

func (m *image[T]) Results(visit func(*Task)) { refsIn(&m.out, visit) }

func (m *image[T]) Release(drop bool) { m.drop(drop) }
