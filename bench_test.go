package muster_test

import (
	"context"
	"iter"
	"runtime"
	"testing"

	"github.com/musterrun/muster"
)

var (
	benchInc = muster.Func("bench.inc", muster.Plain(func(x int) int { return x + 1 }))
	benchSum = muster.Func("bench.sum", muster.Plain(func(xs []int) int {
		n := 0
		for _, x := range xs {
			n += x
		}
		return n
	}))
)

func benchSession(b *testing.B) context.Context {
	b.ReportAllocs()
	return open(b, muster.Config{})
}

func BenchmarkGoGet(b *testing.B) {
	ctx := benchSession(b)
	refs := make([]muster.Ref[int], 1000)
	b.ResetTimer()
	for done := 0; done < b.N; done += len(refs) {
		n := min(len(refs), b.N-done)
		for i := range n {
			refs[i] = benchInc.Go(ctx, i)
		}
		for i := range n {
			if v, err := refs[i].Get(ctx); err != nil || v != i+1 {
				b.Fatal(v, err)
			}
		}
	}
}

func BenchmarkCall(b *testing.B) {
	ctx := benchSession(b)
	for i := range b.N {
		if v, err := benchInc.Call(ctx, i); err != nil || v != i+1 {
			b.Fatal(v, err)
		}
	}
}

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func BenchmarkMapCheap(b *testing.B) {
	ctx := benchSession(b)
	i := 0
	for v, err := range benchInc.Map(ctx, count(b.N)) {
		if i++; err != nil || v != i {
			b.Fatal(v, err)
		}
	}
	if i != b.N {
		b.Fatal(i)
	}
}

func BenchmarkLazy10000(b *testing.B) {
	ctx := benchSession(b)
	for range b.N {
		lazy := muster.Lazy(ctx)
		refs := make([]muster.Ref[int], 10_000)
		for i := range refs {
			refs[i] = benchInc.Go(lazy, i)
		}
		if v, err := muster.Reduce(lazy, benchSum, refs).Get(ctx); err != nil || v != 50_005_000 {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkInFlight(b *testing.B) {
	ctx := open(b, muster.Config{})
	gate := make(chan struct{})
	hold := muster.Local(func(context.Context, int) (int, error) { <-gate; return 0, nil })
	for range runtime.GOMAXPROCS(0) {
		hold.Go(ctx, 0)
	}
	const n = 1_000_000
	refs := make([]muster.Ref[int], n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range refs {
		refs[i] = benchInc.Go(ctx, i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(0, "ns/op") // of a million tasks, once: it isn't shown
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/task")
	close(gate)
	for _, r := range refs {
		if _, err := r.Get(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
