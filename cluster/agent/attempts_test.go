package agent

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

// What was put is there until it is removed, also where attempts of one task stand beside each other.
func TestAttempts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l attempts
		want := map[protocol.Attempt]*held{}
		draw := func(t *rapid.T) protocol.Attempt {
			task := rapid.SampledFrom([]uint64{0, 1, 63, 64, 1<<32 + 1, 1<<32 + 64, 1<<64 - 1}).Draw(t, "task")
			return protocol.Attempt{Task: task, N: rapid.Uint32Range(0, 3).Draw(t, "n")}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				at := draw(t)
				if want[at] == nil {
					want[at] = &held{}
					l.put(at, want[at])
				}
			},
			"remove": func(t *rapid.T) {
				at := draw(t)
				if got := l.remove(at); got != want[at] {
					t.Fatalf("removed %p, want %p", got, want[at])
				}
				delete(want, at)
			},
			"remove some of all": func(t *rapid.T) {
				for at := range l.all() {
					if at.N%2 == 0 {
						l.remove(at)
						delete(want, at)
					}
				}
			},
			"clear": func(*rapid.T) {
				l.clear()
				clear(want)
			},
			"": func(t *rapid.T) {
				if l.len() != len(want) || !maps.Equal(maps.Collect(l.all()), want) {
					t.Fatalf("%v, want %v", maps.Collect(l.all()), want)
				}
				if at := draw(t); l.get(at) != want[at] {
					t.Fatalf("found %p, want %p", l.get(at), want[at])
				}
			},
		})
	})
}
