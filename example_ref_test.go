package muster_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterrun/muster"
)

// A Ref is a future: Get waits for the result. In Ray: ray.get(ref), in Dask: future.result().
func ExampleRef_Get() {
	ctx := context.Background()
	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	ref := square.Go(ctx, 12)
	fmt.Println(ref.Get(ctx))
	// Output: 144 <nil>
}

// A task starts when the Refs in its argument are ready, so it takes their values without waiting.
func ExampleRef_Value() {
	type order struct {
		Price muster.Ref[int]
		Count int
	}
	ctx := context.Background()
	price := muster.Local(muster.Plain(func(item string) int { return len(item) }))
	total := muster.Local(muster.Plain(func(o order) int { return o.Price.Value() * o.Count }))
	fmt.Println(total.Call(ctx, order{Price: price.Go(ctx, "cake"), Count: 3}))
	// Output: 12 <nil>
}

// Wait is for tasks whose result doesn't matter.
func ExampleRef_Wait() {
	ctx := context.Background()
	check := muster.Local(muster.PlainErr(func(n int) (struct{}, error) {
		if n < 0 {
			return struct{}{}, errors.New("negative")
		}
		return struct{}{}, nil
	}))
	good, bad := check.Go(ctx, 1), check.Go(ctx, -1)
	fmt.Println(good.Wait(ctx) == nil, bad.Wait(ctx) == nil)
	// Output: true false
}

// Done stands in a select beside other events.
func ExampleRef_Done() {
	ctx := context.Background()
	ticks := make(chan int)
	slow := muster.Local(func(_ context.Context, n int) (string, error) {
		for i := range n {
			ticks <- i
		}
		return "finished", nil
	})
	ref := slow.Go(ctx, 2)
	for {
		select {
		case i := <-ticks:
			fmt.Println("tick", i)
		case <-ref.Done(ctx):
			fmt.Println(ref.Get(ctx))
			return
		}
	}
	// Output:
	// tick 0
	// tick 1
	// finished <nil>
}

// Cancel ends the context of a function that runs.
func ExampleRef_Cancel() {
	ctx := context.Background()
	started := make(chan struct{})
	forever := muster.Local(func(ctx context.Context, _ struct{}) (int, error) {
		close(started)
		<-ctx.Done()
		return 0, ctx.Err()
	})
	ref := forever.Go(ctx, struct{}{})
	<-started
	ref.Cancel()
	err := ref.Wait(ctx)
	fmt.Println(errors.Is(err, muster.ErrCanceled), errors.Is(err, context.Canceled))
	// Output: true true
}

// The zero Ref stands for no task, as in an optional part of an argument.
func ExampleRef_IsZero() {
	type sum struct{ A, B muster.Ref[int] }
	ctx := context.Background()
	add := muster.Local(muster.Plain(func(s sum) int {
		if s.B.IsZero() {
			return s.A.Value()
		}
		return s.A.Value() + s.B.Value()
	}))
	one := muster.Put(ctx, 1)
	fmt.Println(add.Call(ctx, sum{A: one}))
	fmt.Println(add.Call(ctx, sum{A: one, B: one}))
	// Output:
	// 1 <nil>
	// 2 <nil>
}
