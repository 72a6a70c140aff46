package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
)

// The functions of the resume tests count how often they run.
var (
	resumeRuns   atomic.Int64
	resumeBroken atomic.Bool // resume.fragile fails

	resumeDouble = muster.Func("resume.double", func(_ context.Context, x int) (int, error) {
		resumeRuns.Add(1)
		return 2 * x, nil
	})
	resumeSum = muster.Func("resume.sum", func(_ context.Context, xs []int) (int, error) {
		resumeRuns.Add(1)
		total := 0
		for _, x := range xs {
			total += x
		}
		return total, nil
	})
	resumeFragile = muster.Func("resume.fragile", func(_ context.Context, x int) (int, error) {
		resumeRuns.Add(1)
		if resumeBroken.Load() && x%7 == 3 {
			return 0, fmt.Errorf("item %d is broken", x)
		}
		return x, nil
	})
	resumePick = muster.Func("resume.pick", func(ctx context.Context, x int) (muster.Ref[int], error) {
		resumeRuns.Add(1)
		return resumeDouble.Go(ctx, x+100), nil
	})
	resumeTimed = muster.Func("resume.timed", func(_ context.Context, x int) (int, error) {
		resumeRuns.Add(1)
		return -x, nil
	}, muster.Timeout(time.Minute))
	resumeTree, resumeNested *muster.Function[int, int]
)

func init() {
	resumeTree = muster.Func("resume.tree", func(ctx context.Context, depth int) (int, error) {
		resumeRuns.Add(1)
		if depth == 0 {
			return 1, nil
		}
		a, b := resumeTree.Go(ctx, depth-1), resumeTree.Go(ctx, depth-1)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	})
	resumeNested = muster.Func("resume.nested", func(ctx context.Context, n int) (int, error) {
		resumeRuns.Add(1)
		if resumeBroken.Load() {
			defer func() { resumeBroken.Store(true) }()
		}
		got, err := muster.Collect(resumeDouble.Map(ctx, slices.Values(upTo(n))))
		if err == nil && resumeBroken.Load() {
			err = errors.New("the outer call fails after its Map")
		}
		return len(got), err
	})
}

func upTo(n int) []int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	return xs
}

// resumeProgram is what a job does, as a text of its results.
type resumeProgram func(ctx context.Context) (string, error)

var resumePrograms = map[string]resumeProgram{
	"Go": func(ctx context.Context) (string, error) {
		var refs []muster.Ref[int]
		for i := range 50 {
			refs = append(refs, resumeDouble.Go(ctx, i%10)) // equal calls are told apart
		}
		all, err := muster.Gather(ctx, refs...).Get(ctx)
		return fmt.Sprint(all), err
	},
	"Call": func(ctx context.Context) (string, error) {
		v, err := resumeDouble.Call(ctx, 21)
		return fmt.Sprint(v), err
	},
	"From": func(ctx context.Context) (string, error) {
		v, err := resumeDouble.From(ctx, resumeDouble.From(ctx, resumeDouble.Go(ctx, 5))).Get(ctx)
		return fmt.Sprint(v), err
	},
	"From Put and Split": func(ctx context.Context) (string, error) {
		parts := muster.Split(ctx, muster.Put(ctx, []int{3, 4}), 2)
		a, err := resumeDouble.From(ctx, parts[0]).Get(ctx)
		if err != nil {
			return "", err
		}
		b, err := resumeDouble.From(ctx, parts[1]).Get(ctx)
		return fmt.Sprint(a, b), err
	},
	"From Local": func(ctx context.Context) (string, error) {
		secret := 9
		local := muster.Local(func(context.Context, int) (int, error) { return secret, nil })
		v, err := resumeDouble.From(ctx, local.Go(ctx, 1)).Get(ctx)
		return fmt.Sprint(v), err
	},
	"in Local": func(ctx context.Context) (string, error) {
		local := muster.Local(func(ctx context.Context, x int) (int, error) { return resumeDouble.Call(ctx, x) })
		got, err := muster.Collect(local.Map(ctx, slices.Values(upTo(30))))
		return fmt.Sprint(got), err
	},
	"Map": func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumeDouble.Map(ctx, slices.Values(upTo(5000))))
		return fmt.Sprint(got), err
	},
	"Map one by one": func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumeTimed.Map(ctx, slices.Values(upTo(100))))
		return fmt.Sprint(got), err
	},
	"Pipe": func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumeTimed.Pipe(ctx, resumeDouble.Map(ctx, slices.Values(upTo(300)))))
		return fmt.Sprint(got), err
	},
	"Pipe with errors": func(ctx context.Context) (string, error) {
		var got []string
		in := func(yield func(int, error) bool) {
			for i := range 100 {
				var err error
				if i%10 == 0 {
					err = fmt.Errorf("bad %d", i)
				}
				if !yield(i, err) {
					return
				}
			}
		}
		for v, err := range resumeDouble.Pipe(ctx, in) {
			got = append(got, fmt.Sprint(v, err))
		}
		return strings.Join(got, "\n"), nil
	},
	"Unordered": func(ctx context.Context) (string, error) {
		got := make([]int, 1000)
		for r := range resumeDouble.Unordered(ctx, slices.Values(upTo(1000))) {
			if r.Err != nil {
				return "", r.Err
			}
			got[r.Index] = r.Out
		}
		return fmt.Sprint(got), nil
	},
	"Reduce": func(ctx context.Context) (string, error) {
		var refs []muster.Ref[int]
		for i := range 100 {
			refs = append(refs, resumeDouble.Go(ctx, i))
		}
		v, err := muster.Reduce(ctx, resumeSum, refs).Get(ctx)
		return fmt.Sprint(v), err
	},
	"Lazy": func(ctx context.Context) (string, error) {
		lazy := muster.Lazy(ctx)
		var refs []muster.Ref[int]
		for i := range 20 {
			refs = append(refs, resumeDouble.Go(lazy, i))
		}
		v, err := resumeSum.From(lazy, muster.Gather(lazy, refs...)).Get(ctx)
		return fmt.Sprint(v), err
	},
	"nested": func(ctx context.Context) (string, error) {
		v, err := resumeTree.Call(ctx, 6)
		return fmt.Sprint(v), err
	},
	"Flatten": func(ctx context.Context) (string, error) {
		v, err := muster.Flatten(ctx, resumePick.Go(ctx, 1)).Get(ctx)
		return fmt.Sprint(v), err
	},
	"Map of tasks": func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumePick.Map(ctx, slices.Values(upTo(20))))
		if err != nil {
			return "", err
		}
		all, err := muster.Gather(ctx, got...).Get(ctx)
		return fmt.Sprint(all), err
	},
}

// runJob plays one life of a job and says how often functions ran.
func runJob(t *testing.T, c muster.Config, p resumeProgram) (text string, runs int64) {
	t.Helper()
	s, ctx, err := muster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	before := resumeRuns.Load()
	text, err = p(ctx)
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return text, resumeRuns.Load() - before
}
