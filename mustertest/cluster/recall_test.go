package cluster_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// surprising is a task of a batch; without a Dir it is as short as those before it.
type surprising struct {
	Dir string
	N   int
}

var (
	slowRuns atomic.Int64 // of this process, if it is the slow one
	isSlow   atomic.Bool
	surprise = muster.Func("cluster.surprise", func(ctx context.Context, s surprising) (int, error) {
		if s.Dir == "" {
			return s.N, nil
		}
		once, err := os.OpenFile(filepath.Join(s.Dir, strconv.Itoa(s.N)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err // it has run before
		}
		_ = once.Close()
		if f, err := os.OpenFile(filepath.Join(s.Dir, "slow"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
			_ = f.Close()
			isSlow.Store(true)
		}
		if isSlow.Load() && slowRuns.Add(1) <= 2 { // as many as the node has CPUs
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return s.N, nil
	})
)

// Of many tasks that were short until now some take long, on all CPUs of a node. What lies behind them runs on the other
// node, and nothing runs twice.
func TestASurpriseHoldsUpNobody(t *testing.T) {
	ctx := cluster.Start(t, 2).Context()
	for v, err := range surprise.Map(ctx, func(yield func(surprising) bool) {
		for i := range 1000 {
			if !yield(surprising{N: i}) {
				return
			}
		}
	}) {
		if err != nil {
			t.Fatal(v, err)
		}
	}
	const many = 400
	var warm, refs []muster.Ref[int]
	for i := range many {
		warm = append(warm, surprise.Go(ctx, surprising{N: i}))
	}
	for _, r := range warm {
		if err := r.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	var all muster.Pending[int, int]
	for i := range many {
		refs = append(refs, surprise.Go(ctx, surprising{dir, i}))
		all.Add(i, refs[i])
	}
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ended := 0
	for i, r := range all.Completed(limited) {
		v, err := r.Get(limited)
		if err != nil || v != i {
			t.Fatalf("task %d: %d, %v; %d had ended", i, v, err, ended)
		}
		if ended++; ended == many-2 {
			break
		}
	}
	for _, r := range refs {
		r.Cancel()
	}
	for _, r := range refs {
		_ = r.Wait(ctx)
	}
}
