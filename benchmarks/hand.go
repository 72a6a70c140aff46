package benchmarks

import (
	"sync"
	"sync/atomic"
)

// byHand is the loop that a careful programmer writes: goroutines take fixed chunks of the slice by a counter, and stop
// at the first error.
func byHand(w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	workers := min(w.limit(), len(in))
	size := max(1, min(1024, len(in)/(8*max(1, workers))))
	var (
		wg     sync.WaitGroup
		next   atomic.Int64
		failed atomic.Pointer[error]
	)
	for range workers {
		wg.Go(func() {
			for failed.Load() == nil {
				from := int(next.Add(int64(size))) - size
				if from >= len(in) {
					return
				}
				for i := from; i < min(from+size, len(in)); i++ {
					v, err := w.Do(in[i])
					if err != nil {
						first := err // a copy, so that err stays off the heap
						failed.CompareAndSwap(nil, &first)
						return
					}
					out[i] = v
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return out, nil
}

// byHandCalls starts a goroutine for each item and waits for it on a channel.
func byHandCalls(w *Work, in []int) ([]int, error) {
	type result struct {
		v   int
		err error
	}
	out := make([]int, len(in))
	for i, x := range in {
		ch := make(chan result, 1)
		go func() {
			v, err := w.Do(x)
			ch <- result{v, err}
		}()
		r := <-ch
		if r.err != nil {
			return nil, r.err
		}
		out[i] = r.v
	}
	return out, nil
}
