package ledger

import "testing"

// What a task may have waited for is offered again: one more whole CPU, and all that there is.
func TestGrown(t *testing.T) {
	for _, c := range []struct {
		total, offered, free int64
		want                 bool
	}{
		{Unit, Unit * 55 / 100, Unit, true},
		{Unit, Unit, Unit, false},
		{4 * Unit, 2*Unit + Unit/2, 3 * Unit, true},
		{4 * Unit, 2 * Unit, 2*Unit + Unit/2, false},
		{4 * Unit, 2 * Unit, 3 * Unit, true},
		{Unit / 2, Unit / 4, Unit / 2, true},
		{Unit / 2, Unit / 2, Unit / 2, false},
		{4 * Unit, 3 * Unit, 2 * Unit, false},
	} {
		l := New(Room{CPU: c.total})
		l.Free.CPU = c.free
		if got := l.Grown(&Room{CPU: c.offered}); got != c.want {
			t.Errorf("%d of %d were offered and %d are free: %v", c.offered, c.total, c.free, got)
		}
	}
}
