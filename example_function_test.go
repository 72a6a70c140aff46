package muster_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/musterrun/muster"
)

// Local takes any function, such as one that captures a variable; it stays in this process.
func ExampleLocal() {
	prices := map[string]int{"tea": 3, "cake": 5}
	price := muster.Local(muster.Plain(func(item string) int { return prices[item] }))
	fmt.Println(muster.Collect(price.Map(context.Background(), slices.Values([]string{"cake", "tea"}))))
	// Output: [5 3] <nil>
}

// Plain takes functions as they are found in the standard library.
func ExamplePlain() {
	sqrt := muster.Local(muster.Plain(math.Sqrt))
	fmt.Println(sqrt.Call(context.Background(), 2.25))
	// Output: 1.5 <nil>
}

// PlainErr takes functions that may fail.
func ExamplePlainErr() {
	parse := muster.Local(muster.PlainErr(strconv.Atoi))
	_, err := parse.Call(context.Background(), "12x")
	fmt.Println(errors.Is(err, strconv.ErrSyntax))
	// Output: true
}

// A copy with other options, for one place; in Ray: f.options(max_retries=2).
func ExampleFunction_With() {
	var tries atomic.Int32
	flaky := muster.Local(muster.PlainErr(func(x int) (int, error) {
		if tries.Add(1) < 3 {
			return 0, errors.New("not yet")
		}
		return x, nil
	}))
	fmt.Println(flaky.With(muster.Retries(2)).Call(context.Background(), 7))
	// Output: 7 <nil>
}

// Items that differ much in cost: with their weights, no core is left with all the heavy ones.
func ExampleFunction_Weight() {
	count := muster.Local(muster.Plain(func(text string) int { return len(strings.Fields(text)) })).
		Weight(func(text string) float64 { return float64(1 + len(text)) })
	texts := []string{"", "a word", strings.Repeat("word ", 1000)}
	fmt.Println(muster.Collect(count.Map(context.Background(), slices.Values(texts))))
	// Output: [0 2 1000] <nil>
}

// Go starts a task and gives a Ref of its result; in Ray: f.remote(x), in Dask: client.submit(f, x).
func ExampleFunction_Go() {
	ctx := context.Background()
	square := muster.Local(muster.Plain(func(x int) int { return x * x }))
	a, b := square.Go(ctx, 3), square.Go(ctx, 4) // both run now
	fmt.Println(a.Get(ctx))
	fmt.Println(b.Get(ctx))
	// Output:
	// 9 <nil>
	// 16 <nil>
}

// A task that starts when another one's result is there; nobody waits in between.
func ExampleFunction_From() {
	ctx := context.Background()
	parse := muster.Local(muster.PlainErr(strconv.Atoi))
	double := muster.Local(muster.Plain(func(x int) int { return 2 * x }))
	fmt.Println(double.From(ctx, parse.Go(ctx, "21")).Get(ctx))
	// Output: 42 <nil>
}

// Call waits for the result, as a call of the function would.
func ExampleFunction_Call() {
	upper := muster.Local(muster.Plain(strings.ToUpper))
	fmt.Println(upper.Call(context.Background(), "muster"))
	// Output: MUSTER <nil>
}
