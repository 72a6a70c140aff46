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

type Counted struct {
	Path  string
	Words int
}

var Count = muster.Func("count", func(ctx context.Context, path string) (Counted, error) {
	text, err := os.ReadFile(path)
	return Counted{path, len(bytes.Fields(text))}, err
})

func main() { muster.Main(run) }

func run(ctx context.Context) error {
	for c, err := range Count.Map(ctx, slices.Values(os.Args[1:])) { // in order, on all cores
		if err != nil {
			return err
		}
		fmt.Println(c.Words, c.Path)
	}
	return nil
}
