package mustertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(door{m}) }

// door runs the tests by Main, so that those of isolated functions can start this binary as a worker.
type door struct{ m *testing.M }

func (d door) Run() int { return mustertest.Main(d.m) }

var apart = muster.Func("mustertest.apart", muster.Plain(func(int) int { return os.Getpid() }), muster.Isolated())

func TestMainIsADoor(t *testing.T) {
	if pid, err := apart.Call(mustertest.Context(t), 0); pid == os.Getpid() || err != nil {
		t.Error(pid, err)
	}
}

var (
	double  = muster.Func("mustertest.double", muster.Plain(func(x int) int { return 2 * x }))
	mutates = muster.Func("mustertest.mutates", muster.Plain(func(xs []int) int { xs[1] = 7; return len(xs) }))
	length  = muster.Func("mustertest.length", muster.Plain(func(xs []int) int { return len(xs) }))
	makes   = muster.Func("mustertest.makes", muster.Plain(func(n int) []int { return make([]int, n) }))
)

// fake is a test whose failures are looked at.
type fake struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (f *fake) Helper()          {}
func (f *fake) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }
func (f *fake) Errorf(s string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(s, args...))
}
func (f *fake) Fatalf(s string, args ...any) { f.Errorf(s, args...); panic("Fatalf") }

// try runs f as a test of its own and gives its failures.
func try(t *testing.T, f func(tb testing.TB)) string {
	t.Helper()
	tb := &fake{TB: t}
	func() {
		defer func() { _ = recover() }()
		f(tb)
	}()
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
	return strings.Join(tb.failures, "\n")
}

func TestContextIsASessionOfItsOwn(t *testing.T) {
	var ctx context.Context
	if text := try(t, func(tb testing.TB) {
		ctx = mustertest.Context(tb)
		if v, err := double.Call(ctx, 4); v != 8 || err != nil {
			t.Error(v, err)
		}
	}); text != "" {
		t.Error(text)
	}
	if _, err := double.Call(ctx, 4); !errors.Is(err, muster.ErrClosed) {
		t.Error("closed at the end:", err)
	}
}

func TestStrictFindsChanges(t *testing.T) {
	if text := try(t, func(tb testing.TB) {
		_, err := mutates.Call(mustertest.Context(tb), []int{1, 2})
		if err == nil || !strings.Contains(err.Error(), "the function changed its argument at [1]") {
			t.Error(err)
		}
	}); text != "" {
		t.Error(text)
	}
	text := try(t, func(tb testing.TB) {
		ctx := mustertest.Context(tb)
		xs := []int{1, 2}
		_ = length.Go(ctx, xs).Wait(ctx)
		xs[0] = 5
	})
	if !strings.Contains(text, "an argument of mustertest.length was changed after it was passed, at [0]") {
		t.Error(text)
	}
	text = try(t, func(tb testing.TB) {
		ctx := mustertest.Context(tb)
		xs, _ := makes.Call(ctx, 3)
		xs[2] = 1
	})
	if !strings.Contains(text, "a result of mustertest.makes was changed after it was passed, at [2]") {
		t.Error(text)
	}
	if text := try(t, func(tb testing.TB) {
		ctx := mustertest.Context(tb, mustertest.Loose())
		xs := []int{1, 2}
		_ = mutates.Go(ctx, xs).Wait(ctx)
	}); text != "" {
		t.Error("not strict:", text)
	}
}

func TestLeaksAreFound(t *testing.T) {
	stop := make(chan struct{})
	leak := muster.Local(func(context.Context, int) (int, error) {
		go func() { <-stop }()
		return 0, nil
	})
	text := try(t, func(tb testing.TB) { _, _ = leak.Call(mustertest.Context(tb), 0) })
	if !strings.Contains(text, "mustertest_test.go") {
		t.Errorf("the goroutine wasn't named: %q", text)
	}
	close(stop)
	wait := make(chan struct{})
	deaf := muster.Local(func(context.Context, int) (int, error) { <-wait; return 0, nil })
	text = try(t, func(tb testing.TB) {
		deaf.Go(mustertest.Context(tb, mustertest.Config(muster.Config{Grace: time.Millisecond})), 0)
	})
	if !strings.Contains(text, "still running 1ms after their cancel: local #1") {
		t.Error(text)
	}
	close(wait)
}

func TestSessionsSideBySide(t *testing.T) {
	stop := make(chan struct{})
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			text := try(t, func(tb testing.TB) {
				start := muster.Local(func(context.Context, int) (int, error) {
					if i == 0 {
						go func() { <-stop }()
					}
					return 0, nil
				})
				_, _ = start.Call(mustertest.Context(tb), 0)
			})
			if leaks := text != ""; leaks != (i == 0) {
				t.Error(i, text)
			}
		})
	}
	t.Cleanup(func() { close(stop) })
}

var errBad = errors.New("disk on fire")

func init() { muster.RegisterError("mustertest.bad", errBad) }

func TestFaultsHitTheirAttempt(t *testing.T) {
	ctx := mustertest.Context(t,
		mustertest.Fail("mustertest.double", 1, errBad), mustertest.Panic("mustertest.double", 2, "boom"),
		mustertest.Fail("mustertest.length", 0, errBad))
	_, err := double.Call(ctx, 1)
	if !errors.Is(err, errBad) {
		t.Error(err)
	}
	_, err = double.With(muster.Retries(1)).Call(ctx, 1)
	var te *muster.TaskError
	if !errors.As(err, &te) || te.Attempt != 2 || !strings.Contains(te.Error(), "panic: boom") || te.Stack == "" {
		t.Error(err)
	}
	if v, err := double.With(muster.Retries(2)).Call(ctx, 21); v != 42 || err != nil {
		t.Error(v, err)
	}
	if _, err := length.With(muster.Retries(5)).Call(ctx, nil); !errors.Is(err, errBad) {
		t.Error(err)
	}
	other := mustertest.Context(t)
	if v, err := double.Call(other, 1); v != 2 || err != nil {
		t.Error("faults bind to their session:", v, err)
	}
}

func TestFaultsInMap(t *testing.T) {
	ctx := mustertest.Context(t, mustertest.Fail("mustertest.double", 1, errors.New("once")))
	got, err := muster.Collect(double.With(muster.Retries(1)).Map(ctx, func(yield func(int) bool) {
		for i := 0; i < 500 && yield(i); i++ {
		}
	}))
	if err != nil || len(got) != 500 || got[499] != 998 {
		t.Error(len(got), err)
	}
}

func TestDelayEndsWithItsTask(t *testing.T) {
	ctx := mustertest.Context(t, mustertest.Delay("mustertest.double", 1, time.Hour))
	var tried atomic.Int64
	r := double.Go(ctx, 1)
	tried.Add(1)
	r.Cancel()
	if err := r.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
	if v, err := double.With(muster.Retries(1), muster.Timeout(time.Millisecond)).Call(ctx, 4); v != 8 || err != nil {
		t.Error("a delayed attempt times out, and the next one isn't delayed:", v, err)
	}
}
