package codec

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

type duo[A, B any] struct {
	First  A
	Second B
}

type hiding struct {
	Name  string
	count int
}

type hidingDeep struct {
	Opts struct{ Callback func() }
	_    hiding
}

type locked struct {
	mu sync.Mutex
	N  int
}

type coded interface {
	error
	Code() int
}

type renamed struct {
	A int `json:"x"`
	B int `cbor:"x"`
}

type leftOut struct {
	A int
	B int `json:"-"`
}

type recursiveBad struct {
	Next *recursiveBad
	Out  []chan<- int
}

type secretTime struct{ time.Time }

type stamped struct {
	secretTime
	N int
}

const local = ", or use muster.Local, whose values never leave the process"

func TestTypesThatCannotLeave(t *testing.T) {
	for _, c := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[chan int](), "chan int (chan int) can't leave the process: a channel has no bytes; use a field that holds the data itself"},
		{reflect.TypeFor[func()](), "func() (func()) can't leave the process: a function has no bytes; use a registered function's name"},
		{reflect.TypeFor[uintptr](), "uintptr (uintptr) can't leave the process: an address means nothing elsewhere; use uint64"},
		{reflect.TypeFor[unsafe.Pointer](), "Pointer (unsafe.Pointer) can't leave the process: an address means nothing elsewhere; use a field that holds the data itself"},
		{reflect.TypeFor[any](), "any (interface {}) can't leave the process: the reader can't know which type it holds; use a concrete type or json.RawMessage"},
		{reflect.TypeFor[context.Context](), "Context (context.Context) can't leave the process: the reader can't know which type it holds; use a concrete type or json.RawMessage"},
		{reflect.TypeFor[[]coded](), "[]coded[] (codec.coded) can't leave the process: the reader can't know which type it holds; use a concrete type or json.RawMessage"},
		{reflect.TypeFor[hidingDeep](), "hidingDeep.Opts.Callback (func()) can't leave the process: a function has no bytes; use a registered function's name"},
		{reflect.TypeOf([]hiding{{count: 1}}), "[]hiding[].count (int) can't leave the process: an unexported field would be lost; use an exported field, or give the type that holds it MarshalBinary and UnmarshalBinary"},
		{reflect.TypeOf(&locked{mu: sync.Mutex{}}), "*locked.mu (sync.Mutex) can't leave the process: locks and atomics work within one process; use a field that holds the data itself"},
		{reflect.TypeFor[*atomic.Int64](), "*Int64.v (atomic.Int64) can't leave the process: locks and atomics work within one process; use a field that holds the data itself"},
		{reflect.TypeFor[renamed](), `renamed.B (int) can't leave the process: another field is named "x" too; use another name in the tag`},
		{reflect.TypeFor[leftOut](), "leftOut.B (int) can't leave the process: its tag leaves it out, so it would be lost; use a name in the tag, or give the type that holds it MarshalBinary and UnmarshalBinary"},
		{reflect.TypeFor[recursiveBad](), "recursiveBad.Out[] (chan<- int) can't leave the process: a channel has no bytes; use a field that holds the data itself"},
		{reflect.TypeFor[map[string]map[int]any](), "map[string]map[int]any[][] (interface {}) can't leave the process: the reader can't know which type it holds; use a concrete type or json.RawMessage"},
		{reflect.TypeFor[duo[[2]chan bool, time.Time]](), "duo[[2]chan bool,Time].First[] (chan bool) can't leave the process: a channel has no bytes; use a field that holds the data itself"},
		{reflect.TypeFor[stamped](), "stamped.secretTime (codec.secretTime) can't leave the process: an unexported field would be lost; use an exported field, or give the type that holds it MarshalBinary and UnmarshalBinary"},
	} {
		_, err := Of(c.typ)
		var typeError *TypeError
		if !errors.As(err, &typeError) {
			t.Errorf("%v: %v", c.typ, err)
			continue
		}
		if got := err.Error(); got != c.want+local {
			t.Errorf("%v:\n got %s\nwant %s", c.typ, got, c.want+local)
		}
	}
}

func TestMapKeysThatCannotLeave(t *testing.T) {
	for _, c := range []struct {
		typ    reflect.Type
		reason string
	}{
		{reflect.TypeFor[map[float64]int](), "a float key may be NaN, which is never found again"},
		{reflect.TypeFor[map[complex64]int](), "a float key may be NaN, which is never found again"},
		{reflect.TypeFor[map[[2]float32]int](), "a float key may be NaN, which is never found again"},
		{reflect.TypeFor[map[struct{ P *int }]int](), "a pointer is another one after decoding"},
		{reflect.TypeFor[map[any]int](), "the reader can't know which type the key holds"},
		{reflect.TypeFor[map[error]int](), "the reader can't know which type the key holds"},
		{reflect.TypeFor[map[time.Time]int](), "two times of one instant need not be equal as keys"},
		{reflect.TypeFor[map[ref[int]]int](), "a Ref as a key would not be found as a dependency"},
	} {
		_, err := Of(c.typ)
		var typeError *TypeError
		if !errors.As(err, &typeError) || typeError.Reason != c.reason || typeError.Remedy != remedyKey {
			t.Errorf("%v: %v", c.typ, err)
		}
	}
	if _, err := Of(reflect.TypeFor[map[chan int]int]()); err == nil {
		t.Error("a channel as a key has a plan")
	}
}

func TestOfIsOnePlanForAll(t *testing.T) {
	type fresh struct{ Kids []fresh }
	var wg sync.WaitGroup
	found := make([]*Plan, 8)
	for i := range found {
		wg.Go(func() {
			found[i], _ = Of(reflect.TypeFor[fresh]())
			v := fresh{Kids: []fresh{{}, {}}}
			data, _ := found[i].Append(nil, &v, nil)
			if err := found[i].Decode(data, &v, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range found {
		if p == nil || p != found[0] {
			t.Fatal("two plans for one type")
		}
	}
}

func TestFieldsWithoutContentAreNoMatter(t *testing.T) {
	type noCopy struct{}
	same(t, struct {
		N  int
		no noCopy
		_  [0]func()
		_  chan int
	}{N: 1})
}

func TestNames(t *testing.T) {
	type tagged struct {
		A int  `cbor:"-,"`
		B int  `json:",omitempty"`
		C int  `cbor:"c,keyasint" json:"-"`
		D *int `json:"d,omitzero"`
	}
	same(t, tagged{1, 2, 3, nil}, tagged{})
	got := encode(t, tagged{1, 2, 3, nil})
	want := encode(t, map[string]*int{"-": new(1), "B": new(2), "c": new(3), "d": nil})
	if string(got) != string(want) {
		t.Errorf("% x, want % x", got, want)
	}
}

func TestWrongPointer(t *testing.T) {
	p, n, none := planOf[int](t), 1, (*int)(nil)
	if _, err := p.Append(nil, n, nil); err == nil || err.Error() != "encode: found a int, want a *int" {
		t.Error(err)
	}
	if err := p.Decode([]byte{1}, none, nil); !errors.Is(err, errNilPointer) {
		t.Error(err)
	}
	if err := p.Decode([]byte{1}, nil, nil); err == nil {
		t.Error("decoded into nil")
	}
	if p.Diff(&n, none) == "" || p.Diff(none, &n) == "" {
		t.Error("a value is like nothing")
	}
	if err := planOf[ref[int]](t).EachRef(n, nil); err == nil {
		t.Error("scanned an int for a ref")
	}
}
