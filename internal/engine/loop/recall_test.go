package loop_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

var (
	runs     atomic.Int64 // of batched, with surprise
	surprise atomic.Bool  // the next one takes long
	batched  = function("loop.batched", func(ctx context.Context, n int) (int, error) {
		if surprise.Load() && runs.Add(1) == 1 {
			select {
			case <-gates[1]:
			case <-ctx.Done():
			}
		}
		return n, nil
	}, engine.Options{CPUs: 1})
)

// TestASurpriseHoldsUpNobody: of many tasks that were short until now one takes long. Those that lie behind it on its node
// run on the other one, each once.
func TestASurpriseHoldsUpNobody(t *testing.T) {
	ctx, _ := openLoop(t, engine.Config{}, 2, 1)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var short []*engine.Typed[int]
	for i := range 500 {
		short = append(short, batched.Go(ctx, i))
	}
	for _, r := range short {
		if err := r.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first := hold.Go(ctx, 0)
	<-reached
	const many = 200
	ended := make(chan error, many)
	for range many {
		r := batched.From(ctx, first)
		go func() {
			err := r.Wait(ctx)
			if err == nil {
				err = r.Err()
			}
			ended <- err
		}()
	}
	runs.Store(0)
	surprise.Store(true)
	defer surprise.Store(false)
	close(gates[0]) // all become ready at once
	for i := range many {
		if i == many-1 {
			close(gates[1])
		}
		if err := <-ended; err != nil {
			t.Fatalf("task %d: %v", i, err)
		}
	}
	if n := runs.Load(); n != many {
		t.Errorf("%d runs of %d tasks", n, many)
	}
}
