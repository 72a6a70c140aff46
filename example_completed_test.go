package muster_test

import (
	"context"
	"fmt"

	"github.com/musterrun/muster"
)

// Refs in the order in which they finish; in Dask: as_completed(futures), in Ray: ray.wait in a loop.
func ExampleCompleted() {
	ctx := context.Background()
	turn := []chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	wait := muster.Local(func(_ context.Context, i int) (string, error) {
		<-turn[i]
		return fmt.Sprintf("result %d", i), nil
	}, muster.IO())
	refs := []muster.Ref[string]{wait.Go(ctx, 0), wait.Go(ctx, 1), wait.Go(ctx, 2)}
	close(turn[2])
	for i, ref := range muster.Completed(ctx, refs...) {
		fmt.Println(ref.Get(ctx))
		if i > 0 {
			close(turn[i-1]) // the one before may finish now
		}
	}
	// Output:
	// result 2 <nil>
	// result 1 <nil>
	// result 0 <nil>
}

// A set of Refs that grows while it is worked off: each number leads to the next one of its Collatz sequence.
func ExamplePending() {
	ctx := context.Background()
	next := muster.Local(muster.Plain(func(n int) int {
		if n%2 == 0 {
			return n / 2
		}
		return 3*n + 1
	}))
	type step struct{ Start, Steps int }
	var live muster.Pending[step, int]
	for _, start := range []int{6, 7, 27} {
		live.Add(step{start, 1}, next.Go(ctx, start))
	}
	for s, ref := range live.Completed(ctx) {
		n, err := ref.Get(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if n == 1 {
			fmt.Println(s.Start, "takes", s.Steps, "steps")
			continue
		}
		live.Add(step{s.Start, s.Steps + 1}, next.Go(ctx, n))
	}
	// Unordered output:
	// 6 takes 8 steps
	// 7 takes 16 steps
	// 27 takes 111 steps
}
