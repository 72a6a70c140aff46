package muster_test

import (
	"context"
	"fmt"

	"github.com/musterrun/muster"
)

// A function that calls itself is set in init: in a variable's declaration it would be an initialisation cycle.
var fib *muster.Function[int, int]

func init() { fib = muster.Func("nested.fib", fibonacci) }

func fibonacci(ctx context.Context, n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	a := fib.Go(ctx, n-1)
	b, err := fib.Call(ctx, n-2)
	if err != nil {
		return 0, err
	}
	c, err := a.Get(ctx)
	return b + c, err
}

// Tasks that start tasks, to any depth: one that waits lends its core to the others. In Dask: worker_client, or secede.
func Example_nested() {
	fmt.Println(fib.Call(context.Background(), 15))
	// Output: 610 <nil>
}
