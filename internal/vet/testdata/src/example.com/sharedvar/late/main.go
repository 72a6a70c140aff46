package main

import (
	"context"
	"flag"

	"github.com/musterrun/muster"
)

var (
	size  = flag.Int("size", 1, "")
	depth int
	label string
)

func init() { flag.IntVar(&depth, "depth", 1, "") }

var work = muster.Func("late.work", muster.Plain(func(x int) int { return *size + depth + len(label) }))

func main() {
	label = "x"
	if *size > 9 {
		_, _ = work.Call(context.Background(), 1)
		return
	}
	muster.Main(run)
}

func run(ctx context.Context) error {
	flag.Parse() // want `late.size is written` `late.depth is written`
	return do(ctx)
}

func do(ctx context.Context) error {
	_, err := work.Call(ctx, 1)
	return err
}
