package muster_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/musterrun/muster"
)

// onceCopy, if it is set, gets a copy of the folder that onceFrom names while the function runs: what a machine would
// have on its disk if it lost its power then.
var (
	onceFrom, onceCopy string
	onceRuns           atomic.Int64

	onceFunc = muster.Func("once.func", func(_ context.Context, x int) (int, error) {
		onceRuns.Add(1)
		if onceCopy != "" {
			to := onceCopy
			onceCopy = ""
			if err := os.CopyFS(to, os.DirFS(onceFrom)); err != nil {
				return 0, err
			}
		}
		if x < 0 {
			return 0, errors.New("negative")
		}
		return x, nil
	}, muster.AtMostOnce())
)

// What must not run twice doesn't when its process was lost: the job that goes on says that it may have run.
func TestAtMostOnceOverALoss(t *testing.T) {
	if os.Getenv("MUSTER_TEST_LOOP") != "" {
		t.Skip("on a cluster it is the head's journal that tells it: see mustertest/cluster")
	}
	programs := map[string]func(ctx context.Context) (int, error){
		"Call": func(ctx context.Context) (int, error) { return onceFunc.Call(ctx, 5) },
		"Map": func(ctx context.Context) (int, error) {
			for v, err := range onceFunc.Map(ctx, slices.Values([]int{5})) {
				return v, err
			}
			return 0, nil
		},
	}
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			life := func(dir string) (v int, err error) {
				s, ctx, bad := muster.Open(t.Context(), muster.Config{CPUs: 1, Job: "j", CacheDir: dir})
				if bad != nil {
					t.Fatal(bad)
				}
				v, err = p(ctx)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return v, err
			}
			dir, lost := t.TempDir(), t.TempDir()
			onceFrom, onceCopy = dir, lost
			before := onceRuns.Load()
			if v, err := life(dir); v != 5 || err != nil {
				t.Error(v, err)
			}
			if v, err := life(dir); v != 5 || err != nil {
				t.Error("again:", v, err)
			}
			for range 2 {
				if v, err := life(lost); !errors.Is(err, muster.ErrMaybeRan) {
					t.Error("after a loss:", v, err)
				}
			}
			if n := onceRuns.Load() - before; n != 1 {
				t.Errorf("it ran %d times", n)
			}
		})
	}
}

// A failure of what must not run twice stands when the job goes on.
func TestAtMostOnceThatFailed(t *testing.T) {
	c := muster.Config{CPUs: 1, Job: "j", CacheDir: t.TempDir()}
	before := onceRuns.Load()
	for range 3 {
		s, ctx, err := muster.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := onceFunc.Call(ctx, -1); err == nil || errors.Is(err, muster.ErrMaybeRan) {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := onceRuns.Load() - before; n != 1 {
		t.Errorf("it ran %d times", n)
	}
}
