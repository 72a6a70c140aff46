package muster

import (
	"context"
	"errors"

	"github.com/musterrun/muster/internal/engine"
)

// Put makes a Ref of a value at hand, so that it can be passed where a Ref is wanted. The value must not be changed
// afterwards. Get, Wait and iteration report errors.
func Put[T any](ctx context.Context, v T) Ref[T] {
	return Ref[T]{engine.Put(ctx, v)}
}

// Gather makes one Ref of the values of many, in their order. It waits for all of them and fails with the failed one of
// lowest index. No task runs for it.
func Gather[T any](ctx context.Context, refs ...Ref[T]) Ref[[]T] {
	return Ref[[]T]{engine.Gather[T, []T](ctx, typed(refs))}
}

// Split is the reverse of Gather: a Ref for each of the n elements of r's value, which are kept apart, so that a task
// that needs one of them doesn't keep the others alive. All fail if the length isn't n.
func Split[T any](ctx context.Context, r Ref[[]T], n int) []Ref[T] {
	if n < 0 {
		n = 0
	}
	refs := make([]Ref[T], n)
	for i, t := range engine.Split(ctx, r.typed(), n) {
		refs[i] = Ref[T]{t}
	}
	return refs
}

// Flatten makes a Ref of the result of a task that itself returns a Ref: a task that decides what is to run.
func Flatten[T any](ctx context.Context, r Ref[Ref[T]]) Ref[T] {
	return Ref[T]{engine.Flatten(ctx, r.typed(), Ref[T].typed)}
}

// reduceWidth is how many values Reduce merges in one call: wide enough that the tree is shallow, narrow enough that
// its leaves begin before the last value is there.
const reduceWidth = 8

// Reduce merges the values of refs by a tree of calls of f, each with up to 8 neighbours in order. One Ref is returned
// as it is; none is an error.
func Reduce[T any, S ~[]T](ctx context.Context, f *Function[S, T], refs []Ref[T]) Ref[T] {
	if len(refs) == 0 {
		var zero T
		return Ref[T]{engine.Ready(nil, zero, errors.New("muster: Reduce of no Refs: there is nothing to return"))}
	}
	f.made()
	level := typed(refs)
	for len(level) > 1 {
		var up []*engine.Typed[T]
		for len(level) > 0 {
			n := min(reduceWidth, len(level))
			if n == 1 && len(up) > 0 {
				up = append(up, level[0])
			} else {
				up = append(up, f.made().From(ctx, engine.Gather[T, S](ctx, level[:n:n])))
			}
			level = level[n:]
		}
		level = up
	}
	return Ref[T]{level[0]}
}

func typed[T any](refs []Ref[T]) []*engine.Typed[T] {
	ts := make([]*engine.Typed[T], len(refs))
	for i, r := range refs {
		ts[i] = r.typed()
	}
	return ts
}

// Lazy is a context whose calls are recorded, and run when somebody asks for a Ref that needs them: Get, Wait, Done,
// Completed, iteration, or a task that isn't lazy. They run at most once. One that nobody refers to may be collected.
func Lazy(ctx context.Context) context.Context { return engine.Lazy(ctx) }
