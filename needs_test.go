package muster_test

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/musterrun/muster"
)

// A function that is made for one call is forgotten with it, and so is what it needs.
func TestFunctionsAndNeedsAreForgotten(t *testing.T) {
	ctx := open(t, muster.Config{Memory: math.MaxInt64})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 70_000 {
		buf := make([]byte, 1000)
		_, err := muster.Local(func(context.Context, int) (int, error) { return len(buf), nil }, muster.Memory(int64(i+1))).Call(ctx, 1)
		if err != nil {
			t.Fatal(i, err)
		}
	}
	if after := heap(); after > before+10<<20 {
		t.Errorf("%d MiB are held", (after-before)>>20)
	}
}

// Many needs at once are no trouble either.
func TestManyNeedsAtOnce(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, Memory: math.MaxInt64})
	var refs []muster.Ref[int]
	for i := range 70_000 {
		refs = append(refs, benchInc.With(muster.Memory(int64(i+1))).Go(ctx, 1))
	}
	if err := muster.Gather(ctx, refs...).Wait(ctx); err != nil {
		t.Error(err)
	}
}

// A task of a higher priority that needs all CPUs isn't passed over for ever by those that need one, and one of the same
// priority isn't either.
func TestLargeTaskIsntStarved(t *testing.T) {
	for _, priority := range []int{10, 0} {
		ctx := open(t, muster.Config{CPUs: 2})
		large := muster.Local(func(context.Context, int) (int, error) { return 0, nil }, muster.CPUs(2), muster.Priority(priority))
		var r muster.Ref[int]
		n := 0
		for range muster.Local(func(_ context.Context, x int) (int, error) { runtime.Gosched(); return x, nil }).Map(ctx, endless(new(int))) {
			if n++; n == 1000 {
				r = large.Go(ctx, 0)
			}
			if n > 1000 {
				select {
				case <-r.Done(ctx):
				default:
					continue
				}
				break
			}
		}
		if err := r.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
}

// What holds a resource gets what it waits for, though a large task of a higher priority waits for the resource.
func TestHoldsLeaveChildrenAlone(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, Resources: map[string]float64{"r": 2}})
	one := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }, muster.Resource("r", 1))
	all := muster.Local(func(context.Context, int) (int, error) { return 0, nil }, muster.Resource("r", 2), muster.CPUs(2), muster.Priority(9))
	started := make(chan struct{})
	r := muster.Local(func(ctx context.Context, _ int) (int, error) {
		<-started
		return one.Call(ctx, 7)
	}, muster.Resource("r", 1)).Go(ctx, 0)
	large := all.Go(ctx, 0)
	close(started)
	if v, err := r.Get(ctx); v != 7 || err != nil {
		t.Error(v, err)
	}
	if err := large.Wait(ctx); err != nil {
		t.Error(err)
	}
}

// Thousands that wait for what their parent holds fail without a search through all for each.
func TestManyStuckTasks(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, Resources: map[string]float64{"r": 1}})
	child := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }, muster.Resource("r", 1))
	_, err := muster.Local(func(ctx context.Context, n int) (int, error) {
		var refs []muster.Ref[int]
		for i := range n {
			refs = append(refs, child.Go(ctx, i))
		}
		return 0, muster.Gather(ctx, refs...).Wait(ctx)
	}, muster.Resource("r", 1)).Call(ctx, 50_000)
	oneLine(t, err, `it needs Resource("r")`)
}
