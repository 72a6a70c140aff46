package engine

import (
	"testing"

	"github.com/musterrun/muster/internal/coordinator"
)

// A task keeps its turn a few times, and not if it may have killed what it ran in.
func TestTurnsAreKeptAFewTimes(t *testing.T) {
	for _, c := range []struct {
		rec  *record
		want bool
	}{
		{nil, true}, {&record{}, true}, {&record{nodes: map[uint32]string{1: "a", 2: "a"}}, true},
		{&record{nodes: map[uint32]string{1: "a", 2: "a", 3: "b"}}, false}, {&record{suspect: true}, false},
	} {
		s := &Session{}
		if c.rec != nil {
			s.carried.records = map[coordinator.ID]*record{7: c.rec}
		}
		if got := s.keepsTurn(7); got != c.want {
			t.Errorf("with %+v: %v", c.rec, got)
		}
	}
}
