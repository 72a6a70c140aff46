package muster_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/musterrun/muster"
)

var isPrime = muster.Func("func.prime", func(_ context.Context, n int64) (bool, error) {
	return big.NewInt(n).ProbablyPrime(10), nil
})

// A function gets a name and a package variable, as @ray.remote and @python_app decorate one.
func ExampleFunc() {
	ctx := context.Background()
	fmt.Println(isPrime.Call(ctx, 1_000_003))
	fmt.Println(muster.Collect(isPrime.Map(ctx, slices.Values([]int64{2, 3, 4, 5}))))
	// Output:
	// true <nil>
	// [true true false true] <nil>
}
