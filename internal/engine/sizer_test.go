package engine

import (
	"testing"
	"time"
)

// Chunks that were stopped between, as on a machine that has too much to do, don't make others small.
func TestSizerAway(t *testing.T) {
	const usual = 50 * time.Nanosecond
	feed := func(z *sizer, chunks int, cost func(i int) time.Duration) {
		for i := range chunks {
			z.observeAway(1000, 1000*cost(i))
		}
	}
	var z sizer
	z.observeAway(1, time.Microsecond)
	if z.size != 4 {
		t.Errorf("the size grows to %v at once", z.size)
	}
	for name, row := range map[string]struct {
		cost func(i int) time.Duration
		want time.Duration
	}{
		"all alike": {func(int) time.Duration { return usual }, usual},
		"some stopped": {func(i int) time.Duration {
			if i%4 == 3 {
				return time.Millisecond
			}
			return usual
		}, usual},
		"half of them dearer": {func(i int) time.Duration { return time.Duration(1+i%2*2) * usual }, usual * 5 / 3},
		"all dearer now": {func(i int) time.Duration {
			if i < 32 {
				return usual
			}
			return 10 * usual
		}, 10 * usual},
	} {
		var z sizer
		feed(&z, 48, row.cost)
		if got := time.Duration(z.cost + 0.5); got != row.want {
			t.Errorf("%s: an item counts as %v, want %v", name, got, row.want)
		}
		if want := float64(chunkFill) / z.cost; z.size != want {
			t.Errorf("%s: %v items in a chunk, want %v", name, z.size, want)
		}
	}
}

// Chunks of a Map in a task grow until the way is little beside them, shrink when items are dear, and come back from that.
func TestSizerUp(t *testing.T) {
	const way = 4 * time.Millisecond
	var z sizer
	settle := func(cost time.Duration) int {
		for range 64 {
			n := min(int(z.weight()), maxUp)
			z.observeUp(float64(n), way+time.Duration(n)*cost)
		}
		return min(int(z.weight()), maxUp)
	}
	for _, row := range []struct {
		cost time.Duration
		want int
	}{{time.Microsecond, maxUp}, {10 * time.Millisecond, 9}, {time.Second, 1}, {time.Microsecond, maxUp}} {
		if n := settle(row.cost); n < row.want-1 || n > row.want+1 {
			t.Errorf("%d items of %v in a chunk, want %d", n, row.cost, row.want)
		}
	}
}
