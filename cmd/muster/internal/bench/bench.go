// Package bench measures a cluster from a driver: what muster bench runs. Its functions are registered in the muster
// command itself, which is therefore the worker too.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/musterrun/muster"
)

var (
	noop = muster.Func("muster.bench.noop", func(_ context.Context, n int) (int, error) { return n, nil })
	sqrt = muster.Func("muster.bench.sqrt", muster.Plain(math.Sqrt))
	sum  = muster.Func("muster.bench.sum", func(_ context.Context, in []int) (int, error) {
		total := 0
		for _, n := range in {
			total += n
		}
		return total, nil
	})
)

// Size says how much is measured. The zero value is what the project's budgets are about.
type Size struct {
	Calls  int // one after the other. Defaults to 2,000
	Tasks  int // at once. Defaults to 200,000
	Items  int // of a Map. Defaults to 10,000,000
	Leaves int // of the tree. Defaults to 1,024
	Rounds int // of which the median counts. Defaults to 3
}

// WithDefaults fills the zeros in.
func (s Size) WithDefaults() Size {
	for _, f := range []struct {
		field *int
		value int
	}{{&s.Calls, 2000}, {&s.Tasks, 200_000}, {&s.Items, 10_000_000}, {&s.Leaves, 1024}, {&s.Rounds, 3}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return s
}

// Figures are what a driver has measured.
type Figures struct {
	CallP50 time.Duration `json:"call_p50"`
	CallP99 time.Duration `json:"call_p99"`
	Tasks   float64       `json:"tasks"` // a second
	Items   float64       `json:"items"` // a second
	Tree    time.Duration `json:"tree"`
}

// Pause is where the driver waits until somebody has looked at the processes.
type Pause string

// The pauses. After each round of calls, tasks or items there is one, for whoever measures something else beside it.
const (
	First    Pause = "first"    // the first result is there
	Resident Pause = "resident" // the tasks of the first round are done
	Calls    Pause = "calls"
	Tasks    Pause = "tasks"
	Items    Pause = "items"
)

// CallsEach is how many of the calls there are in a round.
func (s Size) CallsEach() int { return max(1, s.Calls/s.Rounds) }

// Drive measures. It calls pause at each Pause.
func Drive(ctx context.Context, s Size, pause func(Pause) error) (f Figures, err error) {
	if _, err := noop.Call(ctx, 0); err != nil {
		return f, fmt.Errorf("the first call: %w", err)
	}
	if err := pause(First); err != nil {
		return f, err
	}
	if err := driveCalls(ctx, s, &f, pause); err != nil {
		return f, fmt.Errorf("calls: %w", err)
	}
	if f.Tasks, err = median(s.Rounds, func(round int) (float64, error) {
		rate, err := tasks(ctx, s.Tasks)
		if err == nil && round == 0 {
			err = pause(Resident)
		}
		if err == nil {
			err = pause(Tasks)
		}
		return rate, err
	}); err != nil {
		return f, fmt.Errorf("tasks: %w", err)
	}
	if f.Items, err = median(s.Rounds, func(int) (float64, error) {
		rate, err := items(ctx, s.Items)
		if err == nil {
			err = pause(Items)
		}
		return rate, err
	}); err != nil {
		return f, fmt.Errorf("items of a Map: %w", err)
	}
	tree, err := median(s.Rounds, func(int) (float64, error) { return leaves(ctx, s.Leaves) })
	if err != nil {
		return f, fmt.Errorf("the tree: %w", err)
	}
	f.Tree = time.Duration(tree)
	return f, nil
}

func driveCalls(ctx context.Context, s Size, f *Figures, pause func(Pause) error) error {
	p99s := make([]float64, s.Rounds)
	p50, err := median(s.Rounds, func(round int) (float64, error) {
		p50, p99, err := calls(ctx, s.CallsEach())
		if err == nil {
			err = pause(Calls)
		}
		p99s[round] = float64(p99)
		return float64(p50), err
	})
	f.CallP50, f.CallP99 = time.Duration(p50), time.Duration(Median(p99s))
	return err
}

// median measures so many times and gives the figure in the middle.
func median(rounds int, measure func(round int) (float64, error)) (float64, error) {
	all := make([]float64, rounds)
	for i := range all {
		var err error
		if all[i], err = measure(i); err != nil {
			return 0, err
		}
	}
	return Median(all), nil
}

// Median is the figure in the middle. It sorts them.
func Median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

// calls makes calls one after the other, and gives the round trip that half of them stay below, and 99 of 100.
func calls(ctx context.Context, n int) (p50, p99 time.Duration, err error) {
	all := make([]time.Duration, n)
	for i := -n / 10; i < n; i++ { // some to warm up
		began := time.Now()
		got, err := noop.Call(ctx, i)
		if err != nil {
			return 0, 0, err
		}
		if got != i {
			return 0, 0, fmt.Errorf("got %d for %d", got, i)
		}
		if i >= 0 {
			all[i] = time.Since(began)
		}
	}
	slices.Sort(all)
	return all[n/2], all[n*99/100], nil
}

// tasks starts many tasks and waits for all, and gives how many are done in a second.
func tasks(ctx context.Context, n int) (float64, error) {
	refs := make([]muster.Ref[int], n)
	began := time.Now()
	for i := range refs {
		refs[i] = noop.Go(ctx, i)
	}
	for i, r := range refs {
		got, err := r.Get(ctx)
		if err != nil {
			return 0, err
		}
		if got != i {
			return 0, fmt.Errorf("got %d for %d", got, i)
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// items maps many numbers, and gives how many a second.
func items(ctx context.Context, n int) (float64, error) {
	began := time.Now()
	i := 0
	for got, err := range sqrt.Map(ctx, func(yield func(float64) bool) {
		for i := range n {
			if !yield(float64(i)) {
				return
			}
		}
	}) {
		if err != nil {
			return 0, err
		}
		if i%1000 == 0 && got != math.Sqrt(float64(i)) {
			return 0, fmt.Errorf("got %v for item %d", got, i)
		}
		i++
	}
	if i != n {
		return 0, fmt.Errorf("got %d of %d items", i, n)
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// leaves adds up the results of so many tasks in a tree, and gives the nanoseconds that it takes.
func leaves(ctx context.Context, n int) (float64, error) {
	began := time.Now()
	refs := make([]muster.Ref[int], n)
	for i := range refs {
		refs[i] = noop.Go(ctx, i)
	}
	got, err := muster.Reduce(ctx, sum, refs).Get(ctx)
	if err == nil && got != n*(n-1)/2 {
		err = fmt.Errorf("got %d for the sum of %d leaves", got, n)
	}
	return float64(time.Since(began)), err
}
