package muster_test

import (
	"context"
	"slices"
	"testing"

	"github.com/musterrun/muster"
)

// nestedPicks adds up the tasks that the items of its Map start.
var nestedPicks *muster.Function[int, int]

func init() {
	nestedPicks = muster.Func("nested.picks", func(ctx context.Context, n int) (sum int, err error) {
		for r, err := range resumePick.Map(ctx, slices.Values(upTo(n))) {
			if err != nil {
				return 0, err
			}
			v, err := r.Get(ctx)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
}

// Refs in the results of a Map mean something to the task that ranges over it.
func TestMapOfTasksInsideATask(t *testing.T) {
	s, ctx, err := muster.Open(t.Context(), muster.Config{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := nestedPicks.Call(ctx, 3); v != 606 || err != nil {
		t.Error(v, err)
	}
}
