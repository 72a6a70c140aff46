package muster_test

import (
	"context"
	"fmt"
	"os"

	"github.com/musterrun/muster"
)

var (
	planRead  = muster.Func("plan.read", muster.PlainErr(os.ReadFile))
	planCount = muster.Func("plan.count", muster.Plain(func(b []byte) int { return len(b) }))
	planSum   = muster.Func("plan.sum", muster.Plain(func(ns []int) int { return ns[0] + ns[1] }))
)

// What would run for a result, before any of it does; in Dask: total.visualize(). DOT and Mermaid draw the same.
func ExampleRef_Plan() {
	lazy := muster.Lazy(context.Background())
	var counts []muster.Ref[int]
	for _, path := range []string{"a.txt", "b.txt"} {
		counts = append(counts, planCount.From(lazy, planRead.Go(lazy, path)))
	}
	plan := planSum.From(lazy, muster.Gather(lazy, counts...)).Plan()
	fmt.Print(plan)
	fmt.Println(plan.CriticalPath())
	// Output:
	// 1 plan.read recorded
	// 2 plan.count recorded <- 1
	// 3 plan.read recorded
	// 4 plan.count recorded <- 3
	// 5 gather recorded <- 2 4
	// 6 plan.sum recorded <- 5
	// plan.read -> plan.count -> gather -> plan.sum
}
