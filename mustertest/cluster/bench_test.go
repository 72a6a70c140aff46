package cluster_test

import (
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// BenchmarkCall is the round trip of a task that does nothing, its result journalled.
func BenchmarkCall(b *testing.B) {
	ctx := cluster.Start(b, 1).Context()
	if _, err := inc.Call(ctx, 0); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := inc.Call(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGo is a task that does nothing, many in flight, on two nodes.
func BenchmarkGo(b *testing.B) {
	ctx := cluster.Start(b, 2).Context()
	if _, err := inc.Call(ctx, 0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	refs := make([]muster.Ref[int], 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		refs = append(refs, inc.Go(ctx, i))
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i+1 || err != nil {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkMap is a cheap item.
func BenchmarkMap(b *testing.B) {
	ctx := cluster.Start(b, 2).Context()
	if _, err := inc.Call(ctx, 0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for v, err := range inc.Map(ctx, count(b.N)) {
		if n++; v != n || err != nil {
			b.Fatal(v, err)
		}
	}
}
