package cluster_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

var (
	turns atomic.Int64 // of this worker
	turn  = muster.Func("cluster.turn", func(context.Context, int64) (int64, error) { return turns.Add(1), nil }, muster.CPUs(2))
	taken = muster.Func("cluster.taken", func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}, muster.CPUs(2))
)

// What a task of high priority waits for goes before tasks that were started earlier.
func TestPriorityIsInherited(t *testing.T) {
	ctx, cancel := context.WithTimeout(cluster.Start(t, 1).Context(), time.Minute)
	defer cancel()
	node := taken.Go(ctx, 0)
	var low []muster.Ref[int64]
	for range 5 {
		low = append(low, turn.Go(ctx, 0))
	}
	last := turn.Go(ctx, 0)
	high := turn.With(muster.Priority(5)).From(ctx, last)
	node.Cancel()
	if n, err := last.Get(ctx); n != 1 || err != nil {
		t.Errorf("what the task of high priority waits for had turn %d: %v", n, err)
	}
	if n, err := high.Get(ctx); n < 2 || err != nil {
		t.Errorf("the task of high priority had turn %d: %v", n, err)
	}
	for _, r := range low {
		if n, err := r.Get(ctx); n < 2 || err != nil {
			t.Errorf("a task of low priority had turn %d: %v", n, err)
		}
	}
}
