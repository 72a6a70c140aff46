package benchmarks_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/benchmarks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var variants = slices.Concat(benchmarks.Maps, benchmarks.Calls)

// TestEqualResults has every variant do every work, also on slices shorter than its goroutines are many.
func TestEqualResults(t *testing.T) {
	for _, w := range benchmarks.Works {
		sizes := []int{0, 1, 3, 5000}
		if w.Cost >= time.Millisecond {
			sizes[3] = 9
		}
		for _, v := range variants {
			t.Run(w.Name+"/"+v.Name, func(t *testing.T) {
				run, stop := v.Open(w)
				defer stop()
				for _, n := range sizes {
					in := benchmarks.Input(n)
					out, err := run(in)
					if err != nil {
						t.Fatal(err)
					}
					if want := results(in); !slices.Equal(out, want) {
						t.Errorf("of %d items: got %v, want %v", n, head(out), head(want))
					}
				}
			})
		}
	}
}

// TestEqualErrors has one item of many fail: every variant reports it, gives no results, and can be used again.
func TestEqualErrors(t *testing.T) {
	errBad := errors.New("bad item")
	const n = 500
	for _, at := range []int{0, n / 2, n - 1} {
		bad := benchmarks.Input(n)[at]
		do := func(in int) (int, error) {
			if in == bad {
				return 0, errBad
			}
			return benchmarks.Want(in), nil
		}
		w := &benchmarks.Work{Name: "fails", Do: do, Func: muster.Local(muster.PlainErr(do))}
		for _, v := range variants {
			t.Run(fmt.Sprintf("%d/%s", at, v.Name), func(t *testing.T) {
				run, stop := v.Open(w)
				defer stop()
				if out, err := run(benchmarks.Input(n)); !errors.Is(err, errBad) || out != nil {
					t.Errorf("got %v and error %v, want the item's error alone", head(out), err)
				}
				in := benchmarks.Input(n)[:at]
				if out, err := run(in); err != nil || !slices.Equal(out, results(in)) {
					t.Errorf("the run after it: got %v and error %v", head(out), err)
				}
			})
		}
	}
}

// results is what a run over the items must give.
func results(in []int) []int {
	var out []int
	for _, x := range in {
		out = append(out, benchmarks.Want(x))
	}
	return out
}

func head(xs []int) string {
	return fmt.Sprintf("%d results %v", len(xs), xs[:min(len(xs), 10)])
}
