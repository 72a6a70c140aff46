package muster_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/musterrun/muster"
)

var (
	joinSquare = muster.Func("join.square", muster.Plain(func(x int) int { return x * x }))
	joinDecide = muster.Func("join.decide", joinTasks)
)

// joinTasks decides what is to run, starts it and returns without waiting: its slot is free at once.
func joinTasks(ctx context.Context, text string) (muster.Ref[[]int], error) {
	var refs []muster.Ref[int]
	for word := range strings.FieldsSeq(text) {
		refs = append(refs, joinSquare.Go(ctx, len(word)))
	}
	return muster.Gather(ctx, refs...), nil
}

// A task that returns tasks: Flatten gives what they give, and nobody waits in between.
// In Parsl: a @join_app that returns a list of futures.
func Example_tasksFromTasks() {
	ctx := context.Background()
	squares := muster.Flatten(ctx, joinDecide.Go(ctx, "a bc def"))
	fmt.Println(squares.Get(ctx))
	// Output: [1 4 9] <nil>
}
