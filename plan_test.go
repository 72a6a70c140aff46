package muster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
)

// durations differ from run to run.
var durations = regexp.MustCompile(` [0-9.e+]+(us|ms|s)\b`)

func timeless(s string) string { return durations.ReplaceAllString(s, " T") }

// numbers are those of the tasks; which of two tasks comes first isn't told.
var numbers = regexp.MustCompile(` #[0-9]+`)

func numberless(s string) string { return numbers.ReplaceAllString(s, "") }

// diamond is read, two counts of it, and their sum.
func diamond(ctx context.Context) muster.Ref[int] {
	base := benchInc.Go(ctx, 1)
	refs := []muster.Ref[int]{benchInc.From(ctx, base), tFib.From(ctx, base)}
	return muster.Reduce(ctx, benchSum, refs)
}

func TestPlanBeforeAndAfter(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	r := diamond(muster.Lazy(ctx))
	before := `1 bench.inc recorded
2 bench.inc recorded <- 1
3 t.fib recorded <- 1
4 gather recorded <- 2 3
5 bench.sum recorded <- 4
`
	if got := r.Plan().String(); got != before {
		t.Errorf("before:\n%s", got)
	}
	if v, err := r.Get(ctx); v != 4 || err != nil {
		t.Fatal(v, err)
	}
	after := strings.ReplaceAll(before, "recorded", "done T")
	after = strings.ReplaceAll(after, "gather done T", "gather done")
	got := timeless(r.Plan().String())
	if numberless(got) != after || strings.Count(got, "#") != 4 || !strings.Contains(got, "5 bench.sum #5 done") {
		t.Errorf("after:\n%s\nwant:\n%s", got, after)
	}
	path := timeless(r.Plan().CriticalPath())
	if !strings.HasPrefix(path, "bench.inc T -> ") || !strings.HasSuffix(path, " -> gather -> bench.sum T") {
		t.Error(path)
	}
}

func TestPlanPictures(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	r := diamond(muster.Lazy(ctx))
	defer r.Cancel()
	dot := `digraph plan {
	rankdir=LR
	n1 [label="bench.inc\nrecorded"]
	n2 [label="bench.inc\nrecorded"]
	n3 [label="t.fib\nrecorded"]
	n4 [label="gather\nrecorded"]
	n5 [label="bench.sum\nrecorded"]
	n1 -> n2
	n1 -> n3
	n2 -> n4
	n3 -> n4
	n4 -> n5
}
`
	if got := r.Plan().DOT(); got != dot {
		t.Error(got)
	}
	mermaid := `flowchart LR
	n1["bench.inc<br>recorded"]
	n2["bench.inc<br>recorded"]
	n3["t.fib<br>recorded"]
	n4["gather<br>recorded"]
	n5["bench.sum<br>recorded"]
	n1 --> n2
	n1 --> n3
	n2 --> n4
	n3 --> n4
	n4 --> n5
`
	if got := r.Plan().Mermaid(); got != mermaid {
		t.Error(got)
	}
	data, err := r.Plan().JSON()
	var tasks []struct {
		ID   int
		Func string
		Deps []int
	}
	if err != nil || json.Unmarshal(data, &tasks) != nil || len(tasks) != 5 || tasks[4].Func != "bench.sum" || tasks[4].Deps[0] != 4 {
		t.Error(string(data), err)
	}
}

func TestPlanOfFailure(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	lazy := muster.Lazy(ctx) // both have begun when the first fails, or the second has no number
	r := benchInc.From(lazy, tFail.Go(lazy, 3))
	_ = r.Wait(ctx)
	if got, want := timeless(r.Plan().String()), "1 t.fail #1 failed T\n2 bench.inc #2 failed <- 1\n"; got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestPlanOfALongChainIsCut(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	r := benchInc.Go(ctx, 0)
	for range 50_000 {
		r = benchInc.From(ctx, r)
	}
	if v, err := r.Get(ctx); v != 50_001 || err != nil {
		t.Fatal(v, err)
	}
	if got := r.Plan().String(); !strings.Contains(got, "(earlier tasks, forgotten)") || strings.Count(got, "\n") > 20_002 {
		t.Error(strings.Count(got, "\n"), got[:200])
	}
}

func TestPlanNumbersTasksAsErrorsDo(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	failed := tFail.Go(ctx, 3)
	_ = failed.Wait(ctx) // its number must be found though it has ended
	var te *muster.TaskError
	if _, err := benchInc.From(ctx, failed).Get(ctx); !errors.As(err, &te) {
		t.Fatal(err)
	}
	if got, want := failed.Plan().String(), fmt.Sprintf("1 t.fail #%d failed", te.Task); !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	gate := make(chan struct{})
	held := muster.Local(func(context.Context, int) (int, error) { <-gate; return 1, nil }).Go(ctx, 0)
	after := benchInc.From(ctx, held) // asks for it while it runs
	close(gate)
	if _, err := after.Get(ctx); err != nil {
		t.Fatal(err)
	}
	if got := numbers.FindAllString(after.Plan().String(), -1); len(got) != 2 {
		t.Error(after.Plan())
	}
	slow := muster.Local(muster.Plain(func(d time.Duration) int { <-time.After(d); return 0 })).Go(ctx, 1234567)
	_ = slow.Wait(ctx)
	data, err := benchInc.From(ctx, slow).Plan().JSON()
	var tasks []struct {
		Task    uint64
		Seconds json.Number
	}
	if err != nil || json.Unmarshal(data, &tasks) != nil || len(tasks) != 2 {
		t.Fatal(string(data), err)
	}
	if digits := strings.Trim(tasks[0].Seconds.String(), "0."); tasks[1].Task == 0 || len(digits) > 4 {
		t.Error(string(data), err)
	}
}
