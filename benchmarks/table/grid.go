package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/musterrun/muster/benchmarks"
)

// sample is one measurement, per item.
type sample struct{ ns, allocs float64 }

// grid holds the samples of some variants on some works: one of each pair in every round.
type grid struct {
	title    string
	variants []benchmarks.Variant
	works    []*benchmarks.Work
	items    func(*benchmarks.Work) int
	samples  map[cell][]sample
}

type cell struct{ work, variant int }

func newGrid(title string, variants []benchmarks.Variant, works []*benchmarks.Work, items func(*benchmarks.Work) int) *grid {
	return &grid{title: title, variants: variants, works: works, items: items, samples: map[cell][]sample{}}
}

// measure takes one sample of each pair. Variants take turns within a work, so that what disturbs the machine for a
// while disturbs all of them, and each round begins with another one.
func (g *grid) measure(round int, p *patience) error {
	for wi, w := range g.works {
		for k := range g.variants {
			vi := (k + round) % len(g.variants)
			var s sample
			err := p.sample(func() (err error) {
				s, err = take(g.variants[vi], w, g.items(w))
				return err
			})
			if err != nil {
				return err
			}
			c := cell{wi, vi}
			g.samples[c] = append(g.samples[c], s)
		}
	}
	return nil
}

// take runs one benchmark.
func take(v benchmarks.Variant, w *benchmarks.Work, items int) (sample, error) {
	r := testing.Benchmark(func(b *testing.B) { benchmarks.Measure(b, v, w, items) })
	if r.N == 0 {
		return sample{}, fmt.Errorf("%s failed for work %s: `go test -bench .` shows how", v.Name, w.Name)
	}
	total := float64(r.N) * float64(items)
	return sample{float64(r.T.Nanoseconds()) / total, float64(r.MemAllocs) / total}, nil
}

// median of what a function sees in the samples of a cell.
func (g *grid) median(c cell, of func(sample) float64) float64 {
	var xs []float64
	for _, s := range g.samples[c] {
		xs = append(xs, of(s))
	}
	return median(xs)
}

func times(s sample) float64       { return s.ns }
func allocations(s sample) float64 { return s.allocs }

// fastest is the library with the least median in a work's row; with single, among those that take each item on its own.
func (g *grid) fastest(work int, single bool) int {
	best := -1
	for vi, v := range g.variants {
		if v.Kind != benchmarks.Library || single && !v.Single {
			continue
		}
		if best < 0 || g.median(cell{work, vi}, times) < g.median(cell{work, best}, times) {
			best = vi
		}
	}
	return best
}

// ratio is the median over the rounds of one variant's time by another's in the same round.
func (g *grid) ratio(work, variant, by int) float64 {
	var xs []float64
	for i, s := range g.samples[cell{work, variant}] {
		xs = append(xs, s.ns/g.samples[cell{work, by}][i].ns)
	}
	return median(xs)
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
