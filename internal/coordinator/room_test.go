package coordinator

import (
	"errors"
	"math"
	"testing"
)

var roomCases = []script{
	{"a need is charged from Next to the end", `
		submit x need=cpu:0.25+memory:60+disk:1 | x ready
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
		next = x | x running
		free = cpu:0.75 io:1 memory:40 gpu:1 disk:0
		holders memory = x
		finish x 1 ok = done | x over
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
	`},
	{"only CPU is lent", `
		submit x need=cpu:1+io:1+gpu:0.5 | x ready
		next = x | x running
		block x none | x blocked
		free = cpu:1 io:0 memory:100 gpu:0.5 disk:1
		submit y need=gpu:0.5 | y ready
		next = y | y running
		holders gpu = x y
		unblock x = true | x running
		free = cpu:0 io:0 memory:100 gpu:0 disk:1
	`},
	{"a retry gives room back", `
		submit x need=gpu:1 retries=1 | x ready
		submit y need=gpu:1 | y ready
		next = x | x running
		next = none
		finish x 1 error = retry | x backoff
		next = y | y running
		due x 1 | x ready
		next = none
		finish y 1 ok = done | y over
		next = x | x running
	`},
	{"a need of nothing always fits", `
		submit a | a ready
		submit x need=nothing | x ready
		next = a | a running
		next = x | x running
		block x none | x blocked
		unblock x = true | x running
		free = cpu:0 io:1 memory:100 gpu:1 disk:1
	`},
	{"a value needs nothing", `
		submit v value need=gpu:1 : join v | v joining
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
		finish v 0 ok = done | v over
		free = cpu:1 io:1 memory:100 gpu:1 disk:1
	`},
}

func TestRoom(t *testing.T) {
	for _, c := range roomCases {
		t.Run(c.name, func(t *testing.T) { newPlayer(t).play(c.text) })
	}
}

func TestNeed(t *testing.T) {
	m := New([]int64{2 * Unit, 4, 100, Unit})
	for _, c := range []struct {
		name    string
		amounts []Amount
		want    NeedID
	}{
		{"one CPU is number zero", []Amount{{CPU, Unit}}, 0},
		{"a new one", []Amount{{CPU, Unit}, {FirstNamed, 1}}, 1},
		{"in another order", []Amount{{FirstNamed, 1}, {CPU, Unit}}, 1},
		{"with zero and negative amounts", []Amount{{IO, 0}, {Memory, -1}, {FirstNamed, 1}, {CPU, Unit}}, 1},
		{"nothing", nil, 2},
		{"less than nothing", []Amount{{CPU, -Unit}}, 2},
		{"all there is", []Amount{{CPU, 2 * Unit}, {IO, 4}, {Memory, 100}, {FirstNamed, Unit}}, 3},
	} {
		if got, err := m.Need(c.amounts); err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

func TestUnfit(t *testing.T) {
	m := New([]int64{Unit, 4, 100, Unit})
	_, err := m.Need([]Amount{{CPU, Unit}, {Memory, 101}})
	var unfit *UnfitError
	if !errors.As(err, &unfit) || *unfit != (UnfitError{Memory, 101, 100}) {
		t.Fatalf("Need: %v", err)
	}
	if want := "dimension 2: needs 101 of 100"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	m.Limit(Memory, 200)
	if _, err := m.Need([]Amount{{Memory, 101}}); err != nil {
		t.Errorf("after Limit: %v", err)
	}
	if free := m.Free(Memory); free != 200 {
		t.Errorf("%d free", free)
	}
}

// Needs without a task are forgotten, whatever their number; those that a task has are not.
func TestNeedsAreForgotten(t *testing.T) {
	m := New([]int64{Unit, 0, math.MaxInt64})
	need := func(n int64) NeedID {
		id, err := m.Need([]Amount{{Memory, n}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	kept := m.Submit(Spec{Need: need(1)})
	again := need(2)
	for n := range int64(100_000) {
		id := m.Submit(Spec{Need: need(n + 10)})
		if n%2 == 0 {
			m.Cancel(id, 1)
		} else if first, ok := m.Next(); ok && first != kept {
			m.Finish(first, 1, Succeeded)
		}
		m.Actions()
		if n == 10 && need(2) != again {
			t.Error("a need that was used a moment ago was forgotten")
		}
	}
	if n := len(m.needs); n > keptNeeds+5 {
		t.Errorf("%d needs are left", n)
	}
	if id := need(1); id != m.lookup(kept).need {
		t.Error("the need of a live task was forgotten")
	}
	if err := structureError(m); err != nil {
		t.Error(err)
	}
}
