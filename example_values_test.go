package muster_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/musterrun/muster"
)

// Put makes a Ref of a value at hand, for an argument that wants one; in Ray: ray.put(x), in Dask: client.scatter(x).
func ExamplePut() {
	type search struct {
		Text muster.Ref[string]
		Word string
	}
	ctx := context.Background()
	count := muster.Local(muster.Plain(func(s search) int { return strings.Count(s.Text.Value(), s.Word) }))
	text := muster.Put(ctx, "a rose is a rose is a rose")
	fmt.Println(count.Call(ctx, search{text, "rose"}))
	fmt.Println(count.Call(ctx, search{text, "is"}))
	// Output:
	// 3 <nil>
	// 2 <nil>
}

// Many Refs become one; in Ray: ray.get(refs), in Dask: client.gather(futures).
func ExampleGather() {
	ctx := context.Background()
	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	var refs []muster.Ref[int]
	for x := range 4 {
		refs = append(refs, square.Go(ctx, x))
	}
	fmt.Println(muster.Gather(ctx, refs...).Get(ctx))
	// Output: [0 1 4 9] <nil>
}

// A task with several results, each of which goes its own way; in Ray: f.options(num_returns=2).
func ExampleSplit() {
	ctx := context.Background()
	cut := muster.Local(muster.Plain(func(s string) []string { return strings.SplitN(s, "=", 2) }))
	upper := muster.Local(muster.Plain(strings.ToUpper))
	halves := muster.Split(ctx, cut.Go(ctx, "key=value"), 2)
	fmt.Println(upper.From(ctx, halves[0]).Get(ctx))
	fmt.Println(halves[1].Get(ctx))
	// Output:
	// KEY <nil>
	// value <nil>
}

// A task that starts another one and returns its Ref doesn't hold a core while it waits.
func ExampleFlatten() {
	ctx := context.Background()
	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	choose := muster.Local(func(ctx context.Context, x int) (muster.Ref[int], error) {
		if x < 0 {
			return muster.Put(ctx, 0), nil
		}
		return square.Go(ctx, x), nil
	})
	fmt.Println(muster.Flatten(ctx, choose.Go(ctx, 5)).Get(ctx))
	fmt.Println(muster.Flatten(ctx, choose.Go(ctx, -5)).Get(ctx))
	// Output:
	// 25 <nil>
	// 0 <nil>
}

// A tree of merges that keeps the order; it begins before the last value is there. In Dask: bag.fold.
func ExampleReduce() {
	ctx := context.Background()
	letter := muster.Local(muster.Plain(func(i int) string { return string(rune('a' + i)) }))
	join := muster.Local(muster.Plain(func(parts []string) string { return strings.Join(parts, "") }))
	var letters []muster.Ref[string]
	for i := range 26 {
		letters = append(letters, letter.Go(ctx, i))
	}
	fmt.Println(muster.Reduce(ctx, join, letters).Get(ctx))
	// Output: abcdefghijklmnopqrstuvwxyz <nil>
}

// Lazy calls run when their result is asked for, and only those it needs; in Dask: delayed and compute.
func ExampleLazy() {
	lazy := muster.Lazy(context.Background())
	load := muster.Local(muster.Plain(func(name string) int {
		fmt.Println("load", name)
		return len(name)
	}))
	double := muster.Local(muster.Plain(func(n int) int { return 2 * n }))
	needed := double.From(lazy, load.Go(lazy, "needed"))
	unneeded := double.From(lazy, load.Go(lazy, "unneeded"))
	fmt.Println("nothing runs yet")
	fmt.Println(needed.Get(context.Background()))
	unneeded.Cancel()
	// Output:
	// nothing runs yet
	// load needed
	// 12 <nil>
}
