package muster_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/musterrun/muster"
)

func TestGetGivesUpWithItsOwnContext(t *testing.T) {
	ctx := open(t, muster.Config{})
	gate := make(chan struct{})
	r := muster.Local(func(context.Context, int) (int, error) { <-gate; return 7, nil }).Go(ctx, 0)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := r.Get(ended); err != context.Canceled { //nolint:errorlint // the promise is the bare error
		t.Error(err)
	}
	close(gate)
	if v, err := r.Get(ctx); v != 7 || err != nil {
		t.Error("the task goes on:", v, err)
	}
}

func TestCallWhoseContextEnds(t *testing.T) {
	ctx := open(t, muster.Config{})
	ctx, cancel := context.WithCancel(ctx)
	_, err := muster.Local(func(ctx context.Context, _ int) (int, error) {
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	}).Call(ctx, 0)
	var te *muster.TaskError
	if !errors.As(err, &te) || te.Func != "local" || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	oneLine(t, err, "the context passed to Go ended")
}

func TestCancel(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	started := make(chan struct{})
	runs := muster.Local(func(ctx context.Context, _ int) (int, error) {
		close(started)
		<-ctx.Done()
		return 1, nil
	}).Go(ctx, 0)
	<-started
	waits := benchInc.Go(ctx, 1)
	after := benchInc.From(ctx, waits)
	for _, r := range []muster.Ref[int]{waits, runs} {
		r.Cancel()
		r.Cancel()
		if err := r.Wait(ctx); !errors.Is(err, muster.ErrCanceled) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if err := after.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error("a dependent has the error of what it waited for:", err)
	}
}

func TestDoneLendsTheSlot(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	parent := muster.Local(func(ctx context.Context, _ int) (int, error) {
		a, b := benchInc.Go(ctx, 1), benchInc.Go(ctx, 2)
		da, db := a.Done(ctx), b.Done(ctx)
		<-da
		<-db
		return a.Value() + b.Value(), nil
	})
	if v, err := parent.Call(ctx, 0); v != 5 || err != nil {
		t.Error(v, err)
	}
}

func TestSelectOverDone(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	never := mainWait.Go(ctx, 0)
	if first := never.Done(ctx); first != never.Done(ctx) {
		t.Error("asking again must give the same channel")
	}
	soon := benchInc.Go(ctx, 1)
	select {
	case <-never.Done(ctx):
		t.Error("it never ends by itself")
	case <-soon.Done(ctx):
	}
	ended, cancel := context.WithCancel(ctx)
	ch := never.Done(ended)
	cancel()
	<-ch
	never.Cancel()
}

func TestRefsInsideResultsAndGather(t *testing.T) {
	for _, strict := range []bool{false, true} {
		ctx := open(t, muster.Config{CPUs: 1, Strict: strict})
		spawn := muster.Local(func(ctx context.Context, n int) (muster.Ref[int], error) { return benchInc.Go(ctx, n), nil })
		if v, err := muster.Flatten(ctx, spawn.Go(ctx, 4)).Get(ctx); v != 5 || err != nil {
			t.Error(v, err)
		}
		if v, err := benchSum.From(ctx, muster.Gather(ctx, goAll(ctx, benchInc, 10)...)).Get(ctx); v != 55 || err != nil {
			t.Error(v, err)
		}
		bad := muster.Gather(ctx, benchInc.Go(ctx, 1), tFail.Go(ctx, 6), tFail.Go(ctx, 3))
		oneLine(t, bad.Wait(ctx), "t.fail: bad 6")
		if vs, err := muster.Gather[int](ctx).Get(ctx); len(vs) != 0 || err != nil {
			t.Error(vs, err)
		}
	}
}

func TestReduceKeepsOrder(t *testing.T) {
	ctx := open(t, muster.Config{})
	join := muster.Local(func(_ context.Context, parts []string) (string, error) { return strings.Join(parts, ""), nil })
	for n := 1; n < 200; n++ {
		refs := make([]muster.Ref[string], n)
		want := ""
		for i := range refs {
			refs[i] = muster.Put(ctx, fmt.Sprint(i, ";"))
			want += fmt.Sprint(i, ";")
		}
		r := muster.Reduce(ctx, join, refs)
		if got, err := r.Get(ctx); got != want || err != nil {
			t.Fatal(n, got, err)
		}
		if n == 1 && r != refs[0] {
			t.Error("one Ref is returned as it is")
		}
	}
}

func TestSplitKeepsElementsApart(t *testing.T) {
	ctx := open(t, muster.Config{})
	type big struct{ bytes []byte }
	make3 := muster.Local(func(context.Context, int) ([]*big, error) {
		return []*big{{make([]byte, 1<<20)}, {make([]byte, 1<<20)}, {make([]byte, 1<<20)}}, nil
	})
	refs := muster.Split(ctx, make3.Go(ctx, 0), 3)
	var collected atomic.Int64
	for i, r := range refs {
		v, err := r.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			runtime.AddCleanup(v, func(int) { collected.Add(1) }, 0)
		}
	}
	kept := refs[0]
	clear(refs)
	for collected.Load() < 2 {
		runtime.GC()
		runtime.Gosched()
	}
	if len(kept.Value().bytes) != 1<<20 {
		t.Error("the element that is referenced stays")
	}
}

func TestResultDiesWithItsLastRef(t *testing.T) {
	ctx := open(t, muster.Config{})
	gone := make(chan struct{})
	func() {
		r := muster.Local(func(context.Context, int) (*[1 << 20]byte, error) { return new([1 << 20]byte), nil }).Go(ctx, 0)
		v, err := r.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		runtime.AddCleanup(v, func(int) { close(gone) }, 0)
	}()
	for {
		select {
		case <-gone:
			return
		default:
			runtime.GC()
			runtime.Gosched()
		}
	}
}

func TestLazyRunsOnceWhoeverAsks(t *testing.T) {
	for name, ask := range map[string]func(ctx context.Context, r muster.Ref[int]) error{
		"Get":       func(ctx context.Context, r muster.Ref[int]) error { _, err := r.Get(ctx); return err },
		"Wait":      func(ctx context.Context, r muster.Ref[int]) error { return r.Wait(ctx) },
		"Done":      func(ctx context.Context, r muster.Ref[int]) error { <-r.Done(ctx); return nil },
		"dependent": func(ctx context.Context, r muster.Ref[int]) error { return benchInc.From(ctx, r).Wait(ctx) },
		"argument":  func(ctx context.Context, r muster.Ref[int]) error { return tAdd.Go(ctx, pair{r, r}).Wait(ctx) },
		"Completed": func(ctx context.Context, r muster.Ref[int]) error {
			for _, r := range muster.Completed(ctx, r) {
				return r.Wait(ctx)
			}
			return errors.New("nothing came")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := open(t, muster.Config{})
			var calls atomic.Int64
			f := muster.Local(func(_ context.Context, x int) (int, error) { calls.Add(1); return x, nil })
			lazy := muster.Lazy(ctx)
			base := f.Go(lazy, 1)
			r := f.From(lazy, base)
			_, _ = r.Plan().String(), r.IsZero()
			if calls.Load() != 0 {
				t.Fatal("it ran before anybody asked")
			}
			for range 3 {
				if err := ask(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			if n := calls.Load(); n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
		})
	}
}

func TestLazyCancelRunsNothing(t *testing.T) {
	ctx := open(t, muster.Config{})
	r := tPanic.Go(muster.Lazy(ctx), 1)
	r.Cancel()
	if err := r.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
}

func TestCompletedYieldsAsTheyFinish(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 3})
	gates := []chan struct{}{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	f := muster.Local(func(_ context.Context, i int) (int, error) { <-gates[i]; return i, nil })
	refs := goAll(ctx, f, 3)
	var order []int
	close(gates[1])
	for i, r := range muster.Completed(ctx, refs...) {
		if v, err := r.Get(ctx); v != i || err != nil {
			t.Error(v, err)
		}
		if order = append(order, i); len(order) == 1 {
			close(gates[2])
		} else if len(order) == 2 {
			close(gates[0])
		}
	}
	if !slices.Equal(order, []int{1, 2, 0}) {
		t.Error(order)
	}
}

func TestCompletedWhoseContextEnds(t *testing.T) {
	ctx := open(t, muster.Config{})
	r := mainWait.Go(ctx, 0)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	n := 0
	for _, r := range muster.Completed(ended, r, r) {
		if _, err := r.Get(ended); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		n++
	}
	if n != 2 {
		t.Error(n)
	}
	r.Cancel()
}

func TestPendingGrowsInsideItsLoopAndInsideATask(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	collatz := muster.Local(func(ctx context.Context, start int) (int, error) {
		var p muster.Pending[string, int]
		p.Add("start", benchInc.Go(ctx, start-1))
		steps := 0
		for key, r := range p.Completed(ctx) {
			v, err := r.Get(ctx)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", key, err)
			}
			if v == 1 {
				break
			}
			if steps++; v%2 == 0 {
				p.Add("half", benchInc.Go(ctx, v/2-1))
			} else {
				p.Add("triple", benchInc.Go(ctx, 3*v))
			}
		}
		if p.Len() != 0 {
			return 0, fmt.Errorf("%d left", p.Len())
		}
		return steps, nil
	})
	if v, err := collatz.Call(ctx, 27); v != 111 || err != nil {
		t.Error(v, err)
	}
}

func TestPerProcessOpensOncePerKey(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 4})
	var opened atomic.Int64
	broken := true
	model := muster.PerProcess(func(_ context.Context, key string) (string, error) {
		opened.Add(1)
		if key == "bad" && broken {
			broken = false
			return "", errors.New("not there yet")
		}
		return key + "!", nil
	})
	f := muster.Local(func(ctx context.Context, x int) (string, error) { return model(ctx, fmt.Sprint(x%3)) })
	for _, err := range f.Map(ctx, count(300)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("opened %d times, want 3", n)
	}
	if _, err := model(ctx, "bad"); err == nil {
		t.Error("the error must be passed on")
	}
	if v, err := model(ctx, "bad"); v != "bad!" || err != nil {
		t.Error("after an error it is opened again:", v, err)
	}
	text := panicOf(func() {
		_, _ = muster.PerProcess(func(context.Context, int) (int, error) { panic("no model") })(ctx, 1)
	})
	if text != "no model" {
		t.Error(text)
	}
}

func TestLocalKeepsValuesAndFuncDoesNot(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.WithValue(open(t, muster.Config{}), key{}, "mine"), anyKey{}, 1)
	local := muster.Local(func(ctx context.Context, _ int) (string, error) { s, _ := ctx.Value(key{}).(string); return s, nil })
	if v, err := local.Call(ctx, 0); v != "mine" || err != nil {
		t.Error(v, err)
	}
	vs, err := muster.Collect(local.Map(ctx, count(1)))
	if err != nil || vs[0] != "mine" {
		t.Error(vs, err)
	}
	if v, err := hasValues.Call(ctx, 0); v || err != nil {
		t.Error("a Func's context carries none of its caller's values:", v, err)
	}
}

type anyKey struct{}

var hasValues = muster.Func("t.values", func(ctx context.Context, _ int) (bool, error) { return ctx.Value(anyKey{}) != nil, nil })

func TestDefaultSession(t *testing.T) {
	if v, err := tFib.Call(context.Background(), 10); v != 55 || err != nil {
		t.Error(v, err)
	}
	got, err := muster.Collect(benchInc.Map(context.Background(), count(10)))
	if err != nil || len(got) != 10 {
		t.Error(got, err)
	}
}
