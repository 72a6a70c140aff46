package muster_test

import (
	"context"
	"fmt"

	"github.com/musterrun/muster"
)

// treePair has Refs in it: a task that gets one starts when both have their values.
type treePair struct{ A, B muster.Ref[int] }

var (
	treeLoad = muster.Func("tree.load", muster.Plain(func(x int) int { return 10 * x }))
	treeInc  = muster.Func("tree.inc", muster.Plain(func(x int) int { return x + 1 }))
	treeAdd  = muster.Func("tree.add", muster.Plain(func(p treePair) int { return p.A.Value() + p.B.Value() }))
)

// A tree of lazy calls, which run when its root is asked for, above one call that runs at once.
// In Dask: delayed(inc)(x) and delayed(add)(a, b), client.submit(load, 4), then total.compute().
func Example_tree() {
	ctx := context.Background()
	lazy := muster.Lazy(ctx)
	base := treeLoad.Go(ctx, 4) // runs now

	var level []muster.Ref[int]
	for x := range 8 {
		level = append(level, treeInc.Go(lazy, x))
	}
	for len(level) > 1 {
		var up []muster.Ref[int]
		for i := 0; i < len(level); i += 2 {
			up = append(up, treeAdd.Go(lazy, treePair{level[i], level[i+1]}))
		}
		level = up
	}
	total := treeAdd.Go(lazy, treePair{base, level[0]})

	fmt.Println(total.Get(ctx)) // the lazy calls run now
	// Output: 76 <nil>
}
