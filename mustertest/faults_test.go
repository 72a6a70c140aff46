package mustertest_test

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest"
)

var errBusy = errors.New("busy") // not registered

// busyError isn't registered either.
type busyError struct{ n int }

func (e *busyError) Error() string { return "busy " + strconv.Itoa(e.n) }

var (
	busy  = muster.Func("mustertest.busy", muster.PlainErr(func(int) (int, error) { return 0, fmt.Errorf("lock: %w", errBusy) }))
	busy2 = muster.Func("mustertest.busy2", muster.PlainErr(func(n int) (int, error) { return 0, &busyError{n} }))
)

func isBusy(err error) bool {
	var e *busyError
	return errors.Is(err, errBusy) || errors.As(err, &e)
}

func once(n int) iter.Seq[int] { return func(yield func(int) bool) { yield(n) } }

// RetryIf runs where the function does, so it sees the error that the function returned.
func TestRetryIfSeesTheFunctionsError(t *testing.T) {
	ctx := mustertest.Context(t, mustertest.Fail("mustertest.double", 0, errBusy))
	again := []muster.Option{muster.Retries(2), muster.RetryIf(isBusy)}
	for name, f := range map[string]*muster.Function[int, int]{
		"a sentinel": busy.With(again...), "a type": busy2.With(again...), "injected": double.With(again...),
		"with a timeout": busy.With(append(again, muster.Timeout(time.Hour))...),
	} {
		_, err := f.Call(ctx, 7)
		var te *muster.TaskError
		if !errors.As(err, &te) || te.Attempt != 3 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetryIfSeesTheErrorOfAnItem(t *testing.T) {
	f := busy.With(muster.Retries(2), muster.RetryIf(isBusy))
	for _, err := range f.Map(mustertest.Context(t), once(1)) {
		if te := (*muster.TaskError)(nil); !errors.As(err, &te) || te.Attempt != 3 {
			t.Error(err)
		}
	}
}

func TestLostIdentityIsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  func(tb testing.TB)
		want string
	}{
		{"Is", func(tb testing.TB) {
			ctx := mustertest.Context(tb)
			for range 3 {
				if _, err := busy.Call(ctx, 1); errors.Is(err, errBusy) || !strings.HasSuffix(err.Error(), "lock: busy") {
					tb.Error(err)
				}
			}
		}, `an error of mustertest.busy lost what errors.Is asked for, "busy": only registered errors keep their identity between processes: call muster.RegisterError`},
		{"As", func(tb testing.TB) {
			_, err := busy2.Call(mustertest.Context(tb), 1)
			if e := (*busyError)(nil); errors.As(err, &e) {
				tb.Error(err)
			}
		}, `lost what errors.As asked for, *mustertest_test.busyError: only registered errors keep their identity between processes: ` +
			`call muster.RegisterErrorType[*mustertest_test.busyError]`},
		{"in a Map", func(tb testing.TB) {
			for _, err := range busy.Map(mustertest.Context(tb), once(1)) {
				if errors.Is(err, errBusy) {
					tb.Error(err)
				}
			}
		}, "an error of mustertest.busy lost"},
		{"injected", func(tb testing.TB) {
			_, err := double.Call(mustertest.Context(tb, mustertest.Fail("mustertest.double", 1, errBusy)), 1)
			if errors.Is(err, errBusy) {
				tb.Error(err)
			}
		}, "an error of mustertest.double lost"},
		{"for what it never was", func(tb testing.TB) {
			_, err := busy.Call(mustertest.Context(tb), 1)
			if e := (*busyError)(nil); errors.Is(err, muster.ErrCanceled) || errors.Is(err, errBad) || errors.As(err, &e) {
				tb.Error(err)
			}
		}, ""},
		{"a registered one", func(tb testing.TB) {
			_, err := double.Call(mustertest.Context(tb, mustertest.Fail("mustertest.double", 1, fmt.Errorf("write: %w", errBad))), 1)
			if !errors.Is(err, errBad) {
				tb.Error(err)
			}
		}, ""},
		{"loose", func(tb testing.TB) {
			if _, err := busy.Call(mustertest.Context(tb, mustertest.Loose()), 1); !errors.Is(err, errBusy) {
				tb.Error(err)
			}
		}, ""},
		{"of a Local", func(tb testing.TB) {
			f := muster.Local(muster.PlainErr(func(int) (int, error) { return 0, errBusy }))
			if _, err := f.Call(mustertest.Context(tb), 1); !errors.Is(err, errBusy) {
				tb.Error(err)
			}
		}, ""},
	} {
		text := try(t, c.ask)
		if !strings.Contains(text, c.want) || (text == "") != (c.want == "") || strings.Count(text, "asked for") > 1 {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

func TestConfigStaysStrict(t *testing.T) {
	ctx := mustertest.Context(t, mustertest.Config(muster.Config{CPUs: 1}))
	if _, err := mutates.Call(ctx, []int{1, 2}); err == nil || !strings.Contains(err.Error(), "the function changed its argument at [1]") {
		t.Error(err)
	}
}

func TestFaultsThatCantStrike(t *testing.T) {
	for _, c := range []struct {
		opts []mustertest.Option
		want string
	}{
		{[]mustertest.Option{mustertest.Fail("mustertest.dubble", 1, errBad)},
			`mustertest.Fail("mustertest.dubble", 1): no function is registered under this name; perhaps mustertest.double`},
		{[]mustertest.Option{mustertest.Panic("double", 1, "x")}, `mustertest.Panic("double", 1): no function is registered under this name; perhaps mustertest.double`},
		{[]mustertest.Option{mustertest.Delay("xyz", 1, 1)}, `mustertest.Delay("xyz", 1): no function is registered under this name`},
		{[]mustertest.Option{mustertest.Fail("mustertest.double", -1, errBad)}, `mustertest.Fail("mustertest.double", -1): the attempt is negative`},
		{[]mustertest.Option{mustertest.Fail("mustertest.double", 1, nil)}, "the error is nil"},
		{[]mustertest.Option{mustertest.Panic("mustertest.double", 1, nil)}, "the value is nil"},
		{[]mustertest.Option{mustertest.Delay("mustertest.double", 1, 0)}, "the delay is 0s"},
		{[]mustertest.Option{mustertest.Fail("mustertest.length", 1, errBad)}, `mustertest.Fail("mustertest.length", 1) never struck: mustertest.length never ran`},
		{[]mustertest.Option{mustertest.Fail("mustertest.double", 1, errBad), mustertest.Panic("mustertest.double", 3, "x")},
			`mustertest.Panic("mustertest.double", 3) never struck: mustertest.double came to attempt 2 at most: an earlier one must fail, and its Retries allow more`},
		{[]mustertest.Option{mustertest.Fail("mustertest.double", 1, errBad), mustertest.Panic("mustertest.double", 1, "x")},
			`mustertest.Panic("mustertest.double", 1) never struck: another fault of the same attempt came first`},
		{[]mustertest.Option{mustertest.Fail("mustertest.double", 1, errBad), mustertest.Fail("local", 0, errBad)}, ""},
	} {
		text := try(t, func(tb testing.TB) {
			ctx := mustertest.Context(tb, c.opts...)
			_, _ = double.With(muster.Retries(1)).Call(ctx, 1)
			_, _ = muster.Local(muster.Plain(func(int) int { return 0 })).Call(ctx, 1)
		})
		if !strings.Contains(text, c.want) || (c.want == "") != (text == "") {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}
