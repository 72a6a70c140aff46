// Package help waits for others.
package help

import (
	"context"

	"github.com/musterrun/muster"
)

// Total waits with a context of its own.
func Total(r muster.Ref[int]) int {
	n, _ := r.Get(context.Background())
	return n
}

// TotalContext doesn't.
func TotalContext(ctx context.Context, r muster.Ref[int]) int {
	n, _ := r.Get(ctx)
	return n
}
