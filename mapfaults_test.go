package muster_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest"
)

func TestCloseDuringAMap(t *testing.T) {
	for range 50 {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range benchInc.Map(ctx, func(yield func(int) bool) {
			for i := 0; ; i++ {
				if i == 1000 {
					_ = s.Close()
				}
				if !yield(i) {
					return
				}
			}
		}) {
			last = err
		}
		if !errors.Is(last, muster.ErrClosed) && !errors.Is(last, context.Canceled) {
			t.Fatal(last)
		}
	}
}

// An item whose function calls Goexit is tried again alone, and its neighbours keep their results.
func TestGoexitInAMapWithRetries(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	first := true
	f := muster.Local(func(_ context.Context, x int) (int, error) {
		if x == 1500 && first {
			first = false
			runtime.Goexit()
		}
		return x, nil
	}, muster.Retries(1))
	got, err := muster.Collect(f.Map(ctx, slices.Values(upTo(2000))))
	if err != nil || !slices.Equal(got, upTo(2000)) {
		t.Error(len(got), err)
	}
}

// failures records what a test would have failed with.
type failures struct {
	testing.TB
	texts []string
	ends  []func()
}

func (f *failures) Errorf(format string, args ...any) { f.texts = append(f.texts, format) }
func (f *failures) Cleanup(end func())                { f.ends = append(f.ends, end) }
func (f *failures) Helper()                           {}

var mapFaultLen = muster.Func("mapfaults.len", muster.Plain(func(xs []int) int { return len(xs) }))

func TestStrictSessionsWatchItemsAndGatheredValues(t *testing.T) {
	f := &failures{TB: t}
	ctx := mustertest.Context(f)
	xs := []int{1, 2, 3}
	for _, err := range mapFaultLen.Map(ctx, slices.Values([][]int{xs})) {
		if err != nil {
			t.Fatal(err)
		}
	}
	xs[1] = 5
	for _, end := range f.ends {
		end()
	}
	if len(f.texts) != 1 {
		t.Error("a changed item of a Map:", f.texts)
	}
	f = &failures{TB: t}
	ctx = mustertest.Context(f)
	all, err := muster.Gather(ctx, muster.Put(ctx, 1), muster.Put(ctx, 2)).Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all[0] = 9
	for _, end := range f.ends {
		end()
	}
	if len(f.texts) != 1 {
		t.Error("a changed value of Gather:", f.texts)
	}
}

// Each failed item has its event before Close returns.
func TestEventsOfAMapComeBeforeTheEndOfClose(t *testing.T) {
	fail := muster.Local(func(context.Context, int) (int, error) { return 0, errors.New("no") }, muster.IO())
	for range 50 {
		failed := 0
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2, OnEvent: func(e event.Event) {
			if e.Kind == event.TaskFailed {
				failed++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range fail.Map(ctx, slices.Values(upTo(300))) {
			if err == nil {
				t.Fatal("no error")
			}
		}
		if err := s.Close(); err != nil || failed != 300 {
			t.Fatal(failed, err)
		}
	}
}

func TestAnInputThatGoesOnWhenTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(open(t, muster.Config{CPUs: 2}))
	defer cancel()
	var errs []error
	for _, err := range benchInc.Map(ctx, func(yield func(int) bool) {
		for i := range 100_000 {
			if i == 50_000 {
				cancel()
			}
			yield(i) // that it ignores the answer is the point
		}
	}) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	n := len(errs)
	if n < 2 || errs[n-1] != context.Canceled || //nolint:errorlint // the promise is the bare error
		!strings.Contains(errs[n-2].Error(), "went on after its yield had returned false") {
		t.Error(errs[max(0, n-2):])
	}
}

// Items, errors among them and the input's own end keep their places, also far on, where items go the short way.
func TestInputThatFailsAndPanicsFarOn(t *testing.T) {
	const n = 20_000
	bad := errors.New("bad")
	i := 0
	for v, err := range benchInc.Pipe(open(t, muster.Config{CPUs: 2}), func(yield func(int, error) bool) {
		for i := range n {
			if i%1500 == 1499 {
				if !yield(0, bad) {
					return
				}
			} else if !yield(i, nil) {
				return
			}
		}
		panic("no more")
	}) {
		switch {
		case i == n:
			oneLine(t, err, "bench.inc: item 20000: the input panicked: no more")
		case i%1500 == 1499:
			if !errors.Is(err, bad) {
				t.Fatalf("item %d: %v", i, err)
			}
		case err != nil || v != i+1:
			t.Fatalf("item %d: %d, %v", i, v, err)
		}
		i++
	}
	if i != n+1 {
		t.Errorf("%d results", i)
	}
}

func TestWeightsThatAreNoWeights(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	for _, w := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		got, err := muster.Collect(benchInc.Weight(func(int) float64 { return w }).Map(ctx, slices.Values(upTo(1000))))
		if err != nil || len(got) != 1000 {
			t.Error(w, len(got), err)
		}
	}
	broken := benchInc.Weight(func(x int) float64 {
		if x == 3 {
			panic("no scale")
		}
		return 1
	})
	_, err := muster.Collect(broken.Map(ctx, slices.Values(upTo(10))))
	oneLine(t, err, "bench.inc: item 3: the Weight panicked: no scale")
}
