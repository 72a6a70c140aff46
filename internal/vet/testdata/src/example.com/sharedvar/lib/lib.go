// Package lib has no Main: what starts tasks can't be package initialisation.
package lib

import (
	"context"

	"github.com/musterrun/muster"
)

var (
	width  = 1
	preset = 1
)

var cut = muster.Func("cut", muster.Plain(func(s string) string { return s[:width+preset] }))

// Cut starts tasks.
func Cut(ctx context.Context, s string, n int) (string, error) {
	width = n // want `lib.width is written while tasks run`
	return cut.Call(ctx, s)
}

// SetPreset may be called in init.
func SetPreset(n int) { preset = n }
