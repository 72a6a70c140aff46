package benchmarks

import "golang.org/x/sync/errgroup"

// errgroupMap is the documented use: a goroutine for each item, bounded by SetLimit.
func errgroupMap(w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	var g errgroup.Group
	g.SetLimit(w.limit())
	for i, x := range in {
		g.Go(func() error {
			v, err := w.Do(x)
			out[i] = v
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func errgroupCalls(w *Work, in []int) ([]int, error) {
	out := make([]int, len(in))
	for i, x := range in {
		var g errgroup.Group
		g.Go(func() error {
			v, err := w.Do(x)
			out[i] = v
			return err
		})
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
