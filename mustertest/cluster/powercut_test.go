package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// The head's machine loses its power: what its disk lacks then is there again, exactly, for this driver and for the next
// one, on another machine; and nothing runs twice.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	c, dir := cluster.Start(t, 2), t.TempDir()
	config := c.Config()
	config.Job = "cut"
	life := func(run func(ctx context.Context)) {
		t.Helper()
		s, ctx, err := muster.Open(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		run(ctx)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	const n = 3000
	life(func(ctx context.Context) {
		refs := start(ctx, dir, n)
		_, _ = refs[n/4].Get(ctx)
		c.StopHead()
		found, err := filepath.Glob(filepath.Join(filepath.Dir(config.CacheDir), "*", "head", "nats"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		older := t.TempDir()
		if err := os.CopyFS(older, os.DirFS(found[0])); err != nil {
			t.Fatal(err)
		}
		c.StartHead()
		_, _ = refs[n/2].Get(ctx)
		c.StopHead()
		if err := errors.Join(os.RemoveAll(found[0]), os.CopyFS(found[0], os.DirFS(older))); err != nil {
			t.Fatal(err)
		}
		c.StartHead()
		check(t, ctx, refs)
	})
	if err := os.RemoveAll(filepath.Join(config.CacheDir, "jobs")); err != nil {
		t.Fatal(err)
	}
	life(func(ctx context.Context) { check(t, ctx, start(ctx, dir, n)) })
	if ran, _ := executions(t, dir); ran != n {
		t.Errorf("%d executions of %d", ran, n)
	}
}
