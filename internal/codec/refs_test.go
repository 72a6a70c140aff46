package codec

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// padded is a Ref too: blank fields without size don't count.
type padded[T any] struct {
	_ [0]func()
	t *typed[T]
	_ struct{}
}

type holder struct {
	Z     ref[int]
	A     []ref[string]
	M     map[string]*ref[int]
	Pair  [2]ref[int]
	Plain []float64
	Outer ref[ref[int]]
	Last  padded[int]
	Err   error
	Next  *holder
}

func TestRefsTravelByID(t *testing.T) {
	same(t, ref[int]{})
	nodes := table{}
	a := newRef[int]("a")
	in := holder{Z: a, A: []ref[string]{newRef[string]("s"), {}}, M: map[string]*ref[int]{"k": &a, "nil": nil}, Last: padded[int]{t: a.t}}
	data := encode(t, in)
	var out holder
	if err := planOf[holder](t).Decode(data, &out, nodes); err != nil {
		t.Fatal(err)
	}
	if out.Z.t.id != "a" || out.A[0].t.id != "s" || out.A[1].t != nil || out.Outer.t != nil {
		t.Errorf("decoded %+v", out)
	}
	if out.Z != *out.M["k"] || out.Z.t != out.Last.t || out.M["nil"] != nil {
		t.Error("two Refs of one task differ after decoding")
	}
	if again := encode(t, out); !slices.Equal(again, data) {
		t.Error("other bytes after a round trip")
	}
}

func TestEachRefInEncodingOrder(t *testing.T) {
	p := planOf[holder](t)
	one := newRef[int]("in M, one")
	in := holder{
		Z:     newRef[int]("Z"),
		A:     []ref[string]{newRef[string]("A0"), {}, newRef[string]("A2")},
		M:     map[string]*ref[int]{"two": {newRef[int]("in M, two").t}, "one": &one, "nil": nil},
		Pair:  [2]ref[int]{{}, newRef[int]("Pair1")},
		Outer: ref[ref[int]]{&typed[ref[int]]{task{id: "Outer"}, newRef[int]("inside")}},
		Next:  &holder{Z: newRef[int]("Next.Z")},
	}
	var found, written []string
	if err := p.EachRef(&in, func(n *Node) { found = append(found, named(n)) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"A0", "A2", "in M, one", "in M, two", "Z", "Next.Z", "Pair1", "Outer"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if _, err := p.Append(nil, &in, writer(func(n *Node) ([]byte, error) {
		written = append(written, named(n))
		return nil, nil
	})); err != nil || !slices.Equal(written, want) {
		t.Errorf("wrote %q, %v", written, err)
	}
}

type writer func(*Node) ([]byte, error)

func (w writer) WriteRef(n *Node) ([]byte, error) { return w(n) }

type reader func([]byte, reflect.Type) (*Node, error)

func (r reader) ReadRef(id []byte, t reflect.Type) (*Node, error) { return r(id, t) }

func TestEachRefWithoutRefs(t *testing.T) {
	if err := planOf[outer](t).EachRef(&outer{}, nil); err != nil {
		t.Error(err)
	}
}

func TestHasRefs(t *testing.T) {
	type loop struct {
		Kids []loop
		M    map[string][]*loop
	}
	type loopWithRef struct {
		loop
		Kids []*loopWithRef
		R    map[int]ref[int]
	}
	for typ, want := range map[reflect.Type]bool{
		reflect.TypeFor[int]():                     false,
		reflect.TypeFor[error]():                   false,
		reflect.TypeFor[outer]():                   false,
		reflect.TypeFor[loop]():                    false,
		reflect.TypeFor[loopWithRef]():             true,
		reflect.TypeFor[[]*loopWithRef]():          true,
		reflect.TypeFor[ref[string]]():             true,
		reflect.TypeFor[padded[string]]():          true,
		reflect.TypeFor[map[string][2]*ref[int]](): true,
	} {
		if p, err := Of(typ); err != nil || p.HasRefs() != want {
			t.Errorf("%v: %v, %v", typ, p.HasRefs(), err)
		}
	}
}

func TestWhatLooksLikeARef(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct{ t *inner }](),
		reflect.TypeFor[struct{ t task }](),
		reflect.TypeFor[struct{ t, u *task }](),
		reflect.TypeFor[struct{ t *int }](),
		reflect.TypeFor[struct{ t *struct{} }](),
	} {
		if _, err := Of(typ); err == nil {
			t.Errorf("%v has a plan", typ)
		}
	}
	if _, err := Of(reflect.TypeFor[struct{ ref[int] }]()); err == nil {
		t.Error("a Ref that can't be reached, since its type is embedded and unexported, has a plan")
	}
}

func TestRefErrors(t *testing.T) {
	p, r := planOf[[]ref[int]](t), []ref[int]{newRef[int]("id")}
	broken := errors.New("broken")
	long := []byte(strings.Repeat("x", maxRefID+1))
	good := encode(t, r)
	for _, c := range []struct {
		err  error
		want string
	}{
		{second(p.Append(nil, &r, nil)), "encode []ref[int][0]: a Ref can't stand here"},
		{second(p.Append(nil, &r, writer(func(*Node) ([]byte, error) { return nil, broken }))), "encode []ref[int][0]: write ref: broken"},
		{second(p.Append(nil, &r, writer(func(*Node) ([]byte, error) { return long, nil }))), "encode []ref[int][0]: write ref: an id of 65 bytes, at most 64 are allowed"},
		{p.Decode(good, &r, nil), "decode []ref[int][0]: a Ref can't stand here"},
		{p.Decode(good, &r, reader(func([]byte, reflect.Type) (*Node, error) { return nil, broken })), "decode []ref[int][0]: read ref: broken"},
		{p.Decode([]byte{0x81, 0x01}, &r, nil), "decode []ref[int][0]: found an integer, want a ref"},
		{p.Decode([]byte{0x81, 0xc0, 0x60}, &r, nil), "decode []ref[int][0]: found tag 0, want 1836213606, a ref"},
		{p.Decode(append(slices.Clone(good[:6]), 0x60), &r, nil), "decode []ref[int][0]: found a text string, want the id of a ref"},
		{p.Decode(append(append(slices.Clone(good[:6]), 0x58, 65), long...), &r, nil), "decode []ref[int][0]: found the id of a ref with 65 bytes, at most 64 are allowed"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf(" got %v\nwant %s", c.err, c.want)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func TestDiffOfRefs(t *testing.T) {
	a, b := newRef[int]("same id"), newRef[int]("same id")
	x, y := []ref[int]{a, {}}, []ref[int]{a, {}}
	p := planOf[[]ref[int]](t)
	if path := p.Diff(&x, &y); path != "" {
		t.Error("equal Refs differ at", path)
	}
	y[1] = b
	if path := p.Diff(&x, &y); path != "[1]" {
		t.Errorf("a Ref and none differ at %q", path)
	}
}
