// Package clock asks for the time.
package clock

import (
	"context"
	"time"

	"github.com/musterrun/muster"
)

// Year is this one.
func Year() int { return now().Year() }

func now() time.Time { return time.Now() }

// Age isn't cached here.
var Age = muster.Func("age", muster.Plain(func(born int) int { return Year() - born }))

// Twice is the same each time.
var Twice = muster.Func("twice", func(_ context.Context, x int) (int, error) { return 2 * x, nil })
