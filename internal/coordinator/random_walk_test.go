package coordinator

import (
	"errors"
	"slices"

	"pgregory.net/rapid"
)

// walk is one run: a Machine, the model, and a record of how each task ended.
type walk struct {
	*rapid.T
	m        *Machine
	w        *world
	needs    [][]int64 // by NeedID
	scopes   []ScopeID // open, and zero
	all      []ID      // ever submitted
	states   map[ID]State
	recorded map[ID]Outcome
	seen     map[arrow]int
	cycles   bool // functions may wait for each other
	steps    int
}

// walkNeeds are the needs of the tasks of a run, as far as they fit its totals.
var walkNeeds = [][]Amount{
	{{CPU, Unit / 2}}, {{CPU, 2 * Unit}}, {{CPU, 3 * Unit}}, {}, {{IO, 1}}, {{FirstNamed, Unit}}, {{FirstNamed, 2 * Unit}},
	{{CPU, Unit}, {FirstNamed, Unit}}, {{CPU, Unit}, {FirstNamed + 1, Unit}}, {{FirstNamed, Unit}, {FirstNamed + 1, Unit}},
	{{CPU, Unit}, {Memory, 60}}, {{CPU, Unit / 2}, {Memory, 30}, {IO, 1}}, {{CPU, Unit}, {FirstNamed, Unit / 3}},
}

func newWalk(t *rapid.T, seen map[arrow]int) *walk {
	total := []int64{Unit * int64(rapid.IntRange(1, 4).Draw(t, "cpus")), 2, 100, Unit * int64(rapid.IntRange(1, 3).Draw(t, "gpus")), Unit}
	w := &walk{
		T: t, m: New(total), w: &world{total: slices.Clone(total)}, scopes: []ScopeID{0},
		states: map[ID]State{}, recorded: map[ID]Outcome{}, seen: seen,
	}
	w.cycles = w.chance("cycles", 3)
	w.w.bear = w.number("patience", 1, 4)
	w.m.patience = uint8(w.w.bear)
	w.needs = append(w.needs, w.vector([]Amount{{CPU, Unit}}))
	for _, amounts := range walkNeeds {
		id, err := w.m.Need(amounts)
		fits := !slices.ContainsFunc(amounts, func(a Amount) bool { return a.N > total[a.Dim] })
		switch unfit := (*UnfitError)(nil); {
		case fits && err == nil && int(id) == len(w.needs):
			w.needs = append(w.needs, w.vector(amounts))
		case fits || !errors.As(err, &unfit):
			t.Fatalf("need %v: %d, %v", amounts, id, err)
		}
	}
	return w
}

func (w *walk) vector(amounts []Amount) []int64 {
	v := make([]int64, len(w.w.total))
	for _, a := range amounts {
		v[a.Dim] = a.N
	}
	return v
}

// check compares the Machine with the model after an event, and both with what must always hold.
func (w *walk) check(event string, args ...any) {
	w.steps++
	w.compareActions(event)
	for _, t := range w.w.tasks {
		if s, n, a := w.m.State(t.id), w.m.Number(t.id), w.m.Attempt(t.id); s != t.state || n != t.num || a != t.attempt {
			w.Fatalf("%s %v: task %d is %v, number %d, attempt %d; want %v, %d, %d", event, args, t.num, s, n, a, t.state, t.num, t.attempt)
		}
		if _, twice := w.recorded[t.id]; twice {
			w.Fatalf("%s %v: task %d has ended and is %v", event, args, t.num, t.state)
		}
	}
	for _, t := range w.w.all() {
		if r := w.m.lookup(t.id); r == nil || r.priority != t.prio || r.state != t.state {
			w.Fatalf("%s %v: %+v, want the priority and state of %+v", event, args, r, t)
		}
	}
	if w.m.Len() != len(w.w.tasks) || len(w.all) != len(w.w.tasks)+len(w.recorded) {
		w.Fatalf("%s %v: of %d tasks %d have ended and %d (%d) have not", event, args, len(w.all), len(w.recorded), w.m.Len(), len(w.w.tasks))
	}
	for d := range w.w.total {
		if free := w.m.Free(Dim(d)); free != w.w.free(d) {
			w.Fatalf("%s %v: %d of dimension %d is free, want %d", event, args, free, d, w.w.free(d))
		}
	}
	if err := structureError(w.m); err != nil {
		w.Fatalf("%s %v: %v", event, args, err)
	}
	w.transitions(event)
}

// compareActions takes the actions of an event and compares them with the model's. Their order is free, except that a task's
// own stay in order and that a dependency is settled before what fails because of it.
func (w *walk) compareActions(event string) {
	got, want := slices.Clone(w.m.Actions()), w.w.acts
	w.w.acts = nil
	for i, a := range got {
		if a.Verb != Settle {
			continue
		}
		if a.Outcome == DepFailed {
			if out, ended := w.recorded[a.Because]; !ended || out == Done {
				w.Fatalf("%s: a task fails because of task %#x, whose outcome is %d", event, a.Because, out)
			}
		}
		w.end(a.ID, a.Outcome)
		got[i].Because = 0
	}
	byID := func(a, b Action) int { return a.ID.Index() - b.ID.Index() }
	slices.SortStableFunc(got, byID)
	slices.SortStableFunc(want, byID)
	if !slices.Equal(got, want) {
		w.Fatalf("%s:\n got %+v\nwant %+v", event, got, want)
	}
}

// end records how a task ended.
func (w *walk) end(id ID, out Outcome) {
	if was, twice := w.recorded[id]; twice || !slices.Contains(w.all, id) {
		w.Fatalf("task %#x ends with outcome %d after %d", id, out, was)
	}
	w.recorded[id] = out
}

func (w *walk) transitions(event string) {
	for id, was := range w.states {
		now := w.m.State(id)
		if now == was {
			continue
		}
		w.passed(event, arrow{was, now})
		w.states[id] = now
		if now == Free {
			delete(w.states, id)
		}
	}
}

func (w *walk) passed(event string, a arrow) {
	if _, ok := arrows[a]; !ok {
		w.Fatalf("%s: a task went from %v to %v", event, a.from, a.to)
	}
	w.seen[a]++
}
