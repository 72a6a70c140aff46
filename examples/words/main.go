// Words counts the words of the files it is given, in parallel.
//
//	go run ./examples/words README.md doc.go
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/musterrun/muster"
)

var Count = muster.Func("count", func(ctx context.Context, path string) (int, error) {
	text, err := os.ReadFile(path)
	return len(bytes.Fields(text)), err
})

func main() { muster.Main(run) }

func run(ctx context.Context) error {
	for n, err := range Count.Map(ctx, slices.Values(os.Args[1:])) { // in order, on all cores
		fmt.Println(n, err)
	}
	return nil
}
