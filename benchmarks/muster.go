package benchmarks

import (
	"context"
	"slices"

	"github.com/musterrun/muster"
)

// session opens a variant that runs in a session of its own.
func session(run func(ctx context.Context, w *Work, in []int) ([]int, error)) func(*Work) (Map, func()) {
	return func(w *Work) (Map, func()) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{Concurrency: w.Limit})
		if err != nil {
			panic(err) // the zero Config works
		}
		stop := func() {
			if err := s.Close(); err != nil {
				panic(err) // every run has waited for its tasks
			}
		}
		return func(in []int) ([]int, error) { return run(ctx, w, in) }, stop
	}
}

func musterMap(ctx context.Context, w *Work, in []int) ([]int, error) {
	out := make([]int, 0, len(in))
	for v, err := range w.Func.Map(ctx, slices.Values(in)) {
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func musterUnordered(ctx context.Context, w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	for r := range w.Func.Unordered(ctx, slices.Values(in)) {
		if r.Err != nil {
			return nil, r.Err
		}
		out[r.Index] = r.Out
	}
	return out, nil
}

func musterGo(ctx context.Context, w *Work, in []int) ([]int, error) {
	refs := make([]muster.Ref[int], len(in))
	for i, x := range in {
		refs[i] = w.Func.Go(ctx, x)
	}
	out := make([]int, len(in))
	for i, r := range refs {
		v, err := r.Get(ctx)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func musterCalls(ctx context.Context, w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	for i, x := range in {
		v, err := w.Func.Call(ctx, x)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}
