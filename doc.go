// Package muster runs typed Go functions in parallel: over the cores of one machine with no set-up.
//
// There are three nouns. A [Function] is a named, typed function, made by [Func] (or [Local], for a closure). Calling
// it gives a [Ref]: a future and an object reference in one. A [Session], carried by the context, is where all of it
// runs; without one it is the process's own goroutines.
//
//	var Square = muster.Func("square", muster.Plain(func(x int) int { return x * x }))
//
//	func main() { muster.Main(run) }
//
//	func run(ctx context.Context) error {
//		for v, err := range Square.Map(ctx, slices.Values([]int{1, 2, 3})) { // in order, on all cores
//			...
//		}
//		a, b := Square.Go(ctx, 4), Square.Go(ctx, 5) // start now
//		sum := Add.Go(ctx, Pair{a, b})               // starts when both are ready
//		v, err := sum.Get(ctx)
//		...
//	}
//
// # What it costs
//
// A task costs about a microsecond, an item of a [Function.Map] some tens of nanoseconds; docs/costs.md has the
// measurements. Values are passed by reference within the process: arguments and results must not be changed after they
// are passed. mustertest's sessions, and [Config].Strict, check that.
//
// # What it promises
//
// docs/guarantees.md says what holds when something fails, ends early, or waits.
package muster
