package muster_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/musterrun/muster"
)

var mainSquare = muster.Func("mainexample.square", muster.Plain(func(x int) int { return x * x }))

// A program's main function: progress on a terminal, Ctrl-C, a report of what failed and the exit code.
func ExampleMain() {
	muster.Main(func(ctx context.Context) error {
		for v, err := range mainSquare.Map(ctx, slices.Values([]int{1, 2, 3})) {
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
		return nil
	})
}
