package cluster_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// A task that kills its worker fails after three of them, and no other task suffers.
func TestPoison(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	file := t.TempDir() + "/deaths"
	bad := crash.Go(ctx, file)
	refs := make([]muster.Ref[int], 50)
	for i := range refs {
		refs[i] = inc.Go(ctx, i)
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i+1 || err != nil {
			t.Fatal(v, err)
		}
	}
	_, err := bad.Get(ctx)
	if err == nil || !strings.Contains(err.Error(), "its worker died 3 times while it ran alone") {
		t.Error(err)
	}
	if deaths, _ := os.ReadFile(file); len(deaths) < 3 || len(deaths) > 4 {
		t.Errorf("it ran %d times", len(deaths))
	}
}

func TestAtMostOnceAfterADeath(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	file := t.TempDir() + "/deaths"
	_, err := crash.With(muster.AtMostOnce()).Call(ctx, file)
	if !errors.Is(err, muster.ErrMaybeRan) {
		t.Error(err)
	}
	if deaths, _ := os.ReadFile(file); len(deaths) != 1 {
		t.Errorf("it ran %d times", len(deaths))
	}
}

var isolatedInside = muster.Func("cluster.isolatedinside", func(ctx context.Context, _ int) (int, error) {
	return pid.With(muster.Isolated()).Call(ctx, 0)
})

func TestIsolated(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	usual, err := pid.Call(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := pid.With(muster.Isolated()).Call(ctx, 0)
	two, err2 := pid.With(muster.Isolated()).Call(ctx, 0)
	if err := errors.Join(err1, err2); err != nil || one == two || one == usual || two == usual {
		t.Error(usual, one, two, err)
	}
	inside, err := isolatedInside.Call(ctx, 0)
	if err != nil || inside == usual {
		t.Error("a copy that a task calls runs in the shared worker:", inside, err)
	}
	file := t.TempDir() + "/deaths"
	_, err = crash.With(muster.Isolated()).Call(ctx, file)
	if deaths, _ := os.ReadFile(file); err == nil || !strings.Contains(err.Error(), "died 3 times") || len(deaths) != 3 {
		t.Errorf("it ran %d times: %v", len(deaths), err)
	}
}

var stubborn = muster.Func("cluster.stubborn", func(context.Context, int) (int, error) {
	select {} // it ignores its context
})

// A task that ignores its cancel costs its worker, and no other task.
func TestStubbornTask(t *testing.T) {
	c := cluster.Start(t, 1)
	cfg := c.Config()
	cfg.Grace = 300 * time.Millisecond
	s, ctx, err := muster.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := pid.Call(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := stubborn.Call(short, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for range 200 { // until the worker was replaced
		after, err := pid.Call(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		if after != before {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Error("the worker that runs it is still in use")
}
