package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"unsafe"
)

// The Refs of these tests have the shape that the root package gives its own.
type task struct {
	Node
	id string
}

type typed[T any] struct {
	task
	out T
}

type ref[T any] struct{ t *typed[T] }

func newRef[T any](id string) ref[T] { return ref[T]{&typed[T]{task: task{id: id}}} }

// table is a RefWriter and RefReader that names tasks by their ids and gives one node for one id and type.
type table map[string]*Node

func (tb table) key(id string, pointee reflect.Type) string { return fmt.Sprintf("%s %v", id, pointee) }

// named is how table finds the id of a node: every pointee of these tests begins with a task.
func named(n *Node) string { return taskOf(n).id }

func (tb table) WriteRef(n *Node) ([]byte, error) { return []byte(named(n)), nil }

func (tb table) ReadRef(id []byte, pointee reflect.Type) (*Node, error) {
	key := tb.key(string(id), pointee)
	if tb[key] == nil {
		v := reflect.New(pointee)
		n := (*Node)(v.UnsafePointer())
		taskOf(n).id = string(id)
		tb[key] = n
	}
	return tb[key], nil
}

func planOf[T any](t testing.TB) *Plan {
	t.Helper()
	p, err := Of(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// encode fails the test unless v can be encoded, as an item that the CBOR library finds well-formed.
func encode[T any](t testing.TB, v T) []byte {
	t.Helper()
	data, err := planOf[T](t).Append(nil, &v, table{})
	if err != nil {
		t.Fatalf("append %T: %v", v, err)
	}
	if err := cborDecoder.Wellformed(data); err != nil {
		t.Fatalf("append %T gave %.99x: %v", v, data, err)
	}
	return data
}

func decode[T any](t testing.TB, data []byte) T {
	t.Helper()
	var v T
	if err := planOf[T](t).Decode(data, &v, table{}); err != nil {
		t.Fatalf("decode %.99x into %T: %v", data, v, err)
	}
	return v
}

// roundTrip also checks that the copy encodes to the same bytes and that Diff sees none.
func roundTrip[T any](t testing.TB, v T) T {
	t.Helper()
	data := encode(t, v)
	got := decode[T](t, data)
	if again := encode(t, got); !bytes.Equal(again, data) {
		t.Fatalf("%T: %.99x became %.99x", v, data, again)
	}
	if !planOf[T](t).HasRefs() {
		if path := planOf[T](t).Diff(&v, &got); path != "" {
			t.Fatalf("%T differs at %s after a round trip", v, path)
		}
	}
	return got
}

// same is a round trip after which reflect.DeepEqual must hold.
func same[T any](t testing.TB, values ...T) {
	t.Helper()
	for _, v := range values {
		if got := roundTrip(t, v); !reflect.DeepEqual(got, v) {
			t.Errorf("%T: %.99v became %.99v", v, v, got)
		}
	}
}

// refuses checks the whole error of a Decode.
func refuses[T any](t *testing.T, data []byte, want string) {
	t.Helper()
	var v T
	err := planOf[T](t).Decode(data, &v, nil)
	if err == nil || err.Error() != want {
		t.Errorf("decode %.99x into %T:\n got %v\nwant %s", data, v, err, want)
	}
}

// taskOf is the task that n is the beginning of.
func taskOf(n *Node) *task { return (*task)(unsafe.Pointer(n)) }
