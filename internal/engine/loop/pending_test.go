package loop_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// A task in the driver that starts more than may be pending waits while others are ready, though no node takes them yet.
func TestMaxPendingWithoutNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := engine.Open(engine.Config{
			CPUs: 1, Concurrency: 1, Grace: time.Second, UnsatisfiableAfter: time.Hour, Carrier: &hand{}, MaxPending: 8,
		}, engine.Trial{})
		local := &engine.Fn[int, int]{}
		local.Name, local.Local, local.Opts = "local", true, engine.Options{CPUs: 1}
		local.InPlan, local.OutPlan, local.InRefs, local.OutRefs = inc.InPlan, inc.OutPlan, inc.InRefs, inc.OutRefs
		local.Do = func(ctx context.Context, n int) (int, error) {
			for i := range n {
				remoteOnly.Go(ctx, i)
			}
			return n, nil
		}
		r := local.Go(s.Context(t.Context()), 20)
		given := 0
		for ; given < 20-7; given++ {
			synctest.Wait()
			if n := s.ListTasks(&protocol.AskTasks{Most: 100}).Tasks; len(n) != 8 {
				t.Fatalf("%d haven't ended, and 8 may be pending", len(n))
			}
			s.Outcomes(ended("a", takes(s, "a"), 1))
		}
		synctest.Wait()
		gives(t.Context(), t, r, 20)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
