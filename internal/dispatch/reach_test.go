package dispatch

import (
	"testing"
	"time"
)

// Tasks that take a microsecond are enough on a node or two, and those that take a millisecond may go everywhere.
func TestReach(t *testing.T) {
	for _, c := range []struct{ nodes, pack, suffice int }{
		{1000, 2048, 1}, {1000, 2000, 2}, {1000, 200, 11}, {1000, 20, 103}, {1000, 3, 683}, {1000, 2, -1}, {1000, 1, -1},
	} {
		var r Reach
		if r.Suffices(c.pack, 0) {
			t.Errorf("packs of %d have nodes enough without any", c.pack)
		}
		got := -1
		for i := 1; i <= c.nodes && got < 0; i++ {
			if r.Give(string(rune(i)), reachUnit, 5, 0); r.Suffices(c.pack, 0) {
				got = i
			}
		}
		if got != c.suffice {
			t.Errorf("packs of %d have nodes enough with %d, want %d", c.pack, got, c.suffice)
		}
	}
}

// A node that has nothing between two batches counts for a while, by how long it had something.
func TestReachFades(t *testing.T) {
	now := time.Duration(0)
	var r Reach
	for range 200 { // it has some for 90 of 100 ms
		a := r.Give("a", 2*reachUnit, 1, now)
		if r.Give("a", reachUnit, 1, now) != a {
			t.Fatal("it counts as two nodes")
		}
		now += 90 * time.Millisecond
		if a.End() || !a.End() {
			t.Fatal("its last task isn't the second")
		}
		a.Leave(now)
		now += 10 * time.Millisecond
	}
	if !r.Suffices(2048, now) {
		t.Error("what a node has again and again counts only while it has it")
	}
	if now += time.Second; r.Suffices(2048, now) {
		t.Error("it counts for long")
	}
	if len(r.nodes) != 0 || r.cpus != 0 {
		t.Errorf("%d nodes of %d CPUs have something", len(r.nodes), r.cpus)
	}
}

// Nodes that have none for long don't count, however many CPUs they had.
func TestReachOfNodesThatAreGone(t *testing.T) {
	var r Reach
	r.Give("a", 1000*reachUnit, 1, 0)
	now := 10 * time.Second
	if !r.Suffices(2048, now) {
		t.Fatal("a thousand CPUs aren't enough")
	}
	r.Give("a", reachUnit, 0, now).Leave(now)
	if now += reachIdle; !r.Suffices(2048, now) {
		t.Error("a node that has nothing for a moment doesn't count")
	}
	if now++; r.Suffices(2048, now) {
		t.Error("a node that has nothing for long counts")
	}
}
