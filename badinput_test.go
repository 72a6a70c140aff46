package muster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/musterrun/muster"
)

type (
	holdsChan  struct{ C chan int }
	holdsMutex struct{ Mu sync.Mutex }
	holdsAny   struct{ Deep []struct{ X any } }
	hidden     struct{ n int } //nolint:unused // an unexported field is the point
)

// registrations are what Func panics with, tried where Func may be called: during initialisation.
var registrations = map[string]string{
	"empty name": panicOf(func() { muster.Func("", muster.Plain(func(x int) int { return x })) }),
	"taken name": panicOf(func() {
		muster.Func("bad.taken", muster.Plain(func(x int) int { return x }))
		muster.Func("bad.taken", muster.Plain(func(x int) int { return x }))
	}),
	"nil":        panicOf(func() { muster.Func[int, int]("bad.nil", nil) }),
	"nil plain":  panicOf(func() { muster.Func("bad.plain", muster.Plain[int, int](nil)) }),
	"chan":       panicOf(func() { muster.Func("bad.chan", muster.Plain(func(holdsChan) int { return 0 })) }),
	"func":       panicOf(func() { muster.Func("bad.func", muster.Plain(func(int) func() { return nil })) }),
	"mutex":      panicOf(func() { muster.Func("bad.mutex", muster.Plain(func(*holdsMutex) int { return 0 })) }),
	"any":        panicOf(func() { muster.Func("bad.any", muster.Plain(func(holdsAny) int { return 0 })) }),
	"unexported": panicOf(func() { muster.Func("bad.hidden", muster.Plain(func(hidden) int { return 0 })) }),
	"option":     panicOf(func() { muster.Func("bad.option", muster.Plain(func(int) int { return 0 }), muster.Retries(-1)) }),
	"sentinel":   panicOf(func() { muster.RegisterError("bad.sentinel", nil) }),
}

func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return "no panic"
}

func TestRegistrationPanics(t *testing.T) {
	for name, parts := range map[string][]string{
		"empty name": {`Func("")`, "badinput_test.go", "the name is empty: give it one"},
		"taken name": {`Func("bad.taken")`, "badinput_test.go", "the name is taken at", "badinput_test.go", "choose another"},
		"nil":        {`Func("bad.nil")`, "the function is nil"},
		"nil plain":  {`Func("bad.plain")`, "the function is nil"},
		"chan":       {`Func("bad.chan")`, "C", "chan int", "Local"},
		"func":       {`Func("bad.func")`, "func()", "Local"},
		"mutex":      {`Func("bad.mutex")`, "Mu", "sync.Mutex"},
		"any":        {`Func("bad.any")`, "Deep", "X", "interface", "json.RawMessage"},
		"unexported": {`Func("bad.hidden")`, "n", "unexported"},
		"option":     {"bad.option", "Retries(-1)"},
		"sentinel":   {"bad.sentinel"},
	} {
		t.Run(name, func(t *testing.T) {
			text := registrations[name]
			if strings.Contains(text, "\n") {
				t.Error("more than one line")
			}
			inOrder(t, text, parts)
		})
	}
}

func TestRegistrationOutsideInitialisation(t *testing.T) {
	for what, f := range map[string]func(){
		`Func("late")`:              func() { muster.Func("late", muster.Plain(func(x int) int { return x })) },
		`RegisterError("late")`:     func() { muster.RegisterError("late", errors.New("x")) },
		`RegisterErrorType("late")`: func() { muster.RegisterErrorType[*muster.TaskError]("late") },
	} {
		inOrder(t, panicOf(f), []string{what, "badinput_test.go", "outside package initialisation", "muster.Local"})
	}
}

func TestOptionsRefuseNonsense(t *testing.T) {
	for _, c := range []struct {
		opt  muster.Option
		want string
	}{
		{muster.CPUs(0), "CPUs(0): must be above 0; for functions that wait use IO()"},
		{muster.CPUs(-1), "CPUs(-1)"},
		{muster.CPUs(math.NaN()), "CPUs(NaN): must be above 0"},
		{muster.CPUs(math.Inf(1)), "CPUs(+Inf): must be at most 9e+14"},
		{muster.CPUs(1e300), "CPUs(1e+300): must be at most 9e+14"},
		{muster.Resource("gpu", math.NaN()), `Resource("gpu", NaN): needs a name and an amount between 0 and 9e+14`},
		{muster.Resource("gpu", 1e15), `Resource("gpu", 1e+15): needs a name and an amount between 0 and 9e+14`},
		{muster.Memory(-1), "Memory(-1): must not be negative"},
		{muster.Resource("", 1), `Resource("", 1): needs a name`},
		{muster.Resource("gpu", -1), `Resource("gpu", -1)`},
		{muster.Retries(-1), "Retries(-1)"},
		{muster.RetryIf(nil), "RetryIf(nil): pass a function"},
		{muster.Backoff(2, 1), "Backoff(2ns, 1ns): needs 0 <= first <= most"},
		{muster.Timeout(-1), "Timeout(-1ns): must not be negative"},
	} {
		inOrder(t, panicOf(func() { benchInc.With(c.opt) }), []string{"muster: bench.inc: option " + c.want})
	}
	inOrder(t, panicOf(func() { benchInc.With(muster.Option{}) }), []string{"muster: bench.inc: option", "zero"})
	inOrder(t, panicOf(func() { muster.Local[int, int](nil) }), []string{"muster: Local of a nil function: pass one"})
	inOrder(t, panicOf(func() { muster.PerProcess[int, int](nil) }), []string{"muster: PerProcess of a nil function: pass one"})
}

func TestOpenRefusesNonsense(t *testing.T) {
	var none context.Context
	_, _, err := muster.Open(none, muster.Config{})
	oneLine(t, err, "muster: Open with a nil context: pass context.Background()")
	for _, c := range []struct {
		cfg  muster.Config
		want string
	}{
		{muster.Config{CPUs: 0.5}, "Config.CPUs is 0.5: it must be at least 1"},
		{muster.Config{CPUs: math.NaN()}, "Config.CPUs is NaN: it must be at least 1"},
		{muster.Config{CPUs: 1e300}, "Config.CPUs is 1e+300: it must be at most 9e+14"},
		{muster.Config{Resources: map[string]float64{"gpu": math.NaN()}}, `Config.Resources["gpu"] is NaN`},
		{muster.Config{Resources: map[string]float64{"gpu": 1e15}}, `Config.Resources["gpu"] is 1e+15: it needs a name and an amount between 0 and 9e+14`},
		{muster.Config{Concurrency: -1}, "Config.Concurrency is -1"},
		{muster.Config{Memory: -1}, "Config.Memory is -1"},
		{muster.Config{Grace: -1}, "Config.Grace is -1ns"},
		{muster.Config{Resources: map[string]float64{"gpu": -1}}, `Config.Resources["gpu"] is -1`},
		{muster.Config{Resources: map[string]float64{"": 1}}, `Config.Resources[""]`},
		{muster.Config{Env: []string{"=x"}}, `Config.Env has "=x": want NAME or NAME=value`},
		{muster.Config{Env: []string{"A=b\x00"}}, `Config.Env has "A=b\x00"`},
		{muster.Config{Env: []string{"MUSTER_WORKER=4"}}, "Config.Env has MUSTER_WORKER: names that begin with MUSTER_ are muster's own"},
	} {
		_, _, err := muster.Open(context.Background(), c.cfg)
		oneLine(t, err, c.want)
	}
}

// oneLine checks an error's only line.
func oneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", parts)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	inOrder(t, err.Error(), parts)
}

func TestNilContext(t *testing.T) {
	var none context.Context
	const remedy = "nil context"
	_, err := benchInc.Call(none, 1)
	oneLine(t, err, "bench.inc", remedy)
	oneLine(t, benchInc.Go(none, 1).Wait(context.Background()), "bench.inc", remedy)
	oneLine(t, muster.Put(none, 1).Wait(context.Background()), remedy)
	oneLine(t, muster.Gather(none, muster.Put(context.Background(), 1)).Wait(context.Background()), remedy)
	_, err = muster.Collect(benchInc.Map(none, count(3)))
	oneLine(t, err, "bench.inc", remedy)
	oneLine(t, benchInc.Go(context.Background(), 1).Wait(none), remedy)
	oneLine(t, benchInc.Go(muster.Lazy(none), 1).Wait(context.Background()), remedy)
	select {
	case <-benchInc.Go(context.Background(), 1).Done(none):
	default:
		t.Error("Done of a nil context must not wait for ever")
	}
}

func TestAfterClose(t *testing.T) {
	s, ctx, err := muster.Open(context.Background(), muster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := benchInc.Go(ctx, 1)
	if err := done.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	lazy := benchInc.Go(muster.Lazy(ctx), 1)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if v, err := done.Get(context.Background()); v != 2 || err != nil {
		t.Error("a finished Ref must keep its value:", v, err)
	}
	if _, err := lazy.Get(context.Background()); !errors.Is(err, muster.ErrClosed) {
		t.Error(err)
	}
	again := s.Context(context.Background())
	if _, err := benchInc.Call(again, 1); !errors.Is(err, muster.ErrClosed) {
		t.Error(err)
	}
	if _, err := muster.Collect(benchInc.Map(again, count(3))); !errors.Is(err, muster.ErrClosed) {
		t.Error(err)
	}
}

func TestForeignRef(t *testing.T) {
	a, b := open(t, muster.Config{}), open(t, muster.Config{})
	r := benchInc.Go(a, 1)
	const remedy = "a Ref of another session stands in the argument: get its value there, and Put it here"
	_, err := tAdd.Call(b, pair{r, muster.Put(b, 1)})
	oneLine(t, err, "t.add", remedy)
	_, err = benchInc.From(b, r).Get(b)
	oneLine(t, err, "bench.inc", remedy)
	oneLine(t, muster.Gather(b, r).Wait(b), remedy)
	if v, err := r.Get(b); v != 2 || err != nil {
		t.Error("Get takes any context:", v, err)
	}
}

func TestZeroRef(t *testing.T) {
	ctx := open(t, muster.Config{Strict: true})
	var r muster.Ref[int]
	_, err := r.Get(ctx)
	oneLine(t, err, "zero Ref")
	oneLine(t, r.Wait(ctx), "zero Ref")
	<-r.Done(ctx)
	r.Cancel()
	if !r.IsZero() || muster.Put(ctx, 1).IsZero() {
		t.Error("IsZero")
	}
	inOrder(t, panicOf(func() { r.Value() }), []string{"muster: Value of a Ref that has no result yet: use Get"})
	oneLine(t, benchInc.From(ctx, r).Wait(ctx), "zero Ref")
	look := muster.Local(func(_ context.Context, p pair) (bool, error) { return p.A.IsZero() && p.B.IsZero(), nil })
	if zero, err := look.Call(ctx, pair{}); !zero || err != nil {
		t.Error("a zero Ref is allowed inside an argument:", zero, err)
	}
	if _, err := json.Marshal(r); err == nil || !strings.Contains(err.Error(), "a Ref can't be JSON: get its value first") {
		t.Error(err)
	}
	_ = r.Plan().String()
}

func TestValueOfFailedRef(t *testing.T) {
	ctx := open(t, muster.Config{})
	r := tFail.Go(ctx, 3)
	_ = r.Wait(ctx)
	inOrder(t, panicOf(func() { r.Value() }), []string{"muster: Value of a Ref whose task failed: use Get", "bad 3"})
}

func TestInputPanics(t *testing.T) {
	ctx := open(t, muster.Config{})
	input := func(yield func(int) bool) {
		for i := range 10 {
			if !yield(i) {
				return
			}
		}
		panic("the file is gone")
	}
	var last error
	got := 0
	for v, err := range benchInc.Map(ctx, input) {
		if last = err; err == nil {
			if got++; v != got {
				t.Fatal(v)
			}
		}
	}
	oneLine(t, last, "bench.inc: item 10: the input panicked: the file is gone")
	if got != 10 {
		t.Error("results before the panic were lost:", got)
	}
	if v, err := benchInc.Call(ctx, 1); v != 2 || err != nil {
		t.Error("the session must live on:", v, err)
	}
}

func TestInputYieldsAfterBreak(t *testing.T) {
	ctx := open(t, muster.Config{})
	deaf := iter.Seq[int](func(yield func(int) bool) {
		for i := range 100_000 {
			yield(i)
		}
	})
	text := panicOf(func() {
		for range benchInc.Map(ctx, deaf) {
			break
		}
	})
	inOrder(t, text, []string{"muster: the input of bench.inc went on after its yield had returned false: return then"})
	if v, err := benchInc.Call(ctx, 1); v != 2 || err != nil {
		t.Error("the session must live on:", v, err)
	}
}

func TestLoopBodyPanics(t *testing.T) {
	ctx := open(t, muster.Config{})
	text := panicOf(func() {
		for range benchInc.Map(ctx, count(1000)) {
			panic("mine")
		}
	})
	if text != "mine" {
		t.Error(text)
	}
}

func TestReduceOfNone(t *testing.T) {
	ctx := open(t, muster.Config{})
	_, err := muster.Reduce(ctx, benchSum, nil).Get(ctx)
	oneLine(t, err, "muster: Reduce of no Refs")
}

func TestSplitOfAnotherLength(t *testing.T) {
	ctx := open(t, muster.Config{})
	for _, n := range []int{-1, 0, 2, 4} {
		for _, r := range muster.Split(ctx, muster.Put(ctx, []int{1, 2, 3}), n) {
			oneLine(t, r.Wait(ctx), fmt.Sprintf("Split into %d, but the task returned 3 elements", n))
		}
	}
	refs := muster.Split(ctx, muster.Put(ctx, []int{1, 2, 3}), 3)
	if got, err := muster.Gather(ctx, refs...).Get(ctx); err != nil || !slices.Equal(got, []int{1, 2, 3}) {
		t.Error(got, err)
	}
}
