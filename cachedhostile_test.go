package muster_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

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
