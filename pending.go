package muster

import (
	"context"
	"iter"

	"github.com/musterrun/muster/internal/engine"
)

// Completed yields the refs with their indices as they finish. Leaving the loop cancels nothing. When ctx ends, the
// rest come at once, and their Get says why. Inside a task, the task's CPU slot is lent while the loop waits.
func Completed[T any](ctx context.Context, refs ...Ref[T]) iter.Seq2[int, Ref[T]] {
	return func(yield func(int, Ref[T]) bool) {
		var p Pending[int, T]
		for i, r := range refs {
			p.Add(i, r)
		}
		for i, r := range p.Completed(ctx) {
			if !yield(i, r) {
				return
			}
		}
	}
}

// Pending is a set of Refs in flight, each with a key of yours. The zero value is empty and ready. It may be used by
// several goroutines.
type Pending[K, T any] struct {
	p engine.Pending[K, T]
}

// Add puts a Ref into the set. Inside the loop over Completed it makes the loop longer.
func (p *Pending[K, T]) Add(k K, r Ref[T]) { p.p.Add(k, r.typed()) }

// Len is the number of Refs that Completed has not yielded.
func (p *Pending[K, T]) Len() int { return p.p.Len() }

// Completed yields the Refs as they finish, until none is left. Leaving the loop keeps the rest in the set. When ctx
// ends, the rest come at once, and their Get says why.
func (p *Pending[K, T]) Completed(ctx context.Context) iter.Seq2[K, Ref[T]] {
	return func(yield func(K, Ref[T]) bool) {
		for {
			k, t, ok := p.p.Next(ctx)
			if !ok || !yield(k, Ref[T]{t}) {
				return
			}
		}
	}
}

// Collect gathers a sequence's values up to its first error, which it returns with them.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}
