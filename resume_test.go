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
	"github.com/musterrun/muster/event"
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

func TestResume(t *testing.T) {
	for name, p := range resumePrograms {
		t.Run(name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir(), Strict: strict}
				want, runs := runJob(t, muster.Config{CPUs: 2, Strict: strict}, p)
				first, ran := runJob(t, c, p)
				if first != want || ran != runs || runs == 0 {
					t.Errorf("with a journal: %s after %d runs, without: %s after %d", first, ran, want, runs)
				}
				for range 2 {
					if again, ran := runJob(t, c, p); again != want || ran != 0 {
						t.Errorf("again: %s after %d runs, want %s after none", again, ran, want)
					}
				}
			}
		})
	}
}

// A Ref in a recorded result is as good as any other for a call that wasn't made before.
func TestRestoredRefsArePassedOn(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	runJob(t, c, resumePrograms["Flatten"])
	got, ran := runJob(t, c, func(ctx context.Context) (string, error) {
		r, err := resumePick.Call(ctx, 1)
		if err != nil {
			return "", err
		}
		v, err := tAdd.Call(ctx, pair{r, r})
		return fmt.Sprint(v), err
	})
	if got != "404" || ran != 0 {
		t.Errorf("%s after %d runs, want 404 after none", got, ran)
	}
}

// A job that is cut short at any item goes on with the rest.
func TestResumeInTheMiddle(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	seen := map[int]bool{}
	for stop := 100; stop <= 1000; stop += 100 {
		s, ctx, err := muster.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for v, err := range resumeTimed.Map(ctx, slices.Values(upTo(1000))) {
			if err != nil || v != -n {
				t.Fatal(v, err)
			}
			if n++; n == stop {
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		seen[n] = true
	}
	_, runs := runJob(t, c, func(ctx context.Context) (string, error) {
		got, err := muster.Collect(resumeTimed.Map(ctx, slices.Values(upTo(1000))))
		return fmt.Sprint(len(got)), err
	})
	if runs != 0 || len(seen) != 10 {
		t.Errorf("%d runs after all was recorded", runs)
	}
}

func TestResumeFailures(t *testing.T) {
	defer resumeBroken.Store(false)
	program := func(ctx context.Context) (string, error) {
		var got []string
		for v, err := range resumeFragile.Map(ctx, slices.Values(upTo(70))) {
			got = append(got, fmt.Sprint(v, err))
		}
		_, err := resumeFragile.Call(ctx, 3)
		return strings.Join(append(got, fmt.Sprint(err)), "\n"), nil
	}
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	resumeBroken.Store(true)
	failed, _ := runJob(t, c, program)
	c.ResumeFailures = true
	if again, runs := runJob(t, c, program); again != failed || runs != 0 {
		t.Errorf("%d runs, got\n%s\nwant\n%s", runs, again, failed)
	}
	c.ResumeFailures = false
	resumeBroken.Store(false)
	mended, runs := runJob(t, c, program)
	if strings.Contains(mended, "broken") || runs != 11 {
		t.Errorf("%d runs, want the 11 that had failed:\n%s", runs, mended)
	}
	if again, runs := runJob(t, c, program); again != mended || runs != 0 {
		t.Errorf("%d runs after all had succeeded", runs)
	}
}

// What a call had done before it failed isn't done again.
func TestResumeInsideAFailedCall(t *testing.T) {
	defer resumeBroken.Store(false)
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	resumeBroken.Store(true)
	_, first := runJob(t, c, func(ctx context.Context) (string, error) {
		if _, err := resumeNested.Call(ctx, 40); err == nil {
			t.Error("it must fail")
		}
		return "", nil
	})
	resumeBroken.Store(false)
	got, second := runJob(t, c, func(ctx context.Context) (string, error) {
		n, err := resumeNested.Call(ctx, 40)
		return fmt.Sprint(n), err
	})
	if first != 41 || second != 1 || got != "40" {
		t.Errorf("%d runs, then %d, got %s", first, second, got)
	}
}

// Other inputs than those recorded are computed, and the results are theirs.
func TestResumeWithOtherInputs(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "j", CacheDir: t.TempDir()}
	over := func(xs []int) resumeProgram {
		return func(ctx context.Context) (string, error) {
			got, err := muster.Collect(resumeTimed.Map(ctx, slices.Values(xs)))
			return fmt.Sprint(got), err
		}
	}
	xs := upTo(200)
	runJob(t, c, over(xs))
	changed := slices.Clone(xs)
	changed[50] = 1000
	want, _ := runJob(t, muster.Config{}, over(changed))
	if got, runs := runJob(t, c, over(changed)); got != want || runs < 1 || runs > 150 {
		t.Errorf("%d runs, got %s", runs, got)
	}
	shorter, _ := runJob(t, c, over(xs[:120]))
	if want, _ := runJob(t, muster.Config{}, over(xs[:120])); shorter != want {
		t.Error(shorter)
	}
}

func TestJobHeld(t *testing.T) {
	c := muster.Config{CPUs: 2, Job: "held", CacheDir: t.TempDir()}
	s, _, err := muster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := muster.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "muster: job held is open in process") {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, _, err := muster.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	c.Job = "../x"
	if _, _, err := muster.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "letters") {
		t.Error(err)
	}
}

// When next to nothing matches, the session says so, and why.
func TestResumeMismatch(t *testing.T) {
	dir := t.TempDir()
	hints := func(f *muster.Function[int, int], xs []int) (texts []string) {
		c := muster.Config{CPUs: 2, Job: "j", CacheDir: dir, OnEvent: func(e event.Event) {
			if e.Kind == event.Hint && strings.Contains(e.Text, "journal") {
				texts = append(texts, e.Text)
			}
		}}
		runJob(t, c, func(ctx context.Context) (string, error) {
			_, err := muster.Collect(f.Map(ctx, slices.Values(xs)))
			return "", err
		})
		return texts
	}
	if got := hints(resumeDouble.With(muster.Version("1")), upTo(2000)); len(got) != 0 {
		t.Error("the first run:", got)
	}
	if got := hints(resumeDouble.With(muster.Version("1")), upTo(2000)); len(got) != 0 {
		t.Error("the same again:", got)
	}
	got := hints(resumeDouble.With(muster.Version("2")), upTo(2000))
	if len(got) != 1 || !strings.Contains(got[0], "the code of resume.double has changed") {
		t.Error("another version:", got)
	}
	shifted := upTo(2001)[1:]
	got = hints(resumeDouble.With(muster.Version("2")), shifted)
	if len(got) != 1 || !strings.Contains(got[0], "the arguments differ") {
		t.Error("other arguments:", got)
	}
}
