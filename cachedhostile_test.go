package muster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// cachedGate is what cached.gated waits for.
var cachedGate chan struct{}

var cachedGated = muster.Func("cached.gated", func(_ context.Context, x int) (string, error) {
	cachedRuns.Add(1)
	<-cachedGate
	return fmt.Sprint("value ", x), nil
}, muster.Cached(), muster.IO())

// A result that can't be stored reaches all who asked for it at once.
func TestCachedWaitersOfAnUnstoredResult(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 2, CacheDir: dir, CacheLimit: 1})
		cachedGate = make(chan struct{})
		n := ran(func() {
			refs := make([]muster.Ref[string], 8)
			for i := range refs {
				refs[i] = cachedGated.Go(ctx, 7)
			}
			synctest.Wait()
			close(cachedGate)
			for _, r := range refs {
				if v, err := r.Get(ctx); v != "value 7" || err != nil {
					t.Errorf("%q, %v", v, err)
				}
			}
		})
		if n != 1 {
			t.Error(n, "runs")
		}
	})
}

var cachedTick, cachedTock *muster.Function[int, int]

func init() {
	cachedTick = muster.Func("cached.tick", func(ctx context.Context, n int) (int, error) {
		<-cachedGate
		return cachedTock.Call(ctx, n)
	}, muster.Cached(), muster.IO())
	cachedTock = muster.Func("cached.tock", func(ctx context.Context, n int) (int, error) {
		<-cachedGate
		return cachedTick.Call(ctx, n)
	}, muster.Cached(), muster.IO())
}

// Calls that need each other are an error also when two tasks have begun them.
func TestCachedCallsThatNeedEachOther(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx := open(t, muster.Config{CPUs: 2, CacheDir: dir})
		cachedGate = make(chan struct{})
		a, b := cachedTick.Go(ctx, 1), cachedTock.Go(ctx, 1)
		synctest.Wait()
		close(cachedGate)
		for _, r := range []muster.Ref[int]{a, b} {
			if _, err := r.Get(ctx); err == nil || !strings.Contains(err.Error(), "needs itself") {
				t.Error(err)
			}
		}
	})
}

var cachedStuck = muster.Func("cached.stuck", func(_ context.Context, x int) (int64, error) {
	n := cachedRuns.Add(1)
	if n == 1 {
		<-cachedGate // whatever its context says
	}
	return n, nil
}, muster.Cached(), muster.IO(), muster.Timeout(time.Second), muster.Retries(1))

// An attempt that was given up doesn't keep the next one, nor other calls, waiting for its result.
func TestCachedAttemptThatIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cachedGate = make(chan struct{})
		cachedRuns.Store(0)
		s, ctx, err := muster.Open(t.Context(), muster.Config{CPUs: 2, CacheDir: dir, Grace: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a, b := cachedStuck.Go(ctx, 1), cachedStuck.Go(ctx, 1)
			for _, r := range []muster.Ref[int64]{a, b} {
				if v, err := r.Get(ctx); v != 2 || err != nil {
					t.Error(v, err)
				}
			}
		}
		close(cachedGate)
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if v, err := cachedStuck.Call(open(t, muster.Config{CPUs: 2, CacheDir: dir}), 1); v != 2 || err != nil {
			t.Error("what came late was stored:", v, err)
		}
	})
}
