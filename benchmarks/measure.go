package benchmarks

import (
	"fmt"
	"slices"
	"testing"
)

// Measure is the benchmark of a variant: an operation is one run over items many items. It reports ns/item and
// allocs/item beside the usual figures, and fails if a result is wrong.
func Measure(b *testing.B, v Variant, w *Work, items int) {
	stepsPerMilli()
	run, stop := v.Open(w)
	defer stop()
	in := Input(items)
	want := make([]int, items)
	for i, x := range in {
		want[i] = Want(x)
	}
	check := func(out []int, err error) {
		if err != nil {
			b.Fatal(err)
		}
		if !slices.Equal(out, want[:len(out)]) {
			b.Fatalf("%s of %s: wrong results", v.Name, w.Name)
		}
	}
	check(run(in[:max(2, items/50)])) // the first goroutines of a pool aren't measured
	b.ReportAllocs()
	for b.Loop() {
		out, err := run(in)
		b.StopTimer()
		if err == nil && len(out) != items {
			err = fmt.Errorf("%d results of %d", len(out), items)
		}
		check(out, err)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(items), "ns/item")
}

// Input is a slice of different items.
func Input(n int) []int {
	in := make([]int, n)
	for i := range in {
		in[i] = 3*i + 7
	}
	return in
}
