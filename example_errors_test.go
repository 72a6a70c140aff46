package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/musterrun/muster"
)

var errorsInvert = muster.Func("errors.invert", muster.Plain(func(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return 100 / n
}))

// A TaskError says which function failed, on which item and at which attempt; a panic comes with its stack.
func ExampleTaskError() {
	for v, err := range errorsInvert.Map(context.Background(), slices.Values([]string{"5", "0", "x"})) {
		var failed *muster.TaskError
		if errors.As(err, &failed) {
			fmt.Println(failed.Func, failed.Item, failed.Attempt, failed.Err, failed.Stack != "")
			fmt.Println(err)
			continue
		}
		fmt.Println(v)
	}
	// Output:
	// 20
	// errors.invert 1 1 panic: runtime error: integer divide by zero true
	// errors.invert: item 1: panic: runtime error: integer divide by zero
	// errors.invert 2 1 panic: strconv.Atoi: parsing "x": invalid syntax true
	// errors.invert: item 2: panic: strconv.Atoi: parsing "x": invalid syntax
}
