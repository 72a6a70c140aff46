package coordinator

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsGivenBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		back  []int // in this order
		first bool
		want  []int
	}{
		{"first of its priority, in the order in which it comes back", []int{1, 0}, true, []int{4, 1, 0, 3, 2}},
		{"behind", []int{1, 0}, false, []int{4, 3, 2, 1, 0}},
		{"before none of a higher priority", []int{0}, true, []int{4, 0, 3, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New([]int64{Unit, 1, 1})
			need := m.AwayNeed([]Amount{{CPU, Unit}}, 0)
			ids := []ID{m.Submit(Spec{Need: need}), m.Submit(Spec{Need: need})}
			for range ids {
				m.Take(0, cpus(1), anywhere)
			}
			ids = append(ids, m.Submit(Spec{Need: need}), m.Submit(Spec{Need: need, Depth: 3}), m.Submit(Spec{Need: need, Priority: 1}))
			for _, i := range c.back {
				m.GiveBack(ids[i], 1, c.first)
			}
			var got []int
			for id, ok := m.Take(0, cpus(1), anywhere); ok; id, ok = m.Take(0, cpus(1), anywhere) {
				got = append(got, slices.Index(ids, id))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("given out in the order %v, want %v", got, c.want)
			}
		})
	}
}

// A task keeps its turn once: when its attempt fails it goes behind.
func TestATurnIsKeptOnce(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 0)
	a, b := m.Submit(Spec{Need: need, Retries: 1}), m.Submit(Spec{Need: need})
	m.Take(0, cpus(1), anywhere)
	m.GiveBack(a, 1, true)
	if id, _ := m.Take(0, cpus(1), anywhere); id != a {
		t.Fatal("it isn't the first")
	}
	m.Finish(a, 2, Error)
	m.Due(a, 2)
	if id, _ := m.Take(0, cpus(1), anywhere); id != b {
		t.Error("it is the first again")
	}
}

// TestTurnsHold: whatever is given back in whatever order, tasks are given out by priority, then by turns that were kept,
// then by depth, then as they came, and each once.
func TestTurnsHold(t *testing.T) {
	type known struct {
		id          ID
		prio, depth int
		turn, since int
	}
	rapid.Check(t, func(t *rapid.T) {
		m := New([]int64{Unit, 1, 1})
		need := m.AwayNeed([]Amount{{CPU, Unit}}, 0)
		var ready, running []known
		steps := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			steps++
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				k := known{prio: rapid.IntRange(-1, 1).Draw(t, "prio"), depth: rapid.IntRange(0, 2).Draw(t, "depth"), since: steps}
				k.id = m.Submit(Spec{Need: need, Priority: int32(k.prio), Depth: uint32(k.depth)})
				ready = append(ready, k)
			case 2:
				if id, ok := m.Take(0, cpus(1), anywhere); ok {
					slices.SortFunc(ready, func(a, b known) int {
						return cmp.Or(b.prio-a.prio, b.turn-a.turn, b.depth-a.depth, a.since-b.since)
					})
					if id != ready[0].id {
						t.Fatalf("task %d is given out, and %d was the first", m.Number(id), m.Number(ready[0].id))
					}
					running, ready = append(running, ready[0]), ready[1:]
				} else if len(ready) > 0 {
					t.Fatal("nothing is given out, and something is ready")
				}
			default:
				if len(running) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				k := running[i]
				running = slices.Delete(running, i, i+1)
				first := rapid.Bool().Draw(t, "first")
				if out, _ := m.GiveBack(k.id, m.Attempt(k.id), first); out != Retry {
					t.Fatal(out)
				}
				if k.turn = 0; first {
					k.turn = 1
				}
				k.since = steps
				ready = append(ready, k)
			}
		}
	})
}
