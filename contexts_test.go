package muster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// A session forgets contexts that govern nothing now. These tests have many come and go, while something that is idle
// still depends on one.

// comeAndGo has so many contexts used with the session that it forgets the idle ones.
func comeAndGo(ctx context.Context) {
	for range 200 {
		c, cancel := context.WithCancel(ctx)
		_, _ = benchInc.Call(c, 1)
		cancel()
	}
}

var waitIO = mainWait.With(muster.IO())

// manyRunning starts a task under each of many contexts.
func manyRunning(ctx context.Context) (refs []muster.Ref[int], cancel func()) {
	var all []context.CancelFunc
	for range 200 {
		c, cancel := context.WithCancel(ctx)
		all = append(all, cancel)
		refs = append(refs, waitIO.Go(c, 0))
	}
	return refs, func() {
		for _, c := range all {
			c()
		}
	}
}

func TestNestedMapsDontCancelEachOther(t *testing.T) {
	for _, cpus := range []float64{1, 2} {
		ctx := open(t, muster.Config{CPUs: cpus})
		var tree *muster.Function[int, int]
		tree = muster.Local(func(ctx context.Context, depth int) (int, error) {
			if depth == 0 {
				return 1, nil
			}
			parts, err := muster.Collect(tree.Map(ctx, slices.Values([]int{depth - 1, depth - 1, depth - 1})))
			sum := 0
			for _, v := range parts {
				sum += v
			}
			return sum, err
		})
		if v, err := tree.Call(ctx, 6); v != 729 || err != nil {
			t.Fatal(v, err)
		}
	}
}

func TestMapThatWaitsForItsInputKeepsItsOwnTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 2})
		var others []muster.Ref[int]
		var cancelOthers func()
		n := 0
		for _, err := range benchInc.Map(ctx, func(yield func(int) bool) {
			if !yield(1) {
				return
			}
			synctest.Wait() // the first item is done: nothing of the Map runs now
			others, cancelOthers = manyRunning(ctx)
			yield(1)
		}) {
			if err != nil {
				t.Error("somebody else's cancel reached an item:", err)
			}
			n++
		}
		synctest.Wait()
		for _, r := range others {
			select {
			case <-r.Done(ctx):
				t.Fatal("the end of the Map ended another's task:", r.Wait(ctx))
			default:
			}
		}
		cancelOthers()
		if n != 2 {
			t.Error(n)
		}
	})
}

func TestCancelOfOthersDoesntReachAMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 2})
		for _, err := range benchInc.Map(ctx, func(yield func(int) bool) {
			if !yield(1) {
				return
			}
			synctest.Wait()
			_, cancel := manyRunning(ctx)
			for i := range 100 {
				if i == 50 {
					cancel()
				}
				if !yield(i) {
					return
				}
			}
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestKeptContextHearsOfItsEnd(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	governing, cancel := context.WithCancel(ctx)
	keep := muster.Local(func(ctx context.Context, _ int) (context.Context, error) { return ctx, nil })
	kept, err := keep.Call(governing, 0)
	if err != nil {
		t.Fatal(err)
	}
	comeAndGo(ctx)
	r := waitIO.Go(kept, 0)
	cancel()
	oneLine(t, r.Wait(ctx), "the context passed to Go ended")
	if err := waitIO.Go(kept, 0).Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Error("started after the end:", err)
	}
}

func TestLazyRefInAResultHearsOfItsEnd(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	governing, cancel := context.WithCancel(ctx)
	later := muster.Local(func(ctx context.Context, _ int) (muster.Ref[int], error) {
		return waitIO.Go(muster.Lazy(ctx), 0), nil
	})
	r, err := later.Call(governing, 0)
	if err != nil {
		t.Fatal(err)
	}
	comeAndGo(ctx)
	done := r.Done(ctx)
	cancel()
	<-done
	oneLine(t, r.Wait(ctx), "the context passed to Go ended")
}

func TestContextIsForgottenAndUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 2})
		deadline, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		lazy := waitIO.Go(muster.Lazy(deadline), 0)
		comeAndGo(ctx)
		now := waitIO.Go(deadline, 0)
		done := lazy.Done(ctx)
		for _, r := range []muster.Ref[int]{now, lazy} {
			if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		<-done
	})
}

func TestNilContextLeavesTheSessionAlone(t *testing.T) {
	s, ctx, err := muster.Open(context.Background(), muster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var none context.Context
	_, err = benchInc.Call(s.Context(none), 1)
	oneLine(t, err, "bench.inc", "nil context")
	_, err = muster.Collect(benchInc.Map(s.Context(none), count(1)))
	oneLine(t, err, "bench.inc", "nil context")
	benchInc.Go(none, 1).Cancel()
	muster.Reduce[int, []int](ctx, benchSum, nil).Cancel()
	if v, err := benchInc.Call(ctx, 1); v != 2 || err != nil {
		t.Error(v, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// brittle is somebody's context whose Done panics.
type brittle struct{ context.Context }

func (brittle) Done() <-chan struct{} { panic("brittle") }

func TestContextThatPanicsLocksNothing(t *testing.T) {
	s, ctx, err := muster.Open(context.Background(), muster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := mainWait.Go(ctx, 0)
	for _, call := range []func(){func() { benchInc.Go(brittle{ctx}, 1) }, func() { r.Done(brittle{ctx}) }} {
		if text := panicOf(call); text != "brittle" {
			t.Error(text)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
