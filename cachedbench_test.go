package muster_test

import (
	"testing"

	"github.com/musterrun/muster"
)

func BenchmarkCachedHit(b *testing.B) {
	ctx := open(b, muster.Config{CPUs: 1, CacheDir: b.TempDir()})
	if _, err := cachedDouble.Call(ctx, 1); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := cachedDouble.Call(ctx, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCachedMiss(b *testing.B) {
	ctx := open(b, muster.Config{CPUs: 1, CacheDir: b.TempDir()})
	i := 0
	for b.Loop() {
		i++
		if _, err := cachedDouble.Call(ctx, i); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJournal compares a job that is recorded with one that isn't: tasks, and cheap items of a Map.
func BenchmarkJournal(b *testing.B) {
	for _, job := range []string{"", "bench"} {
		name := map[bool]string{true: "without", false: "with"}[job == ""]
		b.Run("task/"+name, func(b *testing.B) {
			ctx := open(b, muster.Config{Job: job, CacheDir: b.TempDir()})
			refs := make([]muster.Ref[int], 0, 1000)
			for i := 0; b.Loop(); i++ {
				if refs = append(refs, benchInc.Go(ctx, i)); len(refs) == cap(refs) {
					for _, r := range refs {
						if _, err := r.Get(ctx); err != nil {
							b.Fatal(err)
						}
					}
					refs = refs[:0]
				}
			}
		})
		b.Run("item/"+name, func(b *testing.B) {
			ctx := open(b, muster.Config{Job: job, CacheDir: b.TempDir()})
			b.ResetTimer()
			for _, err := range benchInc.Map(ctx, count(b.N)) {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
