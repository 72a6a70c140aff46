package benchmarks_test

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/benchmarks"
)

func BenchmarkMap(b *testing.B) {
	all(b, benchmarks.Maps, func(w *benchmarks.Work) int { return w.Items })
}

func BenchmarkCall(b *testing.B) {
	all(b, benchmarks.Calls, func(w *benchmarks.Work) int { return w.Calls })
}

func all(b *testing.B, variants []benchmarks.Variant, items func(*benchmarks.Work) int) {
	for _, w := range benchmarks.Works {
		for _, v := range variants {
			b.Run("work="+w.Name+"/"+strings.ReplaceAll(v.Name, " ", "-"), func(b *testing.B) {
				benchmarks.Measure(b, v, w, items(w))
			})
		}
	}
}
