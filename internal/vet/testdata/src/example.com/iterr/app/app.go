package app

import (
	"context"
	"iter"
	"slices"

	"github.com/musterrun/muster"
)

var square = muster.Func("square", muster.Plain(func(x int) int { return x * x }))

func bad(ctx context.Context, in iter.Seq[int]) (sum int) {
	for v := range square.Map(ctx, in) { // want `the loop never reads the errors of Map: an item that failed is a zero value, and a loop that ctx ended looks complete; range over v, err`
		sum += v
	}
	for v, _ := range square.Pipe(ctx, square.Map(ctx, in)) { // want `never reads the errors of Pipe`
		sum += v
	}
	for range square.Map(ctx, in) { // want `never reads the errors of Map`
	}
	results := square.Map(ctx, in)
	for v := range results { // want `never reads the errors of Map`
		sum += v
	}
	for r := range square.Unordered(ctx, in) { // want `the loop never reads the results' Err`
		sum += r.Out
	}
	for range square.Unordered(ctx, in) { // want `the loop never reads the results' Err`
	}
	return sum
}

func badRefs(ctx context.Context, refs []muster.Ref[int], p *muster.Pending[string, int]) (n int) {
	for i := range muster.Completed(ctx, refs...) { // want `the loop never asks the Refs of Completed`
		n += i
	}
	for range p.Completed(ctx) { // want `the loop never asks the Refs of Completed`
		n++
	}
	for i, r := range muster.Completed(ctx, refs...) { // want `the loop never asks the Refs of Completed`
		if !r.IsZero() {
			n += i
		}
	}
	return n
}

func good(ctx context.Context, in iter.Seq[int]) (sum int, err error) {
	for v, err := range square.Map(ctx, in) {
		if err != nil {
			return 0, err
		}
		sum += v
	}
	for _, err := range square.Map(ctx, in) {
		if err != nil {
			return 0, err
		}
	}
	for r := range square.Unordered(ctx, in) {
		if r.Err == nil {
			sum += r.Out
		}
	}
	var all []muster.Result[int, int]
	for r := range square.Unordered(ctx, in) {
		all = append(all, r)
	}
	for v := range in {
		sum += v
	}
	for v := range own(in) { // no muster's
		sum += v
	}
	either := own(in)
	if sum > 0 {
		either = square.Map(ctx, in)
	}
	for v := range either {
		sum += v
	}
	_, err = muster.Collect(square.Map(ctx, in))
	return sum + len(all), err
}

func goodRefs(ctx context.Context, refs []muster.Ref[int], p *muster.Pending[string, int]) (sum int, err error) {
	for i := range muster.Completed(ctx, refs...) {
		v, err := refs[i].Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	for _, r := range p.Completed(ctx) {
		if err := r.Wait(ctx); err != nil {
			return 0, err
		}
	}
	for _, r := range p.Completed(ctx) {
		refs = append(refs, r)
	}
	return sum, nil
}

func own(in iter.Seq[int]) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for _, v := range slices.Sorted(in) {
			yield(v, nil)
		}
	}
}
