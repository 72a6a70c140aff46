package dispatch

import (
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// A lag rises at once, falls slowly, and doubles without an answer.
func TestLag(t *testing.T) {
	var l Lag
	for _, step := range []struct {
		do   func()
		want time.Duration
	}{
		{func() { l.Observe(-time.Second) }, 0},
		{func() { l.Observe(8 * time.Second) }, 8 * time.Second},
		{func() { l.Observe(0) }, 7 * time.Second},
		{func() { l.Double(time.Second) }, 14 * time.Second},
		{func() { l.Observe(time.Hour) }, time.Minute},
		{func() { l.Double(time.Second) }, time.Minute},
	} {
		if step.do(); l.Value() != step.want {
			t.Fatalf("the lag is %v, want %v", l.Value(), step.want)
		}
	}
	l = Lag{}
	if l.Double(time.Second); l.Value() != time.Second {
		t.Errorf("without an answer the first lag is %v", l.Value())
	}
}

// A batch whose confirmation doesn't come is given out again after a while, but not at the same pace for ever: it may be
// that nodes have no time to confirm.
func TestDueIsPatientWithTheSlow(t *testing.T) {
	var h Handed
	give := func(number uint64, at int) { h.Add(number, "a", []protocol.Task{{ID: number, Attempt: 1}}, after(at)) }
	give(1, 0)
	if due := h.Due(after(1)); len(due) != 1 {
		t.Fatalf("%v is due", due)
	}
	give(2, 1)
	if due := h.Due(after(3)); len(due) != 0 {
		t.Fatalf("%v is due although the one before wasn't confirmed in time", due)
	}
	if due := h.Due(after(4)); len(due) != 1 {
		t.Fatalf("%v is due", due)
	}
	for i := range uint64(60) {
		give(3+i, 5)
		h.Confirm("a", 3+i, after(5))
	}
	give(100, 5)
	if due := h.Due(after(6)); len(due) != 1 {
		t.Errorf("%v is due after many were confirmed at once", due)
	}
}
