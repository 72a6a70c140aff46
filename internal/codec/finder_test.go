package codec

import (
	"reflect"
	"testing"
)

type localArg struct {
	call  func()
	refs  []ref[int]
	byKey map[string]*localArg
	next  *localArg
	other ref[string]
}

func TestFinderWalksTypesThatCantLeaveTheProcess(t *testing.T) {
	a, b, c := &typed[int]{}, &typed[int]{}, &typed[string]{}
	v := localArg{call: func() {}, refs: []ref[int]{{t: a}, {}}, other: ref[string]{t: c}}
	v.next = &v // a cycle
	v.byKey = map[string]*localArg{"x": {refs: []ref[int]{{t: b}}}}

	f := FinderOf(reflect.TypeFor[localArg]())
	if !f.HasRefs() {
		t.Fatal("HasRefs is false")
	}
	found := map[*Node]int{}
	if err := f.EachRef(&v, func(n *Node) { found[n]++ }); err != nil {
		t.Fatal(err)
	}
	if len(found) != 3 {
		t.Fatalf("found %d Refs, want 3", len(found))
	}
}

func TestFinderIsThePlanWhereThereIsOne(t *testing.T) {
	if _, ok := FinderOf(reflect.TypeFor[[]ref[int]]()).(*Plan); !ok {
		t.Fatal("not a Plan")
	}
	if FinderOf(reflect.TypeFor[chan int]()).HasRefs() {
		t.Fatal("a channel holds a Ref")
	}
}
