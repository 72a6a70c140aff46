package codec

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

type tree struct {
	Name string
	Next *tree
	Kids []tree
	M    map[string]*tree
	R    ref[int]
}

type (
	onlySlice   []onlySlice
	onlyMap     map[int]onlyMap
	onlyPointer *onlyPointer
)

func TestRecursiveTypes(t *testing.T) {
	same(t, tree{}, tree{Name: "a", Next: &tree{Name: "b"}, Kids: []tree{{}, {Name: "c", Kids: []tree{}}},
		M: map[string]*tree{"nil": nil, "d": {Name: "d", M: map[string]*tree{}}}})
	same(t, nil, onlySlice{}, onlySlice{nil, {}, {nil, {{}}}})
	same(t, nil, onlyMap{}, onlyMap{1: nil, 2: {3: {}}})
	var end onlyPointer
	one := onlyPointer(&end)
	same(t, nil, one, onlyPointer(&one))
}

func list(n int) *tree {
	var head *tree
	for range n {
		head = &tree{Next: head}
	}
	return head
}

func TestDeepValues(t *testing.T) {
	p := planOf[*tree](t)
	deep := list(maxDepth)
	if got := roundTripDeep(t, p, deep); got != maxDepth {
		t.Errorf("a list of %d became one of %d", maxDepth, got)
	}
	path := "*tree" + strings.Repeat(".Next", 12) + "..." + strings.Repeat(".Next", 12) + ": nested deeper than 10000 levels"
	million := list(1_000_000)
	if _, err := p.Append(nil, &million, nil); !errors.Is(err, errDeep) || err.Error() != "encode "+path {
		t.Error(err)
	}
	if err := p.EachRef(&million, func(*Node) {}); !errors.Is(err, errDeep) || err.Error() != "scan "+path {
		t.Error(err)
	}
	other := list(1_000_000)
	if path := p.Diff(&million, &other); path != "" {
		t.Error("equal lists differ at", path)
	}
}

func roundTripDeep(t *testing.T, p *Plan, head *tree) (length int) {
	data, err := p.Append(nil, &head, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out *tree
	if err := p.Decode(data, &out, nil); err != nil {
		t.Fatal(err)
	}
	if path := p.Diff(&head, &out); path != "" {
		t.Error("the copy differs at", path)
	}
	for ; out != nil; out = out.Next {
		length++
	}
	return length
}

func TestDeepData(t *testing.T) {
	for _, c := range []struct {
		name  string
		typ   reflect.Type
		level []byte
	}{
		{"slices", reflect.TypeFor[onlySlice](), []byte{0x81}},
		{"maps", reflect.TypeFor[onlyMap](), []byte{0xa1, 0x00}},
		{"pointers", reflect.TypeFor[onlyPointer](), []byte{0x81}},
		{"an error's data", reflect.TypeFor[error](), nil},
	} {
		data := bytes.Repeat(c.level, 5_000_000)
		if c.level == nil {
			data = append([]byte{0xda, 0x6d, 0x65, 0x72, 0x72, 0x85, 0x60, 0x60}, bytes.Repeat([]byte{0x81}, 5_000_000)...)
		}
		p, err := Of(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Decode(data, reflect.New(c.typ).Interface(), nil); err == nil {
			t.Errorf("%s: decoded", c.name)
		}
	}
}

// A cycle is reported by the shortest way to it and the way around.
func TestCycles(t *testing.T) {
	self := &tree{Name: "self"}
	self.Next = self
	around := &tree{Kids: make([]tree, 2)}
	around.Kids[1].M = map[string]*tree{"back": around}
	before := &tree{Next: &tree{Next: around}}
	beforeSelf := &tree{Next: &tree{Next: self}}
	slice := onlySlice{nil}
	slice[0] = slice
	maps := onlyMap{}
	maps[7] = maps
	var pointer onlyPointer
	pointer = &pointer
	for _, c := range []struct {
		value any
		want  string
	}{
		{&self, "*tree: the value has a cycle: .Next leads back to the same place"},
		{&around, `*tree: the value has a cycle: .Kids[1].M["back"] leads back to the same place`},
		{&before, `*tree.Next.Next: the value has a cycle: .Kids[1].M["back"] leads back to the same place`},
		{&beforeSelf, "*tree.Next.Next: the value has a cycle: .Next leads back to the same place"},
		{&slice, "onlySlice: the value has a cycle: [0] leads back to the same place"},
		{&maps, "onlyMap: the value has a cycle: [7] leads back to the same place"},
		{&pointer, "onlyPointer: the value has a cycle: the pointer leads back to the same place"},
	} {
		p, err := Of(reflect.TypeOf(c.value).Elem())
		if err != nil {
			t.Fatal(err)
		}
		dst := []byte("kept")
		got, err := p.Append(dst, c.value, nil)
		if !errors.Is(err, errCycle) || err.Error() != "encode "+c.want || string(got) != "kept" {
			t.Errorf(" got %v\nwant encode %s", err, c.want)
		}
		if path := p.Diff(c.value, c.value); path != "" {
			t.Errorf("%s: differs from itself at %s", c.want, path)
		}
		if !p.HasRefs() {
			continue
		}
		if err := p.EachRef(c.value, func(*Node) {}); !errors.Is(err, errCycle) || err.Error() != "scan "+c.want {
			t.Errorf(" got %v\nwant scan %s", err, c.want)
		}
	}
}

func TestDiffOfCycles(t *testing.T) {
	ring := func(name string) *tree {
		r := &tree{Name: "a", Next: &tree{Name: name}}
		r.Next.Next = r
		return r
	}
	a, b, c := ring("b"), ring("b"), ring("c")
	p := planOf[*tree](t)
	if path := p.Diff(&a, &b); path != "" {
		t.Error("equal rings differ at", path)
	}
	if path := p.Diff(&a, &c); path != ".Next.Name" {
		t.Errorf("rings differ at %q", path)
	}
}

// What pointers share takes 2^n places in a value of n levels.
func TestSharing(t *testing.T) {
	shared := &tree{R: newRef[int]("only")}
	for range 60 {
		shared = &tree{Next: shared, M: map[string]*tree{"again": shared}}
	}
	p := planOf[*tree](t)
	visits := 0
	if err := p.EachRef(&shared, func(*Node) { visits++ }); err != nil || visits != 1 {
		t.Errorf("%d visits, %v", visits, err)
	}
	if path := p.Diff(&shared, &shared); path != "" {
		t.Error("differs from itself at", path)
	}
	e := newEncoder(nil, table{})
	e.end = 1 << 20
	err := inside("encode", p.typ, p.shape.append(e, reflect.ValueOf(&shared).Elem()))
	if !errors.Is(err, errShared) {
		t.Error(err)
	}
}

func TestDeepTreesWithoutCycles(t *testing.T) {
	wide := list(trustedDepth * 2)
	for n := wide; n != nil; n = n.Next {
		n.Kids = []tree{{Name: "x"}, {Name: "y", Kids: []tree{}}}
	}
	same(t, wide)
}
