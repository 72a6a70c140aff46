package engine

import (
	"errors"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/protocol"
)

// image is the typed value of a task whose result is known as bytes only. There is one for each type that Refs of the
// task have, so that two Refs of one task are equal. To other processes it is that task.
type image[T any] struct {
	*Typed[T]
	src *Task
}

var imageSpec = &Spec{Name: "value"}

// typedAs is t if it is of the type that a Ref points at, or its image of that type.
func typedAs(t *Task, pointee reflect.Type) (*Task, error) {
	switch k := t.ops.(type) {
	case interface{ pointee() reflect.Type }:
		if k.pointee() != pointee {
			return nil, errors.New("a Ref of another type")
		}
		return t, nil
	case *erased:
		return k.imageOf(pointee)
	}
	return nil, errUnknownRef
}

// pointee is the type that a Ref of the task points at.
func (t *Typed[T]) pointee() reflect.Type { return reflect.TypeFor[Typed[T]]() }

// imageOf is the value as a type has it. The lock isn't held while one is made: if the value is there, that decodes it,
// and makes the images of those whose Refs stand in it.
func (e *erased) imageOf(pointee reflect.Type) (*Task, error) {
	e.mu.Lock()
	m := e.images[pointee]
	e.mu.Unlock()
	if m != nil {
		return m, nil
	}
	typed, ok := reflect.New(pointee).Interface().(interface{ mirror(src *Task) *Task })
	if !ok {
		return nil, errors.New("no Ref")
	}
	made := typed.mirror(&e.Task)
	e.mu.Lock()
	defer e.mu.Unlock()
	if m := e.images[pointee]; m != nil {
		return m, nil // another's was first
	}
	if e.images == nil {
		e.images = map[reflect.Type]*Task{}
	}
	e.images[pointee] = made
	return made, nil
}

// mirror makes t the image of src. Nobody waits for room for it: there are as many as Refs.
func (t *Typed[T]) mirror(src *Task) *Task {
	s := src.s
	t.s, t.ops, t.traits = s, &image[T]{t, src}, waits|joins
	s.mu.Lock()
	t.scope = s.root
	s.submit(&t.Task, nil)
	s.flush()
	return &t.Task
}

// Functions, since a method of Task is one of each task of each type.

// originOf is the task that t is the image of, or t.
func originOf(t *Task) *Task {
	if m, ok := t.ops.(interface{ imaged() *Task }); ok {
		return m.imaged()
	}
	return t
}

func (m *image[T]) imaged() *Task { return m.src }

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
	return nil, decodeFrom(m.src, &m.out)
}

func (m *image[T]) Results(visit func(*Task)) { refsIn(&m.out, visit) }

func (m *image[T]) Release(drop bool) { m.drop(drop) }

// decodeFrom decodes the value of a task that has ended without error.
func decodeFrom[T any](t *Task, out *T) error {
	var refs crossing
	_, v := t.wireOf(t.s, nil, &refs)
	return failureOr(&v, func() error { return decodeValue(t.s, &v, out, &refs) })
}

// crossing carries Refs from one type to another, within the process.
type crossing struct{ refTable }

func (*crossing) whole() {}

// ReadRef finds the task, or its image.
func (c *crossing) ReadRef(id []byte, pointee reflect.Type) (*codec.Node, error) {
	n, err := c.refTable.ReadRef(id, pointee)
	if err != nil || pointee == reflect.TypeFor[Task]() {
		return n, err
	}
	t, err := typedAs(taskOf(n), pointee)
	if err != nil {
		return nil, err
	}
	return &t.Node, nil
}

// anyRef is a Ref to the codec, whatever it points at.
type anyRef struct{ t *Task }

// theRef is the task that the value of t, a Ref, stands for.
func theRef(t *Task) (*Task, error) {
	var ref anyRef
	if err := decodeFrom(t, &ref); err != nil {
		return nil, err
	}
	if ref.t == nil {
		return nil, ErrZeroRef
	}
	return ref.t, nil
}

// wireGood is the value of a task that has ended, for a message, or its error.
func wireGood(t *Task, s *Session, dst []byte, refs codec.RefWriter) ([]byte, protocol.Value, error) {
	dst, v := t.wireOf(s, dst, refs)
	if v.Form == protocol.Failure {
		return dst, v, failureOf(&v)
	}
	return dst, v, nil
}
