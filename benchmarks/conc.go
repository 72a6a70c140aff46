package benchmarks

import (
	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
	"github.com/sourcegraph/conc/stream"
)

// concIter is conc's own map over a slice; its goroutines take items one by one by a counter.
func concIter(w *Work, in []int) ([]int, error) {
	out, err := iter.Mapper[int, int]{MaxGoroutines: w.limit()}.MapErr(in, func(x *int) (int, error) { return w.Do(*x) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// concStream runs items in parallel and their callbacks in order, as the items come.
func concStream(w *Work, in []int) ([]int, error) {
	out := make([]int, 0, len(in))
	var first error // only callbacks touch it, and they run one at a time
	s := stream.New().WithMaxGoroutines(w.limit())
	for _, x := range in {
		s.Go(func() stream.Callback {
			v, err := w.Do(x)
			return func() {
				if err != nil && first == nil {
					first = err
				}
				out = append(out, v)
			}
		})
	}
	s.Wait()
	if first != nil {
		return nil, first
	}
	return out, nil
}

// indexed is a result that knows its place: conc's pools don't keep the order.
type indexed struct{ i, v int }

func concPool(w *Work, in []int) ([]int, error) {
	p := pool.NewWithResults[indexed]().WithErrors().WithFirstError().WithMaxGoroutines(w.limit())
	for i, x := range in {
		p.Go(func() (indexed, error) {
			v, err := w.Do(x)
			return indexed{i, v}, err
		})
	}
	results, err := p.Wait()
	if err != nil {
		return nil, err
	}
	out := make([]int, len(in))
	for _, r := range results {
		out[r.i] = r.v
	}
	return out, nil
}

// concCalls uses a WaitGroup, conc's cheapest way to run one function: its pools cost more than twice as much.
func concCalls(w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	for i, x := range in {
		var wg conc.WaitGroup
		var err error
		wg.Go(func() { out[i], err = w.Do(x) })
		if wg.Wait(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
