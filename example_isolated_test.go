package muster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/musterrun/muster"
)

// A library that ends the process when it doesn't like its input, as C libraries do.
var isolatedParse = muster.Func("isolatedexample.parse", muster.PlainErr(func(text string) (int, error) {
	switch text {
	case "crash":
		os.Exit(3)
	case "":
		return 0, errors.New("empty")
	}
	return len(text), nil
}), muster.Isolated())

// What may crash runs in a process of its own. It has no Output: each item starts a copy of the program at Main.
func ExampleIsolated() {
	muster.Main(func(ctx context.Context) error {
		for n, err := range isolatedParse.Map(ctx, slices.Values([]string{"four", "", "crash", "fifty"})) {
			fmt.Println(n, err) // the third one's error says how its process ended; the others are none the worse for it
		}
		return nil
	})
}
