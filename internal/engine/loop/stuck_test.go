package loop_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

var (
	oneSeat  = engine.Options{CPUs: 1, Resources: []engine.Resource{{Name: "seat", N: 1}}}
	seated   = function("loop.seated", func(_ context.Context, n int) (int, error) { return n, nil }, oneSeat)
	within   *engine.Fn[int, int]
	patient  *engine.Fn[int, int]
	gathers  *engine.Fn[int, int]
	detour   *engine.Fn[int, int]
	returned = make(chan error, 1)
)

func init() {
	within = function("loop.within", func(ctx context.Context, n int) (int, error) { return seated.Call(ctx, n) }, oneSeat)
	patient = function("loop.patient", func(ctx context.Context, n int) (int, error) {
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		v := seated.Go(ctx, n)
		err := v.Wait(short)
		returned <- err
		return n, nil
	}, oneSeat)
	gathers = function("loop.gathers", func(ctx context.Context, n int) (int, error) {
		refs := []*engine.Typed[int]{inc.Go(ctx, n), seated.Go(ctx, n)}
		all := engine.Gather[int, []int](ctx, refs)
		if err := all.Wait(ctx); err != nil {
			return 0, err
		}
		return 0, all.Err()
	}, oneSeat)
	detour = function("loop.detour", func(ctx context.Context, n int) (int, error) {
		return outerSeat.Call(ctx, n)
	}, oneSeat)
}

// outerSeat needs nothing itself, and waits for one that does.
var outerSeat = function("loop.outerseat", func(ctx context.Context, n int) (int, error) {
	return seated.Call(ctx, n)
}, engine.Options{CPUs: 1})

// TestStuckOnANode: a parent on a node holds what the child needs that it waits for, and no other node has any.
func TestStuckOnANode(t *testing.T) {
	for name, c := range map[string]struct {
		parent *engine.Fn[int, int]
		holder string
	}{
		"a child":          {within, "loop.within #1 on node a"},
		"among others":     {gathers, "loop.gathers #1 on node a"},
		"by way of a task": {detour, "loop.detour #1 on node a"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, _ := openLoop(t, engine.Config{Resources: map[string]float64{"seat": 1}}, 2, 2)
			_, err := c.parent.Call(ctx, 1)
			for _, want := range []string{"loop.seated", `it needs Resource("seat")`, c.holder, "release it before Get, or add a node"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
		})
	}
}

// TestNotStuckOnANode: a wait that a deadline ends keeps nobody from anything, and two seats are enough for two.
func TestNotStuckOnANode(t *testing.T) {
	ctx, _ := openLoop(t, engine.Config{Resources: map[string]float64{"seat": 1}}, 2, 2)
	if v, err := patient.Call(ctx, 7); v != 7 || err != nil {
		t.Error(v, err)
	}
	if err := <-returned; err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Error("the wait ended otherwise:", err)
	}
	two, _ := openLoop(t, engine.Config{Resources: map[string]float64{"seat": 2}}, 2, 2)
	if v, err := within.Call(two, 7); v != 7 || err != nil {
		t.Error(v, err)
	}
}
