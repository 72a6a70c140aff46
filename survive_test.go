package muster_test

import (
	"context"
	"testing"

	"github.com/musterrun/muster"
)

type (
	refToRef  = muster.Ref[muster.Ref[int]]
	refToRefs = muster.Ref[[]muster.Ref[int]]
)

// What a result needs outlives the function, whether what leads to it has ended yet or not.
func TestRefsInsideTheValuesOfAResultSurvive(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	for _, ended := range []bool{false, true} {
		gate := make(chan struct{})
		slow := muster.Local(func(ctx context.Context, x int) (int, error) {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-gate:
				return x, nil
			}
		}, muster.IO())
		inner := muster.Local(func(ctx context.Context, x int) (muster.Ref[int], error) { return slow.Go(ctx, x), nil })
		settle := func(ctx context.Context, wait func(context.Context) error) {
			if ended {
				_ = wait(ctx)
			}
		}
		outer := muster.Local(func(ctx context.Context, _ int) (refToRef, error) {
			r := inner.Go(ctx, 1)
			settle(ctx, r.Wait)
			return r, nil
		})
		gathers := muster.Local(func(ctx context.Context, _ int) (refToRefs, error) {
			g := muster.Gather(ctx, inner.Go(ctx, 2), inner.Go(ctx, 3))
			settle(ctx, g.Wait)
			return g, nil
		})
		puts := muster.Local(func(ctx context.Context, _ int) (refToRefs, error) {
			return muster.Put(ctx, []muster.Ref[int]{slow.Go(ctx, 4)}), nil
		})
		reads := muster.Local(func(ctx context.Context, r muster.Ref[int]) (int, error) { return r.Get(ctx) })
		chains := muster.Local(func(ctx context.Context, _ int) (muster.Ref[int], error) {
			r := inner.Go(ctx, 5)
			settle(ctx, r.Wait)
			return reads.From(ctx, r), nil
		})
		a, errA := outer.Call(ctx, 0)
		b, errB := gathers.Call(ctx, 0)
		c, errC := puts.Call(ctx, 0)
		d, errD := chains.Call(ctx, 0)
		if errA != nil || errB != nil || errC != nil || errD != nil {
			t.Fatal(errA, errB, errC, errD)
		}
		close(gate)
		var got []int
		add := func(r muster.Ref[int]) {
			v, err := r.Get(ctx)
			if err != nil {
				t.Error(ended, err)
			}
			got = append(got, v)
		}
		ref, err := a.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		add(ref)
		for _, list := range []refToRefs{b, c} {
			refs, err := list.Get(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range refs {
				add(r)
			}
		}
		add(d)
		if len(got) != 5 {
			t.Error(got)
		}
	}
}
