package coordinator

import (
	"slices"
	"testing"
)

// What the Machine says about tasks that run elsewhere.
func TestQueriesOfAwayTasks(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	if m.ForgottenNeeds() != 0 {
		t.Error("needs are forgotten")
	}
	amounts := []Amount{{CPU, Unit}, {Memory, 5}}
	need := m.AwayNeed(amounts, 3)
	if got, class := m.AmountsOf(need); !slices.Equal(got, amounts) || class != 3 {
		t.Error(got, class)
	}
	if m.FirstOf(need) != 0 {
		t.Error("a need without tasks has a first one")
	}
	first := m.Submit(Spec{Need: need})
	m.Submit(Spec{Need: need})
	m.Submit(Spec{Need: need})
	here := m.Submit(Spec{})
	if m.FirstOf(need) != first || !m.FitsFar(need, cpus(1)) || m.FitsFar(need, cpus(0)) {
		t.Error("the first one isn't the first submitted, or fits wrongly")
	}
	if id, ok := m.Take(0, cpus(1), anywhere); !ok || id != first {
		t.Fatal(id, ok)
	}
	if n := m.ReadyFar(first); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
	if n := m.CPUOf(first); n != Unit {
		t.Errorf("it needs %d of a CPU", n)
	}
	offered := cpus(1)
	never := func(uint32) bool { return false }
	if m.Spend(first, offered, never) || m.Spend(here, offered, anywhere) || m.Spend(0, offered, anywhere) {
		t.Error("an offer is spent on what can't have it")
	}
	if !m.Spend(first, offered, anywhere) || offered[CPU] != 0 || offered[Memory] != 1<<30-5 || m.Spend(first, offered, anywhere) {
		t.Error("the offer is", offered)
	}
	if m.ReadyFar(0) != 0 || m.CPUOf(0) != 0 {
		t.Error("no task has something")
	}
}

// Last tells of a task until its record is used again.
func TestLast(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	id := m.Submit(Spec{})
	m.Next()
	if number, attempt := m.Last(id); number != m.Number(id) || attempt != 1 {
		t.Error(number, attempt)
	}
	other := id + 1<<32 // of another generation
	for _, no := range []ID{0, other, id + 100} {
		if number, attempt := m.Last(no); number != 0 || attempt != 0 {
			t.Errorf("%#x: %d, %d", no, number, attempt)
		}
	}
}

func TestAwaitsOnly(t *testing.T) {
	m := New([]int64{100 * Unit, 1, 1})
	waiter := m.Submit(Spec{})
	m.Next()
	one, two := m.Submit(Spec{}), m.Submit(Spec{})
	yes := func(ID) bool { return true }
	if m.AwaitsOnly(waiter, yes) || m.AwaitsOnly(0, yes) {
		t.Error("who isn't blocked awaits something")
	}
	m.Block(waiter, one, two)
	if !m.AwaitsOnly(waiter, yes) || m.AwaitsOnly(waiter, func(id ID) bool { return id == one }) {
		t.Error("it waits for two")
	}
	m.Block(waiter, Outside)
	if m.AwaitsOnly(waiter, yes) {
		t.Error("it waits for something outside too")
	}
	m.Unblock(waiter)
	m.Block(waiter, one)
	if !m.AwaitsOnly(waiter, func(id ID) bool { return id == one }) {
		t.Error("it waits for one alone")
	}
	var many []ID
	for range 65 {
		many = append(many, m.Submit(Spec{}))
	}
	m.Block(waiter, many...)
	if m.AwaitsOnly(waiter, yes) {
		t.Error("too many to look at are looked at")
	}
}

// Those who hold CPUs are found among all tasks, those who hold something else in a list.
func TestHolders(t *testing.T) {
	m := New([]int64{2 * Unit, 1, 1, Unit})
	gpu := Dim(3)
	plain := m.Submit(Spec{})
	need, err := m.Need([]Amount{{CPU, Unit}, {gpu, Unit}})
	if err != nil {
		t.Fatal(err)
	}
	special := m.Submit(Spec{Need: need})
	waits := m.Submit(Spec{})
	m.Next()
	m.Next()
	holders := func(d Dim) (all []ID) {
		m.Holders(d, func(id ID) { all = append(all, id) })
		slices.Sort(all)
		return all
	}
	want := []ID{plain, special}
	slices.Sort(want)
	if got := holders(CPU); !slices.Equal(got, want) || slices.Contains(got, waits) {
		t.Errorf("%#x hold CPUs, want %#x", got, want)
	}
	if got := holders(gpu); !slices.Equal(got, []ID{special}) {
		t.Errorf("%#x hold a GPU", got)
	}
}
