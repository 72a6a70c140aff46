package muster

import (
	"math"
	"runtime/debug"
	"testing"
)

// The garbage collector of a worker is left alone if somebody has said how it is to work.
func TestCollectLess(t *testing.T) {
	t.Cleanup(func() { ballast = nil })
	for _, c := range []struct {
		gogc  string
		limit int64
		want  int
	}{
		{"", math.MaxInt64, ballastSize}, {"50", math.MaxInt64, 0}, {"", 1 << 40, 0},
	} {
		t.Setenv("GOGC", c.gogc)
		before := debug.SetMemoryLimit(c.limit)
		ballast = nil
		collectLess()
		debug.SetMemoryLimit(before)
		if len(ballast) != c.want {
			t.Errorf("GOGC=%q, a limit of %d: a ballast of %d bytes, want %d", c.gogc, c.limit, len(ballast), c.want)
		}
	}
}
