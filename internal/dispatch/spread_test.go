package dispatch

import (
	"slices"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// give gives to as many nodes as it may, from a number on, and returns their batches' numbers.
func (s *Spread) give(from uint64, now time.Time) (numbers []uint64) {
	for s.May(now) {
		s.Give(from, now)
		numbers = append(numbers, from)
		from++
	}
	return numbers
}

func TestSpread(t *testing.T) {
	s := NewSpread(time.Second)
	now := time.Unix(1000, 0)
	next := uint64(1)
	step := func(what string, want int) (numbers []uint64) {
		t.Helper()
		numbers = s.give(next, now)
		next += uint64(len(numbers))
		if len(numbers) != want {
			t.Errorf("%s: %d nodes get something, want %d", what, len(numbers), want)
		}
		return numbers
	}
	first := step("at first", 1)
	step("nobody has answered", 0)
	if s.Taken(99) || !s.Taken(first[0]) || s.Taken(first[0]) {
		t.Error("what was taken ends a step once, and only what was given in it")
	}
	two := step("it was taken", 2)
	if !s.Taken(two[0]) {
		t.Error("half of a step is enough")
	}
	step("most were taken", 4)
	now = now.Add(time.Second)
	four := step("nobody has answered for long", 8)
	s.Refused(now)
	step("after a refusal", 0)
	if s.Taken(four[0]) {
		t.Error("what was given before a refusal doesn't count")
	}
	if next := s.Next(now); next.Sub(now) > minRefused {
		t.Errorf("it is tried again at %v", next)
	}
	now = now.Add(minRefused)
	step("some time later", 1)
	s.Refused(now)
	now = now.Add(minRefused)
	step("later and later", 0)
	now = now.Add(minRefused)
	one := step("twice as late", 1)
	s.Taken(one[0])
	s.Reset()
	step("what comes later", 1)
	if next := s.Next(now.Add(time.Second)); !next.IsZero() {
		t.Errorf("time alone changes something at %v", next)
	}
}

// TestContested: room that others have too comes last, by a preference that stays.
func TestContested(t *testing.T) {
	var l Lot
	order := map[string]uint64{"a": 5, "b": 1, "c": 3, "d": 9, "e": 8}
	for _, node := range []string{"a", "b", "c", "d", "e"} {
		l.Add(&Parked{Offer: protocol.Offer{Node: node, Shared: node != "d"}, Waits: node != "e", Order: order[node]})
	}
	names := func() (list []string) {
		all := l.All(nil)
		if sure := Contested(all); sure != 2 {
			t.Errorf("%d come before, want 2", sure)
		}
		for _, p := range all {
			list = append(list, p.Node)
		}
		return list
	}
	first := names()
	if want := []string{"d", "e", "b", "c", "a"}; !slices.Equal(first, want) {
		t.Errorf("the order is %v, want %v", first, want)
	}
	for _, node := range []string{"b", "a"} {
		l.Remove(node)
		l.Add(&Parked{Offer: protocol.Offer{Node: node, Shared: true}, Waits: true, Order: order[node]})
	}
	if got := names(); !slices.Equal(got, first) {
		t.Errorf("the order was %v and is %v", first, got)
	}
}

// TestUnsaid: who asks others is told once that there is nothing, whatever it offers again.
func TestUnsaid(t *testing.T) {
	var l Lot
	offer := func(cpu int64, shared bool) *Parked {
		p := &Parked{Offer: protocol.Offer{Node: "a", CPU: cpu, Shared: shared}}
		l.Add(p)
		return p
	}
	for _, c := range []struct {
		what   string
		cpu    int64
		shared bool
		want   bool
	}{
		{"places for I/O alone", 0, true, false},
		{"the first of CPUs", 1, true, true},
		{"it again", 2, true, false},
		{"one that others don't have", 2, false, false},
	} {
		if got := offer(c.cpu, c.shared).Unsaid(); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	l.Remove("a")
	if !offer(1, true).Unsaid() {
		t.Error("a new one after tasks isn't answered")
	}
}
