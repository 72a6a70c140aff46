package muster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// However many Refs a function waits for at once, what it waits for inherits its priority.
func TestCompletedHandsOnThePriority(t *testing.T) {
	for _, n := range []int{5, 200} {
		ctx := open(t, muster.Config{CPUs: 1})
		var order []string
		record := muster.Local(func(_ context.Context, name string) (int, error) { order = append(order, name); return 0, nil })
		gate := make(chan struct{})
		first := muster.Local(func(context.Context, int) (int, error) { <-gate; return 0, nil }).Go(ctx, 0)
		var lows, mids []muster.Ref[int]
		for range n {
			lows = append(lows, record.Go(ctx, "low"))
		}
		high := muster.Local(func(ctx context.Context, _ int) (int, error) {
			for range muster.Completed(ctx, lows...) {
			}
			order = append(order, "high")
			return 0, nil
		}, muster.Priority(10)).Go(ctx, 0)
		for range 5 {
			mids = append(mids, record.With(muster.Priority(5)).Go(ctx, "mid"))
		}
		close(gate)
		if err := errors.Join(first.Wait(ctx), high.Wait(ctx), muster.Gather(ctx, mids...).Wait(ctx)); err != nil {
			t.Fatal(err)
		}
		if slices.Index(order, "high") > slices.Index(order, "mid") {
			t.Errorf("%d: %v", n, order)
		}
	}
}

// However many Refs it waits for, and if they come one by one, a function that holds what they all need doesn't hang.
func TestCompletedOfStuckTasks(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, Resources: map[string]float64{"r": 1}})
	child := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }, muster.Resource("r", 1))
	for _, n := range []int{5, 200} {
		failed, err := muster.Local(func(ctx context.Context, n int) (failed int, err error) {
			var p muster.Pending[int, int]
			p.Add(0, child.Go(ctx, 0))
			left := n - 1
			for _, r := range p.Completed(ctx) {
				if r.Wait(ctx) != nil {
					failed++
				}
				for range min(left, 3) {
					left--
					p.Add(left, child.Go(ctx, left))
				}
			}
			return failed, nil
		}, muster.Resource("r", 1)).Call(ctx, n)
		if failed != n || err != nil {
			t.Error(failed, err)
		}
	}
}

// A wait that ends by itself keeps nobody from anything: what it waits for isn't stuck.
func TestShortWaitOfAHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2, Resources: map[string]float64{"r": 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		child := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }, muster.Resource("r", 1))
		for name, wait := range map[string]func(ctx context.Context, r muster.Ref[int]){
			"Wait": func(ctx context.Context, r muster.Ref[int]) { _ = r.Wait(ctx) },
			"Done": func(ctx context.Context, r muster.Ref[int]) { <-r.Done(ctx) },
			"Completed": func(ctx context.Context, r muster.Ref[int]) {
				for range muster.Completed(ctx, r) {
				}
			},
		} {
			var r muster.Ref[int]
			_, err := muster.Local(func(inside context.Context, _ int) (int, error) {
				r = child.Go(context.WithoutCancel(inside), 7) // it outlives this task
				short, cancel := context.WithTimeout(inside, 5*time.Millisecond)
				defer cancel()
				wait(short, r)
				return 0, nil
			}, muster.Resource("r", 1)).Call(ctx, 0)
			if err != nil {
				t.Error(name, err)
			}
			if v, err := r.Get(ctx); v != 7 || err != nil {
				t.Error(name, v, err)
			}
		}
	})
}

// What waits for a value, and not for a function, takes its place in the order before the next task is given out.
func TestValueHandsOnItsPlace(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	var order []string
	record := func(name string, opts ...muster.Option) *muster.Function[muster.Ref[[]int], int] {
		return muster.Local(func(context.Context, muster.Ref[[]int]) (int, error) { order = append(order, name); return 0, nil }, opts...)
	}
	gate := make(chan struct{})
	first := muster.Local(func(context.Context, int) (int, error) { <-gate; return 0, nil }).Go(ctx, 0)
	low := record("low").Go(ctx, muster.Ref[[]int]{})
	mid := record("mid", muster.Priority(5)).Go(ctx, muster.Ref[[]int]{})
	high := record("high", muster.Priority(9)).Go(ctx, muster.Gather(ctx, low))
	close(gate)
	if err := errors.Join(first.Wait(ctx), mid.Wait(ctx), high.Wait(ctx)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"low", "high", "mid"}) {
		t.Error(order)
	}
}
