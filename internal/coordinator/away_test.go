package coordinator

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func anywhere(uint32) bool { return true }

// cpus is an offer of so many CPUs, I/O places, memory, and one of a resource more.
func cpus(n int64) []int64 { return []int64{n * Unit, 10, 1 << 30, Unit} }

func TestAwayTasksAreTakenAndNotGivenHere(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 7)
	if same := m.AwayNeed([]Amount{{CPU, Unit}, {Memory, 0}}, 7); same != need {
		t.Error("equal needs have two numbers")
	}
	if other := m.AwayNeed([]Amount{{CPU, Unit}}, 8); other == need {
		t.Error("classes share a need")
	}
	low := m.Submit(Spec{Need: need})
	high := m.Submit(Spec{Need: need, Priority: 1})
	if !m.AwayNews() || m.AwayNews() {
		t.Error("news come once")
	}
	if _, ok := m.Next(); ok {
		t.Fatal("Next gives a task that runs elsewhere")
	}
	free := cpus(1)
	if id, ok := m.Take(0, free, anywhere); !ok || id != high || free[CPU] != 0 {
		t.Fatal(id, ok, free)
	}
	if _, ok := m.Take(0, free, anywhere); ok {
		t.Error("nothing fits any more")
	}
	if _, ok := m.Take(0, cpus(1), func(class uint32) bool { return class != 7 }); ok {
		t.Error("the class doesn't suit")
	}
	if got, away := m.NeedOf(high); got != need || !away || m.Free(CPU) != Unit {
		t.Error("the session's own room is charged")
	}
	if id, ok := m.Take(0, cpus(1), anywhere); !ok || id != low {
		t.Error(id, ok)
	}
	for _, id := range []ID{low, high} {
		if out, _ := m.Finish(id, 1, Succeeded); out != Done {
			t.Error(out)
		}
	}
	if _, away := m.NeedOf(high); away || m.Len() != 0 {
		t.Error("something is left")
	}
}

func TestWatchAway(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 0)
	m.Submit(Spec{Need: need}) // nobody watches
	m.WatchAway(true)
	m.Submit(Spec{}) // runs here
	first := m.Submit(Spec{Need: need})
	later := m.Submit(Spec{Need: need, Deps: []ID{first}})
	second := m.Submit(Spec{Need: need})
	ready := m.ReadiedAway(nil, 1)
	if ready = m.ReadiedAway(ready, 9); !slices.Equal(ready, []ID{first, second}) {
		t.Error(ready, first, second)
	}
	if !m.Pick(first) {
		t.Fatal("it isn't ready")
	}
	m.Finish(first, 1, Succeeded)
	if ready := m.ReadiedAway(nil, 9); !slices.Equal(ready, []ID{later}) {
		t.Error(ready, later)
	}
	m.Submit(Spec{Need: need})
	m.WatchAway(false)
	if ready := m.ReadiedAway(nil, 9); len(ready) != 0 {
		t.Error(ready)
	}
}

func TestPacks(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 1)
	for range 20 {
		m.Submit(Spec{Need: need})
	}
	m.SetPack(need, 8)
	m.SetPack(0, 8) // not away: nothing
	free, n := cpus(2), 0
	for _, ok := m.Take(0, free, anywhere); ok; _, ok = m.Take(0, free, anywhere) {
		n++
	}
	if n != 16 {
		t.Errorf("%d tasks for two CPUs, packed by 8", n)
	}
}

// What shares a CPU isn't given out beside what doesn't, nor beside what shares it with more.
func TestPacksAreAlike(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	long, short, none := m.AwayNeed([]Amount{{CPU, Unit}}, 1), m.AwayNeed([]Amount{{CPU, Unit}}, 2), m.AwayNeed([]Amount{{IO, 1}}, 3)
	m.SetPack(short, 4)
	first := m.Submit(Spec{Need: long})
	for range 4 {
		m.Submit(Spec{Need: short})
	}
	waits := m.Submit(Spec{Need: none})
	free := append(cpus(2), 0)
	free[IO] = 1
	if id, ok := m.Take(0, free, anywhere); !ok || id != first || m.PackOf(id) != 1 {
		t.Fatal(id, ok)
	}
	if id, ok := m.Take(1, free, anywhere); !ok || id != waits || m.PackOf(id) != 0 {
		t.Error(id, ok)
	}
	if id, ok := m.Take(1, free, anywhere); ok {
		t.Error("a task of a pack is given out beside a long one:", id)
	}
	if id, ok := m.Take(4, free, anywhere); !ok || m.PackOf(id) != 4 {
		t.Error(id, ok)
	}
	if m.PackOf(0) != 0 {
		t.Error("no task shares a CPU")
	}
}

// What is to be passed over stays ready, and what needs no CPU, or something else too, isn't asked about.
func TestPassFar(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	gpu := m.AddDim()
	short, none := m.AwayNeed([]Amount{{CPU, Unit}}, 1), m.AwayNeed([]Amount{{IO, 1}}, 2)
	both := m.AwayNeed([]Amount{{CPU, Unit}, {gpu, Unit}}, 3)
	m.SetPack(short, 4)
	m.SetPack(both, 4)
	passed, waits, needsBoth := m.Submit(Spec{Need: short}), m.Submit(Spec{Need: none}), m.Submit(Spec{Need: both})
	free := []int64{Unit, 1, 0, Unit}
	m.PassFar(func(need NeedID, pack int) bool {
		if need != short || pack != 4 {
			t.Errorf("asked about need %d, packs of %d", need, pack)
		}
		return true
	})
	for _, want := range []ID{waits, needsBoth} {
		if id, ok := m.Take(0, free, anywhere); !ok || id != want {
			t.Error(id, ok, want)
		}
	}
	if id, ok := m.Take(0, free, anywhere); ok {
		t.Error("it wasn't passed over:", id)
	}
	m.PassFar(nil)
	if id, ok := m.Take(0, free, anywhere); !ok || id != passed {
		t.Error(id, ok)
	}
}

func TestGiveBackDoesNotCount(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 1)
	id := m.Submit(Spec{Need: need, Retries: 1})
	for attempt := 1; attempt <= 3; attempt++ {
		if _, ok := m.Take(0, cpus(1), anywhere); !ok {
			t.Fatal("it isn't ready again")
		}
		if out, _ := m.GiveBack(id, attempt+1, false); out != Ignored {
			t.Error("another attempt's end counts:", out)
		}
		m.Block(id)
		if out, _ := m.GiveBack(id, attempt, false); out != Retry {
			t.Error(out)
		}
	}
	m.Take(0, cpus(1), anywhere)
	if out, _ := m.Finish(id, 4, Error); out != Retry {
		t.Error("attempts that were given back count against the retries:", out)
	}
	m.Due(id, 4)
	m.Take(0, cpus(1), anywhere)
	m.Cancel(id, 9)
	if acts := m.Actions(); len(acts) != 1 || acts[0].Verb != Interrupt {
		t.Error(acts)
	}
	if out, why := m.GiveBack(id, 5, false); out != Canceled || why != 9 || m.Len() != 0 {
		t.Error(out, why)
	}
}

// A task of the machine's own room can be given back too, from each state in which it runs; its room is free again.
func TestGiveBackFreesItsRoom(t *testing.T) {
	for name, reach := range map[string]func(m *Machine, id ID){
		"running": func(*Machine, ID) {},
		"blocked": func(m *Machine, id ID) { m.Block(id, Outside) },
		"resuming": func(m *Machine, id ID) {
			m.Block(id, Outside)
			m.Submit(Spec{Priority: 1})
			if _, ok := m.Next(); !ok || m.Unblock(id) {
				t.Error("no other task has the CPU")
			}
		},
	} {
		m := New([]int64{Unit, 1, 10})
		need, err := m.Need([]Amount{{CPU, Unit}, {Memory, 7}})
		if err != nil {
			t.Fatal(err)
		}
		id := m.Submit(Spec{Need: need})
		if got, ok := m.Next(); got != id || !ok {
			t.Fatal("it isn't given out")
		}
		reach(m, id)
		if out, _ := m.GiveBack(id, 1, false); out != Retry {
			t.Errorf("%s: %v", name, out)
		}
		if other, ok := m.Next(); name == "resuming" && ok || name != "resuming" && (other != id || m.Attempt(id) != 2) {
			t.Errorf("%s: %v is given out, %v", name, other, ok)
		}
		if out, _ := m.Finish(id, 1, Succeeded); out != Ignored {
			t.Errorf("%s: the end of an attempt that was given back counts", name)
		}
	}
}

func TestAwayTasksThatWaitGoOnAtOnce(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}}, 1)
	parent := m.Submit(Spec{Need: need})
	m.Take(0, cpus(1), anywhere)
	child := m.Submit(Spec{Need: need, Depth: 1})
	m.Block(parent, child)
	if m.State(parent) != Blocked {
		t.Error(m.State(parent))
	}
	m.Take(0, cpus(1), anywhere)
	m.Finish(child, 1, Succeeded)
	if !m.Unblock(parent) || m.State(parent) != Running {
		t.Error("who runs elsewhere needs no CPU here")
	}
	m.Block(parent)
	if out, _ := m.Finish(parent, 1, Succeeded); out != Done || m.Free(CPU) != Unit {
		t.Error(out)
	}
}

func TestRefuse(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	gpu := m.AddDim()
	need := m.AwayNeed([]Amount{{gpu, 2 * Unit}}, 1)
	for range 3 {
		m.Submit(Spec{Need: need})
	}
	if _, ok := m.Take(0, cpus(1), anywhere); ok {
		t.Error("nobody has two")
	}
	seen := 0
	m.EachAway(func(id NeedID, amounts []Amount, class uint32, first ID) {
		seen++
		if id != need || len(amounts) != 1 || class != 1 || m.State(first) != Ready {
			t.Error(id, amounts, class, first)
		}
	})
	m.Refuse(need)
	acts := m.Actions()
	for _, a := range acts {
		if a.Verb != Settle || a.Outcome != Unfit {
			t.Error(a)
		}
	}
	if seen != 1 || len(acts) != 3 || m.Len() != 0 {
		t.Error(seen, acts)
	}
}

// TestAwayRandom plays random events of tasks here and elsewhere: none is lost, none ends twice, and what is offered is
// never exceeded.
func TestAwayRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New([]int64{2 * Unit, 10, 1 << 30})
		m.AddDim()
		needs := []NeedID{
			0, m.AwayNeed([]Amount{{CPU, Unit}}, 1), m.AwayNeed([]Amount{{CPU, Unit / 2}, {Memory, 1 << 20}}, 2),
			m.AwayNeed([]Amount{{IO, 1}}, 3),
		}
		running := map[ID]bool{}
		ended, submitted := 0, 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "event") {
			case 0, 1:
				m.Submit(Spec{
					Need: rapid.SampledFrom(needs).Draw(t, "need"), Retries: uint16(rapid.IntRange(0, 2).Draw(t, "retries")),
					Priority: int32(rapid.IntRange(0, 2).Draw(t, "priority")),
				})
				submitted++
			case 2:
				free := cpus(int64(rapid.IntRange(0, 3).Draw(t, "cpus")))
				m.SetPack(needs[1], rapid.IntRange(0, 300).Draw(t, "pack"))
				for id, ok := m.Take(0, free, anywhere); ok; id, ok = m.Take(0, free, anywhere) {
					running[id] = true
				}
				for d, n := range free {
					if n < 0 {
						t.Fatalf("dimension %d is overdrawn: %d", d, n)
					}
				}
			case 3:
				if id, ok := m.Next(); ok {
					running[id] = true
				}
			default:
				if len(running) > 0 {
					step(t, m, slices.Min(slices.Collect(maps.Keys(running))), running, &ended)
				}
			}
			for _, a := range m.Actions() {
				if a.Verb == Settle {
					ended++
					delete(running, a.ID)
				}
			}
		}
		if m.Len()+ended != submitted {
			t.Fatalf("%d are there and %d have ended of %d", m.Len(), ended, submitted)
		}
	})
}

// step does something to a task that runs.
func step(t *rapid.T, m *Machine, id ID, running map[ID]bool, ended *int) {
	attempt := m.Attempt(id)
	var out Outcome
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		out, _ = m.Finish(id, attempt, Succeeded)
	case 1:
		out, _ = m.Finish(id, attempt, Error)
	case 2:
		if _, away := m.NeedOf(id); !away {
			return
		}
		out, _ = m.GiveBack(id, attempt, rapid.Bool().Draw(t, "first"))
	case 3:
		m.Block(id)
		m.Unblock(id)
		return
	default:
		m.Cancel(id, 1)
		return
	}
	switch out {
	case Retry:
		delete(running, id)
		m.Due(id, attempt)
	case Ignored:
		t.Fatal("a running attempt's end is ignored")
	default:
		delete(running, id)
		*ended++
	}
}

// TestPick: a task is given out whatever its place and whatever is free, once it is ready or waits for its next attempt.
func TestPick(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	need := m.AwayNeed([]Amount{{CPU, Unit}, {Memory, 5}}, 0)
	first := m.Submit(Spec{Need: need, Retries: 3})
	second := m.Submit(Spec{Need: need})
	waits := m.Submit(Spec{Need: need, Deps: []ID{first}})
	here := m.Submit(Spec{})
	for _, id := range []ID{waits, here, 0, makeID(77, 1)} {
		if m.Pick(id) {
			t.Errorf("%v is picked", m.State(id))
		}
	}
	if !m.Pick(second) || m.State(second) != Running || m.Attempt(second) != 1 || m.Pick(second) {
		t.Error("the second isn't picked once")
	}
	if out, _ := m.Finish(second, 1, Succeeded); out != Done {
		t.Error(out)
	}
	if id, ok := m.Take(0, cpus(1), anywhere); !ok || id != first {
		t.Fatal(id, ok)
	}
	if out, _ := m.Finish(first, 1, Error); out != Retry || !m.Pick(first) || m.Attempt(first) != 2 {
		t.Error("it isn't picked in its pause")
	}
	m.Due(first, 1) // the pause would have ended now
	if m.State(first) != Running {
		t.Error(m.State(first))
	}
	if out, _ := m.Finish(first, 2, Succeeded); out != Done || m.State(waits) != Ready || len(m.farHold) != 0 {
		t.Error(out, m.State(waits), m.farHold)
	}
}
