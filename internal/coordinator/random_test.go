package coordinator

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestRandom drives a Machine and the model beside it with random events, compares them after each one, and at the end
// of each run lets everything come to its end.
func TestRandom(t *testing.T) {
	const runs, stepsPerRun, atLeast = 300, 450, 100_000
	const rare = 4 // ways that chance may leave out; TestTransitions goes each of them
	setFlag(t, "rapid.checks", runs)
	setFlag(t, "rapid.steps", stepsPerRun)
	steps := 0
	seen := map[arrow]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt, seen)
		rt.Repeat(w.actions())
		steps += w.steps
		w.drain()
	})
	want := atLeast
	if testing.Short() {
		want /= 2 // as rapid does
	}
	if steps < want {
		t.Errorf("%d steps were made, fewer than %d", steps, want)
	}
	var unseen []arrow
	for a := range arrows {
		if seen[a] == 0 {
			unseen = append(unseen, a)
		}
	}
	if len(unseen) > rare {
		t.Errorf("no task went these ways: %v", unseen)
	}
	t.Logf("%d steps", steps)
}

// setFlag sets a flag of rapid for the test, unless the command line has.
func setFlag(t *testing.T, name string, n int) {
	f := flag.Lookup(name)
	was := f.Value.String()
	if was != f.DefValue {
		return
	}
	t.Cleanup(func() { _ = f.Value.Set(was) })
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}
