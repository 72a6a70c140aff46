package dispatch

import "testing"

func TestBirths(t *testing.T) {
	var b Births
	for i, step := range []struct {
		node          string
		life          uint64
		reborn, stale bool
	}{
		{"a", 7, false, false}, // its first
		{"a", 7, false, false},
		{"b", 9, false, false},
		{"a", 0, false, false}, // of an agent that doesn't say
		{"a", 8, true, false},
		{"a", 7, false, true}, // was on its way for long
		{"a", 8, false, false},
		{"b", 9, false, false},
	} {
		if reborn, stale := b.Of(step.node, step.life); reborn != step.reborn || stale != step.stale {
			t.Errorf("step %d: reborn %v, stale %v", i, reborn, stale)
		}
	}
	if got := b.Take(); len(got) != 1 || got[0] != "a" || b.Take() != nil {
		t.Errorf("reborn: %v", got)
	}
}
