package coordinator

import "testing"

// TestHoldFar: an offer that is held for a need goes to that, to what comes before it, to what needs nothing of the same,
// and to what tasks have started.
func TestHoldFar(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	small, large := m.AwayNeed([]Amount{{CPU, Unit}}, 1), m.AwayNeed([]Amount{{CPU, 4 * Unit}}, 2)
	waits := m.AwayNeed([]Amount{{IO, 1}}, 3)
	take := func(cpu int64, want ID) {
		t.Helper()
		id, ok := m.Take(0, []int64{cpu * Unit, 1, 0}, anywhere)
		if id != want || ok != (want != 0) {
			t.Fatalf("Take gives %v, %v, not %v", id, ok, want)
		}
	}
	early := m.Submit(Spec{Need: small})
	wide := m.Submit(Spec{Need: large})
	late := m.Submit(Spec{Need: small})
	m.HoldFar(large)
	if m.FirstOf(large) != wide || m.FirstOf(waits) != 0 || m.FitsFar(large, []int64{3 * Unit}) || !m.FitsFar(large, []int64{4 * Unit}) {
		t.Error("the first is another, or it fits otherwise")
	}
	take(1, early)
	take(1, 0)
	urgent := m.Submit(Spec{Need: small, Priority: 1})
	take(1, urgent)
	child := m.Submit(Spec{Need: small, Depth: 1})
	take(1, child)
	io := m.Submit(Spec{Need: waits})
	take(1, io)
	take(4, wide)
	take(1, late) // nothing is held any more
	if err := structureError(m); err != nil {
		t.Error(err)
	}
	m.Submit(Spec{Need: large})
	last := m.Submit(Spec{Need: small})
	take(1, 0)
	m.HoldFar(0)
	take(1, last)
}

// TestHoldFarOf: what is held of one dimension alone keeps nothing from those who need none of that.
func TestHoldFarOf(t *testing.T) {
	m := New([]int64{Unit, 1, 1})
	gpu := m.AddDim()
	small, large := m.AwayNeed([]Amount{{CPU, Unit}}, 1), m.AwayNeed([]Amount{{CPU, Unit}, {gpu, 2 * Unit}}, 1)
	one := m.AwayNeed([]Amount{{CPU, Unit}, {gpu, Unit}}, 1)
	take := func(gpus int64, want ID) {
		t.Helper()
		if id, ok := m.Take(0, []int64{Unit, 1, 0, gpus * Unit}, anywhere); id != want || ok != (want != 0) {
			t.Fatalf("Take gives %v, %v, not %v", id, ok, want)
		}
	}
	wide := m.Submit(Spec{Need: large})
	late, plain := m.Submit(Spec{Need: one}), m.Submit(Spec{Need: small})
	m.HoldFar(0)
	m.HoldFarOf(gpu, large)
	take(1, plain)
	take(1, 0)
	take(2, wide)
	take(1, late)
}
