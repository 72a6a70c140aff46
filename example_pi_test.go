package muster_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/musterrun/muster"
)

type piSample struct {
	Seed   uint64
	Points int
}

var sampleCircle = muster.Func("pi.sample", muster.Plain(func(s piSample) int {
	r := rand.New(rand.NewPCG(s.Seed, s.Seed)) // a seed for each task: the result is the same on any number of cores
	hits := 0
	for range s.Points {
		if x, y := r.Float64(), r.Float64(); x*x+y*y < 1 {
			hits++
		}
	}
	return hits
}))

// Monte Carlo pi: start all tasks, then get all results.
// In Ray: ray.get([sample.remote(seed, n) for seed in range(20)]), in joblib Parallel()(delayed(sample)(...) ...).
func Example_pi() {
	const tasks, points = 20, 10_000
	ctx := context.Background()
	var refs []muster.Ref[int]
	for seed := range uint64(tasks) {
		refs = append(refs, sampleCircle.Go(ctx, piSample{seed, points}))
	}
	hits, err := muster.Gather(ctx, refs...).Get(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := 0
	for _, h := range hits {
		sum += h
	}
	fmt.Printf("pi is about %.2f\n", 4*float64(sum)/(tasks*points))
	// Output: pi is about 3.14
}
