package cluster_test

import (
	"context"
	"slices"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest/cluster"
)

// sumOf halves its argument until it is short, so that each task holds an argument while others run for it.
var sumOf *muster.Function[[]byte, int]

func init() {
	sumOf = muster.Func("cluster.sumof", func(ctx context.Context, b []byte) (int, error) {
		if len(b) <= 1<<10 {
			return len(b), nil
		}
		left, right := sumOf.Go(ctx, b[:len(b)/2]), sumOf.Go(ctx, b[len(b)/2:])
		l, err := left.Get(ctx)
		if err != nil {
			return 0, err
		}
		r, err := right.Get(ctx)
		return l + r, err
	})
}

// Go waits while the arguments of tasks that haven't ended take as much as Config.ArgumentBytes says; what tasks call on
// nodes doesn't wait for it, and a Map holds fewer items.
func TestArgumentBytesOnACluster(t *testing.T) {
	config := cluster.Start(t, 1).Config()
	config.ArgumentBytes = 1 << 20
	open, most := 0, 0
	config.OnEvent = func(e event.Event) {
		switch {
		case e.Func != "cluster.length" || e.Item >= 0:
		case e.Kind == event.TaskSubmitted:
			open++
			most = max(most, open)
		case e.Kind.Ends():
			open--
		}
	}
	s, ctx, err := muster.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const size = 100 << 10
	var refs []muster.Ref[int]
	for range 100 {
		refs = append(refs, length.Go(ctx, make([]byte, size)))
	}
	for _, r := range refs {
		if n, err := r.Get(ctx); n != size || err != nil {
			t.Error(n, err)
		}
	}
	tree := []muster.Ref[int]{sumOf.Go(ctx, make([]byte, 1<<15)), sumOf.Go(ctx, make([]byte, 1<<15))}
	for _, r := range tree {
		if n, err := r.Get(ctx); n != 1<<15 || err != nil {
			t.Error(n, err)
		}
	}
	seen := 0
	for n, err := range length.Map(ctx, slices.Values(slices.Repeat([][]byte{make([]byte, size)}, 200))) {
		if n != size || err != nil {
			t.Fatal(n, err)
		}
		seen++
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if most == 0 || most > (1<<20)/size || seen != 200 {
		t.Errorf("%d tasks of %d bytes hadn't ended at once, and the Map gave %d results", most, size, seen)
	}
}
