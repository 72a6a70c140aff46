package benchmarks

import (
	"sync/atomic"

	"github.com/alitto/pond/v2"
)

// pondGo is pond's cheapest way: tasks without a future, and a pool for each run, since stopping it is what waits.
// Results and errors are the caller's own affair.
func pondGo(w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	var failed atomic.Pointer[error]
	p := pond.NewPool(w.limit())
	for i, x := range in {
		err := p.Go(func() {
			v, err := w.Do(x)
			if err != nil {
				first := err // a copy, so that err stays off the heap
				failed.CompareAndSwap(nil, &first)
			}
			out[i] = v
		})
		if err != nil {
			failed.CompareAndSwap(nil, &err)
			break
		}
	}
	p.StopAndWait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return out, nil
}

// pondGroup is pond's way to results in the order of submission. The pool lives on between runs.
func pondGroup(w *Work) (Map, func()) {
	p := pond.NewResultPool[int](w.limit())
	return func(in []int) ([]int, error) {
		g := p.NewGroup()
		for _, x := range in {
			g.SubmitErr(func() (int, error) { return w.Do(x) })
		}
		out, err := g.Wait()
		if err != nil {
			return nil, err
		}
		return out, nil
	}, p.StopAndWait
}

// pondCalls waits for groups of one: measured, they are faster than SubmitErr and Wait of a single task.
func pondCalls(w *Work) (Map, func()) {
	p := pond.NewResultPool[int](w.limit())
	return func(in []int) ([]int, error) {
		out := make([]int, len(in))
		for i, x := range in {
			v, err := p.NewGroup().SubmitErr(func() (int, error) { return w.Do(x) }).Wait()
			if err != nil {
				return nil, err
			}
			out[i] = v[0]
		}
		return out, nil
	}, p.StopAndWait
}
