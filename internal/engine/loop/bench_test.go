package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/engine/loop"

	"reflect"
)

var inc = func() *engine.Fn[int, int] {
	f := &engine.Fn[int, int]{Do: func(_ context.Context, x int) (int, error) { return x + 1, nil }}
	f.Name, f.Opts = "loop.inc", engine.Options{CPUs: 1}
	f.InPlan, _ = codec.Of(reflect.TypeFor[int]())
	f.OutPlan = f.InPlan
	f.InRefs, f.OutRefs = f.InPlan, f.OutPlan
	engine.Register(f)
	return f
}()

func session(b *testing.B) (context.Context, *engine.Session) {
	s, c := loop.Driver(engine.Config{CPUs: 2, Concurrency: 1000, Grace: 10 * time.Second}, engine.Trial{}, 2, 2)
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		c.Close()
	})
	return s.Context(context.Background()), s
}

// BenchmarkGo is what both ends of a task cost together, without what carries the messages.
func BenchmarkGo(b *testing.B) {
	ctx, _ := session(b)
	b.ReportAllocs()
	ts := make([]*engine.Typed[int], 0, 1000)
	for b.Loop() {
		if ts = append(ts, inc.Go(ctx, 1)); len(ts) == cap(ts) {
			for _, t := range ts {
				if err := t.Wait(ctx); err != nil {
					b.Fatal(err)
				}
			}
			ts = ts[:0]
		}
	}
}

// BenchmarkMap is an item of a Map.
func BenchmarkMap(b *testing.B) {
	ctx, _ := session(b)
	b.ReportAllocs()
	seq := func(yield func(int, error) bool) {
		for i := range b.N {
			if !yield(i, nil) {
				return
			}
		}
	}
	n := 0
	for v, err := range inc.Map(ctx, seq) {
		if err != nil || v != n+1 {
			b.Fatal(v, err)
		}
		n++
	}
}
