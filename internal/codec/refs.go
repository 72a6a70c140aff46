package codec

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// Node marks what a Ref points at. A Ref is any struct whose only field, apart from blank ones without size, is a
// pointer to a struct that begins with a Node, directly or through its first field:
//
//	type task struct { codec.Node; ... }
//	type typed[T any] struct { task; out T }
//	type Ref[T any] struct { t *typed[T] }
//
// The codec knows Refs by this shape, so that a public Ref needs no exported method for it.
type Node struct{ _ [0]byte }

// RefWriter gives the id under which a Ref travels: opaque, of at most 64 bytes, equal for equal Nodes. It is called
// in the order of EachRef, once for each place where a Ref stands.
type RefWriter interface {
	WriteRef(*Node) (id []byte, err error)
}

// RefReader finds or makes the Node for an id. It must be the beginning of a value of type pointee (typed[T] above):
// the codec can't check that, and anything else corrupts memory, so a reader must refuse an id that it knows under
// another type. For == to hold between Refs of one task, it must give the same Node for the same id.
type RefReader interface {
	ReadRef(id []byte, pointee reflect.Type) (*Node, error)
}

// maxRefID bounds an id, so that a Ref is always small.
const maxRefID = 64

var nodeType = reflect.TypeFor[Node]()

// refShape is a tagged byte string, null for the zero Ref.
type refShape struct {
	atom
	offset  uintptr // of the pointer in the Ref
	pointee reflect.Type
}

// refOf recognises a Ref.
func refOf(t reflect.Type) (refShape, bool) {
	if t.Kind() != reflect.Struct {
		return refShape{}, false
	}
	var pointer *reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" && f.Type.Size() == 0 {
			continue
		}
		if pointer != nil || f.Type.Kind() != reflect.Pointer {
			return refShape{}, false
		}
		pointer = &f
	}
	if pointer == nil || !beginsWithNode(pointer.Type.Elem()) {
		return refShape{}, false
	}
	return refShape{offset: pointer.Offset, pointee: pointer.Type.Elem()}, true
}

func beginsWithNode(t reflect.Type) bool {
	for t.Kind() == reflect.Struct && t != nodeType && t.NumField() > 0 {
		t = t.Field(0).Type
	}
	return t == nodeType
}

// slot is the pointer inside the Ref v. The cast is sound because what it points at begins with a Node.
func (r refShape) slot(v reflect.Value) **Node {
	return (**Node)(unsafe.Add(v.Addr().UnsafePointer(), r.offset))
}

func (r refShape) append(e *encoder, v reflect.Value) error {
	node := *r.slot(v)
	if node == nil {
		return e.null()
	}
	if e.refs == nil {
		return errors.New("a Ref can't stand here")
	}
	id, err := e.refs.WriteRef(node)
	if err != nil {
		return fmt.Errorf("write ref: %w", err)
	}
	if len(id) > maxRefID {
		return fmt.Errorf("write ref: an id of %d bytes, at most %d are allowed", len(id), maxRefID)
	}
	e.buf = appendHead(e.buf, majorTag, tagRef)
	e.buf = appendHead(e.buf, majorBytes, uint64(len(id)))
	e.buf = append(e.buf, id...)
	return nil
}

func (r refShape) decode(d *decoder, v reflect.Value) error {
	if d.null() {
		*r.slot(v) = nil
		return nil
	}
	tag, rest, err := readOpen(d.data, majorTag, "a ref")
	if err != nil {
		return err
	}
	if tag != tagRef {
		return fmt.Errorf("found tag %d, want %d, a ref", tag, tagRef)
	}
	id, rest, err := readRun(rest, majorBytes, "the id of a ref")
	if err != nil {
		return err
	}
	if len(id) > maxRefID {
		return fmt.Errorf("found the id of a ref with %d bytes, at most %d are allowed", len(id), maxRefID)
	}
	if d.refs == nil {
		return errors.New("a Ref can't stand here")
	}
	node, err := d.refs.ReadRef(id, r.pointee)
	if err != nil {
		return fmt.Errorf("read ref: %w", err)
	}
	*r.slot(v), d.data = node, rest
	return nil
}

func (refShape) least() int { return 1 }

func (refShape) nilable() bool { return true }

func (r refShape) each(s *scanner, v reflect.Value) error {
	if node := *r.slot(v); node != nil {
		s.visit(node)
	}
	return nil
}

func (r refShape) diff(_ *differ, a, b reflect.Value) bool { return *r.slot(a) != *r.slot(b) }
