package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
)

type cachedArg struct {
	X       int
	Verbose bool
	Of      muster.Ref[int]
}

var (
	cachedRuns atomic.Int64

	cachedDouble = muster.Func("cached.double", func(_ context.Context, x int) (int, error) {
		cachedRuns.Add(1)
		if x < 0 {
			return 0, errors.New("negative")
		}
		return 2 * x, nil
	}, muster.Cached())
	cachedStruct = muster.Func("cached.struct", func(_ context.Context, a cachedArg) (string, error) {
		cachedRuns.Add(1)
		x := 0
		if !a.Of.IsZero() {
			x = a.Of.Value()
		}
		return fmt.Sprint(a.X, a.Verbose, x), nil
	}, muster.Cached(cache.Policy{Version: "1"}))
	cachedLarge = muster.Func("cached.large", func(_ context.Context, n int) ([]float64, error) {
		cachedRuns.Add(1)
		out := make([]float64, n)
		for i := range out {
			out[i] = float64(i)
		}
		return out, nil
	}, muster.Cached())
	cachedFib *muster.Function[int, int]
)

func init() {
	cachedFib = muster.Func("cached.fib", func(ctx context.Context, n int) (int, error) {
		cachedRuns.Add(1)
		if n < 2 {
			return n, nil
		}
		a, b := cachedFib.Go(ctx, n-1), cachedFib.Go(ctx, n-2)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	}, muster.Cached())
}

// cacheSession opens a session with its cache in dir, and gives what it reports.
func cacheSession(t *testing.T, dir string) (ctx context.Context, events func() []event.Event) {
	t.Helper()
	var mu sync.Mutex
	var seen []event.Event
	ctx = open(t, muster.Config{CPUs: 2, CacheDir: dir, OnEvent: func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e)
	}})
	return ctx, func() []event.Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

// ran is how often functions ran meanwhile.
func ran(f func()) int64 {
	before := cachedRuns.Load()
	f()
	return cachedRuns.Load() - before
}

func TestCached(t *testing.T) {
	dir := t.TempDir()
	for life := range 3 {
		ctx, events := cacheSession(t, dir)
		n := ran(func() {
			for range 2 {
				if v, err := cachedDouble.Call(ctx, 21); v != 42 || err != nil {
					t.Error(v, err)
				}
				if _, err := cachedDouble.Call(ctx, -1); err == nil || !strings.Contains(err.Error(), "negative") {
					t.Error("an error isn't cached:", err)
				}
				got, err := muster.Collect(cachedDouble.Map(ctx, slices.Values(upTo(100))))
				if err != nil || got[99] != 198 {
					t.Error(got, err)
				}
			}
		})
		if want := map[bool]int64{true: 102, false: 2}[life == 0]; n != want {
			t.Errorf("life %d: %d runs, want %d", life, n, want)
		}
		restored := 0
		for _, e := range events() {
			if e.Kind == event.ResultRestored && e.Text == "cache" {
				restored += max(1, e.Items)
			}
		}
		if want := map[bool]int{true: 102, false: 202}[life == 0]; restored != want {
			t.Errorf("life %d: %d results restored, want %d", life, restored, want)
		}
	}
}

func TestCachedKeys(t *testing.T) {
	ctx, _ := cacheSession(t, t.TempDir())
	call := func(f *muster.Function[cachedArg, string], a cachedArg, want string, runs int64) {
		t.Helper()
		n := ran(func() {
			if v, err := f.Call(ctx, a); v != want || err != nil {
				t.Error(v, err)
			}
		})
		if n != runs {
			t.Errorf("%+v: %d runs, want %d", a, n, runs)
		}
	}
	call(cachedStruct, cachedArg{X: 1}, "1 false 0", 1)
	call(cachedStruct, cachedArg{X: 1}, "1 false 0", 0)
	call(cachedStruct, cachedArg{X: 1, Verbose: true}, "1 true 0", 1)
	call(cachedStruct.With(muster.Version("2")), cachedArg{X: 1}, "1 false 0", 1)
	call(cachedStruct, cachedArg{X: 1, Of: muster.Put(ctx, 5)}, "1 false 5", 1)
	call(cachedStruct, cachedArg{X: 1, Of: benchInc.Go(ctx, 4)}, "1 false 5", 0) // the value counts, not its task
	call(cachedStruct, cachedArg{X: 1, Of: benchInc.Go(ctx, 5)}, "1 false 6", 1)

	quiet := cachedStruct.CacheKey(func(a cachedArg) cachedArg { a.Verbose = false; return a })
	call(quiet, cachedArg{X: 2, Verbose: true}, "2 true 0", 1)
	call(quiet, cachedArg{X: 2}, "2 true 0", 0)
	call(quiet.With(muster.Version("2")), cachedArg{X: 2}, "2 false 0", 1)
	// What was kept under a key holds under that one alone.
	call(cachedStruct, cachedArg{X: 2}, "2 false 0", 1)
	call(cachedStruct.CacheKey(func(a cachedArg) cachedArg { a.X = 2; return a }), cachedArg{X: 3}, "3 false 0", 1)

	asked := 0
	stale := cachedStruct.CacheValid(func(a cachedArg, out string) bool { asked++; return a.X != 1 })
	call(stale, cachedArg{X: 1}, "1 false 0", 1)
	call(stale, cachedArg{X: 2}, "2 false 0", 0)
	if asked < 2 {
		t.Error("it was asked", asked, "times")
	}
}

func TestCachedLargeResults(t *testing.T) {
	dir := t.TempDir()
	const n = 1 << 18
	for range 2 {
		ctx, _ := cacheSession(t, dir)
		for range 2 {
			v, err := cachedLarge.Call(ctx, n)
			if err != nil || len(v) != n || v[n-1] != n-1 {
				t.Fatal(len(v), err)
			}
			v[5] = -1 // a hit is the caller's own
		}
	}
	if got := ran(func() {
		ctx, _ := cacheSession(t, dir)
		if v, err := cachedLarge.Call(ctx, n); err != nil || v[5] != 5 {
			t.Error(v[5], err)
		}
	}); got != 0 {
		t.Error(got, "runs")
	}
}

// Many ask for one result at once, with a single slot: one computes it, and what it waits for finds the slot.
func TestCachedOnceWithOneSlot(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1, CacheDir: t.TempDir()})
	n := ran(func() {
		var refs []muster.Ref[int]
		for range 20 {
			refs = append(refs, cachedFib.Go(ctx, 12))
		}
		for _, r := range refs {
			if v, err := r.Get(ctx); v != 144 || err != nil {
				t.Error(v, err)
			}
		}
	})
	if n != 13 {
		t.Errorf("%d runs of the 13 different calls", n)
	}
}
