package agent

import "testing"

// What a task may have waited for is offered again: one more whole CPU, and all that there is.
func TestGrown(t *testing.T) {
	for _, c := range []struct {
		total, offered, free int64
		want                 bool
	}{
		{unit, unit * 55 / 100, unit, true},
		{unit, unit, unit, false},
		{4 * unit, 2*unit + unit/2, 3 * unit, true},
		{4 * unit, 2 * unit, 2*unit + unit/2, false},
		{4 * unit, 2 * unit, 3 * unit, true},
		{unit / 2, unit / 4, unit / 2, true},
		{unit / 2, unit / 2, unit / 2, false},
		{4 * unit, 3 * unit, 2 * unit, false},
	} {
		l := newLedger(room{cpu: c.total})
		l.free.cpu = c.free
		if got := l.grown(&room{cpu: c.offered}); got != c.want {
			t.Errorf("%d of %d were offered and %d are free: %v", c.offered, c.total, c.free, got)
		}
	}
}
