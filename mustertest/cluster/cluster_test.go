package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

func TestMain(m *testing.M) {
	part := os.Getenv("MUSTER_TEST_ROLE") + os.Getenv("MUSTER_WORKER")
	code := cluster.Main(m)
	if code == 0 && part == "" {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var (
	inc = muster.Func("cluster.inc", func(_ context.Context, x int) (int, error) { return x + 1, nil })
	pid = muster.Func("cluster.pid", func(context.Context, int) (int, error) { return os.Getpid(), nil })
	bad = muster.Func("cluster.bad", func(_ context.Context, x int) (int, error) { return 0, os.ErrNotExist })
	fib *muster.Function[int, int]
)

func init() {
	fib = muster.Func("cluster.fib", func(ctx context.Context, n int) (int, error) {
		if n < 2 {
			return n, nil
		}
		a, b := fib.Go(ctx, n-1), fib.Go(ctx, n-2)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	})
}

func TestTasksRunInOtherProcesses(t *testing.T) {
	ctx := cluster.Start(t, 2).Context()
	got, err := pid.Call(ctx, 0)
	if err != nil || got == os.Getpid() || got == 0 {
		t.Fatal(got, err)
	}
	refs := make([]muster.Ref[int], 1000)
	for i := range refs {
		refs[i] = inc.Go(ctx, i)
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i+1 || err != nil {
			t.Fatal(v, err)
		}
	}
	n := 0
	for v, err := range inc.Map(ctx, count(100_000)) {
		if n++; v != n || err != nil {
			t.Fatal(v, err)
		}
	}
	if v, err := fib.Call(ctx, 10); v != 55 || err != nil {
		t.Error(v, err)
	}
	if _, err := bad.Call(ctx, 0); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}
