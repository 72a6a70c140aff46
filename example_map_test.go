package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/musterrun/muster"
)

// A parallel loop: the results come in the order of the items, and an item that fails doesn't end it.
func ExampleFunction_Map() {
	parse := muster.Local(muster.PlainErr(strconv.Atoi))
	for n, err := range parse.Map(context.Background(), slices.Values([]string{"1", "two", "3"})) {
		if failed := (*muster.TaskError)(nil); errors.As(err, &failed) {
			fmt.Println("item", failed.Item, "isn't a number")
			continue
		}
		fmt.Println(n)
	}
	// Output:
	// 1
	// item 1 isn't a number
	// 3
}

// Two steps in a row: the second one begins while the first still runs, and the first one's errors keep their place.
func ExampleFunction_Pipe() {
	ctx := context.Background()
	parse := muster.Local(muster.PlainErr(strconv.Atoi))
	square := muster.Local(muster.Plain(func(n int) int { return n * n }))
	numbers := parse.Map(ctx, strings.SplitSeq("1 two 3", " "))
	for n, err := range square.Pipe(ctx, numbers) {
		fmt.Println(n, err != nil)
	}
	// Output:
	// 1 false
	// 0 true
	// 9 false
}

// Results as they finish, each with its item; in joblib: return_as="generator_unordered".
func ExampleFunction_Unordered() {
	length := muster.Local(muster.Plain(func(s string) int { return len(s) }))
	for r := range length.Unordered(context.Background(), slices.Values([]string{"a", "bcd", "ef"})) {
		fmt.Println(r.Index, r.In, r.Out, r.Err)
	}
	// Unordered output:
	// 0 a 1 <nil>
	// 1 bcd 3 <nil>
	// 2 ef 2 <nil>
}

// All results as a slice, or the first error with the results before it.
func ExampleCollect() {
	ctx := context.Background()
	parse := muster.Local(muster.PlainErr(strconv.Atoi))
	fmt.Println(muster.Collect(parse.Map(ctx, strings.SplitSeq("1 2 3", " "))))
	n, err := muster.Collect(parse.Map(ctx, strings.SplitSeq("1 two 3", " ")))
	fmt.Println(n, errors.Is(err, strconv.ErrSyntax))
	// Output:
	// [1 2 3] <nil>
	// [1] true
}
