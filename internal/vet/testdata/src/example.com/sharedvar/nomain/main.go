// Without Main a program is one process.
package main

import (
	"context"

	"github.com/musterrun/muster"
)

var width = 1

var cut = muster.Func("nomain.cut", muster.Plain(func(s string) string { return s[:width] }))

func main() {
	width = 2
	all(context.Background())
}

func all(ctx context.Context) {
	width = 3
	_, _ = cut.Call(ctx, "abc")
}
