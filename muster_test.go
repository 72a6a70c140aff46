package muster_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

type pair struct{ A, B muster.Ref[int] }

var (
	tAdd  = muster.Func("t.add", func(ctx context.Context, p pair) (int, error) { return p.A.Value() + p.B.Value(), nil })
	tFib  *muster.Function[int, int]
	tFail = muster.Func("t.fail", muster.PlainErr(func(x int) (int, error) {
		if x%3 == 0 {
			return 0, fmt.Errorf("bad %d: %w", x, fs.ErrNotExist)
		}
		return x, nil
	}))
	tPanic = muster.Func("t.panic", muster.Plain(func(x int) int {
		if x == 1 {
			panic("boom")
		}
		return x
	}))
)

func init() {
	tFib = muster.Func("t.fib", func(ctx context.Context, n int) (int, error) {
		if n < 2 {
			return n, nil
		}
		a, b := tFib.Go(ctx, n-1), tFib.Go(ctx, n-2)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	})
}

func open(t testing.TB, c muster.Config) context.Context {
	t.Helper()
	s, ctx, err := muster.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx
}

func TestNestedWithOneSlot(t *testing.T) {
	for _, strict := range []bool{false, true} {
		ctx := open(t, muster.Config{CPUs: 1, Strict: strict})
		if v, err := tFib.Call(ctx, 15); err != nil || v != 610 {
			t.Fatal(v, err)
		}
	}
}

func TestDependencies(t *testing.T) {
	ctx := open(t, muster.Config{Strict: true})
	p := pair{benchInc.Go(ctx, 1), muster.Put(ctx, 5)}
	if v, err := tAdd.Call(ctx, p); err != nil || v != 7 {
		t.Fatal(v, err)
	}
	_, err := tAdd.Call(ctx, pair{tFail.Go(ctx, 3), muster.Put(ctx, 5)})
	var te *muster.TaskError
	if !errors.As(err, &te) || te.Func != "t.fail" || !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestMapErrorsKeepTheirPlace(t *testing.T) {
	for _, strict := range []bool{false, true} {
		ctx := open(t, muster.Config{Strict: strict})
		i := 0
		for v, err := range tFail.Map(ctx, count(10_000)) {
			if bad := i%3 == 0; bad != (err != nil) || !bad && v != i {
				t.Fatal(i, v, err)
			}
			var te *muster.TaskError
			if err != nil && (!errors.As(err, &te) || te.Item != i) {
				t.Fatal(err)
			}
			i++
		}
		if i != 10_000 {
			t.Fatal(i)
		}
	}
}

func TestMapPanicAndRetries(t *testing.T) {
	ctx := open(t, muster.Config{})
	_, err := muster.Collect(tPanic.Map(ctx, slices.Values([]int{0, 1, 2})))
	var te *muster.TaskError
	if !errors.As(err, &te) || te.Stack == "" {
		t.Fatal(err)
	}
	t.Log(te, te.Stack)
	tries := map[int]int{}
	flaky := muster.Local(func(_ context.Context, x int) (int, error) {
		if tries[x]++; tries[x] < 3 {
			return 0, errors.New("again")
		}
		return x, nil
	}, muster.Retries(2), muster.Backoff(time.Microsecond, time.Millisecond))
	ctx = open(t, muster.Config{CPUs: 1})
	got, err := muster.Collect(flaky.Map(ctx, count(100)))
	if err != nil || len(got) != 100 || got[99] != 99 {
		t.Fatal(got, err)
	}
}

func TestTimeoutAndGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{Grace: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		deaf := muster.Local(func(ctx context.Context, _ int) (int, error) { <-release; return 1, nil }, muster.Timeout(time.Minute))
		start := time.Now()
		_, err = deaf.Call(ctx, 0)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 61*time.Second {
			t.Fatal(err, time.Since(start))
		}
		if err := s.Close(); err == nil {
			t.Fatal("Close named nothing")
		} else {
			t.Log(err)
		}
		close(release)
	})
}
