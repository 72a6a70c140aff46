package muster_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/musterrun/muster"
)

func TestMaxPendingMakesGoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 1, MaxPending: 8})
		gate := make(chan struct{})
		wait := muster.Local(func(_ context.Context, x int) (int, error) { <-gate; return x, nil })
		refs := make(chan muster.Ref[int], 100)
		go func() {
			defer close(refs)
			for i := range 20 {
				refs <- wait.Go(ctx, i)
			}
		}()
		synctest.Wait()
		if n := len(refs); n != 8 {
			t.Errorf("%d were started, and 8 may be pending", n)
		}
		gate <- struct{}{}
		synctest.Wait()
		if n := len(refs); n != 9 {
			t.Errorf("%d were started after one had ended", n)
		}
		close(gate)
		i := 0
		for r := range refs {
			if v, err := r.Get(ctx); v != i || err != nil {
				t.Error(v, err)
			}
			i++
		}
	})
}

// A task that starts more than may be pending lends its slot while it waits, or its children could never run.
func TestMaxPendingInsideATask(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1, MaxPending: 4})
	sum, err := muster.Local(func(ctx context.Context, n int) (int, error) {
		var refs []muster.Ref[int]
		for i := range n {
			refs = append(refs, benchInc.Go(ctx, i))
		}
		all, err := muster.Gather(ctx, refs...).Get(ctx)
		sum := 0
		for _, v := range all {
			sum += v
		}
		return sum, err
	}).Call(ctx, 1000)
	if sum != 1000*1001/2 || err != nil {
		t.Error(sum, err)
	}
}

func TestMaxPendingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 1, MaxPending: 1})
		short, cancel := context.WithCancel(ctx)
		gate := make(chan struct{})
		first := muster.Local(func(context.Context, int) (int, error) { <-gate; return 0, nil }).Go(ctx, 0)
		second := make(chan muster.Ref[int])
		go func() { second <- benchInc.Go(short, 1) }()
		synctest.Wait()
		cancel()
		if err := (<-second).Wait(ctx); err == nil {
			t.Error("it was started after its context had ended")
		}
		close(gate)
		if err := first.Wait(ctx); err != nil {
			t.Error(err)
		}
	})
}
