package muster_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
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

var pLength = muster.Func("pressure.length", func(ctx context.Context, b []byte) (int, error) {
	if gate, ok := pGate.Load().(chan struct{}); ok && gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return len(b), nil
})

// pGate holds the tasks of pLength back, if there is one.
var pGate atomic.Value

func closedGate(t *testing.T) chan struct{} {
	gate := make(chan struct{})
	pGate.Store(gate)
	t.Cleanup(func() { pGate.Store((chan struct{})(nil)) })
	return gate
}

// Arguments of 100 KiB beside 1 MiB: ten are let in, and those go on in order that wait. As many tasks as can run are let
// in whatever they bring, and as many more.
func TestArgumentBytesMakeGoWait(t *testing.T) {
	running := 1
	if os.Getenv("MUSTER_TEST_LOOP") != "" {
		running = 4 // two nodes of two CPUs
	}
	for _, c := range []struct {
		arg, let int
	}{{100 << 10, 10}, {2 << 20, 2 * running}, {0, 20}} {
		synctest.Test(t, func(t *testing.T) {
			ctx := open(t, muster.Config{CPUs: 1, ArgumentBytes: 1 << 20})
			gate := closedGate(t)
			refs := make(chan muster.Ref[int], 100)
			go func() {
				defer close(refs)
				for range 20 {
					refs <- pLength.Go(ctx, make([]byte, c.arg))
				}
			}()
			synctest.Wait()
			if n := len(refs); n != c.let {
				t.Errorf("%d of %d bytes were started, want %d", n, c.arg, c.let)
			}
			close(gate)
			for r := range refs {
				if v, err := r.Get(ctx); v != c.arg || err != nil {
					t.Error(v, err)
				}
			}
		})
	}
}

func TestArgumentBytesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 1, ArgumentBytes: 1 << 10})
		gate := closedGate(t)
		for range 2 {
			pLength.Go(ctx, make([]byte, 1<<20))
		}
		short, cancel := context.WithCancel(ctx)
		third := make(chan muster.Ref[int])
		go func() { third <- pLength.Go(short, make([]byte, 1<<20)) }()
		synctest.Wait()
		cancel()
		if err := (<-third).Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(gate)
	})
}

var pTree *muster.Function[[]byte, int]

func init() {
	pTree = muster.Func("pressure.tree", func(ctx context.Context, b []byte) (int, error) {
		if len(b) < 1<<10 {
			return len(b), nil
		}
		half := len(b) / 2
		left, right := pTree.Go(ctx, b[:half]), pTree.Go(ctx, b[half:])
		l, err := left.Get(ctx)
		if err != nil {
			return 0, err
		}
		r, err := right.Get(ctx)
		return l + r, err
	})
}

// Tasks that call others don't wait for bytes that are free only once they have ended.
func TestArgumentBytesInsideTasks(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, ArgumentBytes: 1 << 10})
	var refs []muster.Ref[int]
	for range 4 {
		refs = append(refs, pTree.Go(ctx, make([]byte, 1<<16)))
	}
	for _, r := range refs {
		if n, err := r.Get(ctx); n != 1<<16 || err != nil {
			t.Error(n, err)
		}
	}
}

// A Map whose items are large holds few of them, and a slow loop makes its input wait.
func TestArgumentBytesBoundMap(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, ArgumentBytes: 4 << 20})
	pulled, most, seen := 0, 0, 0
	in := func(yield func([]byte) bool) {
		for range 1000 {
			pulled++
			if !yield(make([]byte, 1<<18)) {
				return
			}
		}
	}
	for n, err := range pLength.Map(ctx, in) {
		if n != 1<<18 || err != nil {
			t.Fatal(n, err)
		}
		seen++
		most = max(most, pulled-seen)
	}
	if seen != 1000 || most > 32 { // 16 in the queue, in chunks of four, and what is being filled
		t.Errorf("%d came, and %d were held at once", seen, most)
	}
}

// Tasks that have all been let in, and all wait for what they start, are let start it.
func TestMaxPendingOfCallersOnly(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, MaxPending: 4})
	caller := muster.Local(func(ctx context.Context, n int) (int, error) { return benchInc.Call(ctx, n) })
	var refs []muster.Ref[int]
	for i := range 20 {
		refs = append(refs, caller.Go(ctx, i))
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i+1 || err != nil {
			t.Error(v, err)
		}
	}
}
