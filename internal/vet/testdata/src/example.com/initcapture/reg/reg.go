// Package reg registers functions for others.
package reg

import (
	"context"
	"os"
	"strings"

	"github.com/musterrun/muster"
)

// Named registers a function that captures n and ignores label.
func Named(name string, n int, label string) *muster.Function[int, int] {
	println(label)
	return muster.Func(name, func(_ context.Context, x int) (int, error) { return x * n, nil })
}

// Twice calls what registers.
func Twice(n int) { Named("twice", n, "") }

// Mode comes from the environment.
func Mode() string {
	mode := os.Getenv("MODE")
	return strings.ToLower(mode)
}

// Home is set from the environment.
var Home = os.Getenv("HOME")

// Version isn't.
var Version = strings.TrimSpace(" 1 ")
