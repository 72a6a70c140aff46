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
}
