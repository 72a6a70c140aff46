package engine

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestBulk(t *testing.T) {
	for n := range int64(2048) {
		if toBulk(n).bytes() != n {
			t.Fatalf("%d bytes became %d", n, toBulk(n).bytes())
		}
	}
	for _, n := range []int64{-1, math.MinInt64} {
		if toBulk(n) != 0 {
			t.Errorf("%d bytes became %d", n, toBulk(n).bytes())
		}
	}
	if got := toBulk(math.MaxInt64).bytes(); got < 1<<40 {
		t.Errorf("the most is %d", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<42-1).Draw(t, "n")
		if got := toBulk(n).bytes(); got > n || float64(got) < 0.998*float64(n) {
			t.Fatalf("%d bytes became %d", n, got)
		}
	})
}
