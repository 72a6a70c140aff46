// Package reg registers functions for others, and says what the host has.
package reg

import (
	"context"
	"os"

	"github.com/musterrun/muster"
)

// Register registers if asked to.
func Register(name string, really bool) {
	if !really {
		return
	}
	muster.Func(name, func(context.Context, int) (int, error) { return 0, nil })
}

// All registers.
func All() {
	muster.Func("all", func(context.Context, int) (int, error) { return 0, nil })
}

// GPU reports whether the host has one.
func GPU() (found bool) {
	_, err := os.Stat("/dev/gpu")
	found = err == nil
	return
}
