package app

import (
	"context"
	"slices"

	"github.com/musterrun/muster"
)

var square = muster.Func("square", muster.Plain(func(x int) int { return x * x }))

func init() {
	muster.Func("kept.by.its.name", muster.Plain(func(x int) int { return x }))
}

func bad(ctx context.Context, refs []muster.Ref[int]) {
	square.With(muster.Retries(3))                           // want `the result of With is dropped: it is a changed copy`
	square.Weight(func(int) float64 { return 1 })            // want `the result of Weight is dropped`
	square.CacheKey(func(x int) int { return x })            // want `the result of CacheKey is dropped: it is a changed copy`
	square.CacheValid(func(x, y int) bool { return true })   // want `the result of CacheValid is dropped: it is a changed copy`
	square.Go(ctx, 1)                                        // want `the result of Go is dropped: the task's error is lost with it; call Get or Wait, or assign it to _`
	(square.From(ctx, refs[0]))                              // want `the result of From is dropped`
	go square.Go(ctx, 2)                                     // want `the result of Go is dropped`
	defer square.With(muster.IO()).Go(ctx, 3)                // want `the result of Go is dropped`
	square.Map(ctx, slices.Values([]int{1}))                 // want `the result of Map is dropped: nothing runs before it is ranged over`
	muster.Put(ctx, 1)                                       // want `the result of Put is dropped`
	muster.Gather(ctx, refs...)                              // want `the result of Gather is dropped`
	muster.Split(ctx, muster.Gather(ctx, refs...), 2)        // want `the result of Split is dropped`
	muster.Local(muster.Plain(func(x int) int { return x })) // want `the result of Local is dropped`
	muster.Lazy(ctx)                                         // want `the result of Lazy is dropped`
	muster.IO()                                              // want `the result of IO is dropped`
	func() { square.Go(ctx, 4) }()                           // want `the result of Go is dropped`
}

// like has the same names.
type like struct{}

func (like) With(...muster.Option) like                  { return like{} }
func (like) Go(context.Context, int) (r muster.Ref[int]) { return }

func good(ctx context.Context, refs []muster.Ref[int]) (muster.Ref[int], error) {
	_ = square.Go(ctx, 1) // on purpose
	f := square.With(muster.Retries(3)).CacheKey(func(x int) int { return x })
	square.Call(ctx, 1) // errcheck's
	for range square.Map(ctx, slices.Values([]int{1})) {
	}
	refs = append(refs, f.Go(ctx, 2))
	refs[0].Cancel()
	like{}.With()
	like{}.Go(ctx, 1)
	var p muster.Pending[int, int]
	p.Add(1, f.Go(ctx, 3))
	return f.Go(ctx, 4), square.Go(ctx, 5).Wait(ctx)
}
