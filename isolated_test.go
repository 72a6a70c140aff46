//go:build unix

package muster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest"
)

// These tests hold wherever an isolated task's process comes from; on the loop, which has no processes, it runs as others do.

var errIsolated = errors.New("a sentinel")

func init() { muster.RegisterError("isolated.sentinel", errIsolated) }

type isoPair struct {
	A, B muster.Ref[int]
}

var (
	isoInc     = muster.Func("isolated.inc", muster.Plain(func(x int) int { return x + 1 }), muster.Isolated())
	isoTwice   = muster.Func("isolated.twice", muster.Plain(func(b []byte) []byte { return append(b, b...) }), muster.Isolated())
	isoFail    = muster.Func("isolated.fail", muster.PlainErr(func(x int) (int, error) { return 0, fmt.Errorf("%d: %w", x, errIsolated) }), muster.Isolated())
	isoPanic   = muster.Func("isolated.panic", muster.Plain(func(int) int { panic("boom") }), muster.Isolated())
	isoPlain   = muster.Func("isolated.plain", muster.Plain(func(x int) int { return 10 * x })) // not isolated: others call it
	isoSum     = muster.Func("isolated.sum", muster.Plain(sumOf))
	isoHalf    = muster.Func("isolated.half", muster.PlainErr(halfOf))
	isoWait    = muster.Func("isolated.wait", isolatedWait, muster.Isolated())
	isoPairSum = muster.Func("isolated.pair", muster.Plain(func(p isoPair) int { return p.A.Value() + p.B.Value() }), muster.Isolated())
	isoTries   = muster.Func("isolated.tries", func(ctx context.Context, from int) (int, error) {
		if n := muster.Info(ctx).Attempt; n < from {
			return 0, fmt.Errorf("attempt %d: %w", n, errIsolated)
		}
		return muster.Info(ctx).Attempt, nil
	}, muster.Isolated())
	isoNotes = muster.Func("isolated.notes", muster.PlainErr(func(path string) (int, error) { return note(path) }), muster.Isolated())
	isoCalls = muster.Func("isolated.calls", isolatedCalls, muster.Isolated())
	isoRef   = muster.Func("isolated.ref", func(ctx context.Context, x int) (muster.Ref[int], error) {
		return isoPlain.Go(ctx, x), nil
	}, muster.Isolated())
	isoFib *muster.Function[int, int]
)

func init() {
	isoFib = muster.Func("isolated.fib", func(ctx context.Context, n int) (int, error) {
		if n < 2 {
			return n, nil
		}
		a, b := isoFib.Go(ctx, n-1), isoFib.Go(ctx, n-2)
		x, err := a.Get(ctx)
		if err != nil {
			return 0, err
		}
		y, err := b.Get(ctx)
		return x + y, err
	}, muster.Isolated())
}

func sumOf(xs []int) int {
	n := 0
	for _, x := range xs {
		n += x
	}
	return n
}

func halfOf(x int) (int, error) {
	if x%2 != 0 {
		return 0, fmt.Errorf("%d is odd: %w", x, errIsolated)
	}
	return x / 2, nil
}

// isolatedWait notes that it runs in the folder, and waits for the end of its context.
func isolatedWait(ctx context.Context, path string) (int, error) {
	if _, err := note(path); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

// note adds a line to a file, with this process's number, and gives the number of lines.
func note(path string) (int, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	return len(notes(path)), errors.Join(err, f.Close())
}

func notes(path string) []string {
	text, _ := os.ReadFile(path)
	return strings.Fields(string(text))
}

// isolatedCalls does what a task can do with its context, and gives what doesn't come out as it should.
func isolatedCalls(ctx context.Context, n int) ([]string, error) {
	var wrong []string
	is := func(what string, got, want any, err error) {
		if fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v, %v", what, got, err))
		}
	}
	v, err := isoPlain.Call(ctx, n)
	is("Call", v, 10*n, err)
	v, err = isoInc.Call(ctx, n)
	is("an isolated one", v, n+1, err)
	list, err := muster.Collect(isoPlain.Map(ctx, count(5)))
	is("Map", list, "[0 10 20 30 40]", err)
	odd := 0
	for v, err := range isoHalf.Map(ctx, count(1000)) {
		if errors.Is(err, errIsolated) {
			odd++
		} else if err != nil {
			is("an item", v, 0, err)
		}
	}
	is("failed items", odd, 500, nil)
	a, b := isoPlain.Go(ctx, 1), isoPlain.Go(ctx, 2)
	v, err = isoSum.From(ctx, muster.Gather(ctx, a, b)).Get(ctx)
	is("Gather", v, 30, err)
	v, err = muster.Reduce(ctx, isoSum, []muster.Ref[int]{a, b, isoPlain.Go(ctx, 3)}).Get(ctx)
	is("Reduce", v, 60, err)
	v, err = isoPairSum.Call(ctx, isoPair{a, b})
	is("Refs in an argument", v, 30, err)
	var done []int
	for i, r := range muster.Completed(ctx, a, b) {
		v, err := r.Get(ctx)
		is("Completed", v, 10*(i+1), err)
		done = append(done, i)
	}
	slices.Sort(done)
	is("Completed", done, "[0 1]", nil)
	v, err = isoPlain.From(ctx, isoPlain.Go(muster.Lazy(ctx), 3)).Get(ctx)
	is("Lazy", v, 300, err)
	v, err = muster.Flatten(ctx, isoRef.Go(ctx, 4)).Get(ctx)
	is("Flatten", v, 40, err)
	_, err = isoFail.Call(ctx, 5)
	is("an error", errors.Is(err, errIsolated), true, nil)
	local := muster.Local(func(_ context.Context, x int) (int, error) { return x - n, nil })
	v, err = local.Call(ctx, 100)
	is("Local", v, 100-n, err)
	stopped := isoWait.Go(ctx, os.DevNull)
	stopped.Cancel()
	_, err = stopped.Get(ctx)
	is("Cancel", errors.Is(err, context.Canceled), true, nil)
	return wrong, nil
}

// isolatedContext is a session's context. One CPU shows that a task which waits lends it.
func isolatedContext(t *testing.T, c muster.Config) context.Context {
	t.Helper()
	return mustertest.Context(t, mustertest.Config(c), mustertest.Loose())
}

func TestIsolatedValues(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"loose": isolatedContext(t, muster.Config{}), "strict": mustertest.Context(t),
	} {
		if v, err := isoInc.Call(ctx, 41); v != 42 || err != nil {
			t.Error(name, v, err)
		}
		for _, n := range []int{0, 1000, 100_000, 9 << 20} {
			in := bytes.Repeat([]byte{7}, n)
			if out, err := isoTwice.Call(ctx, in); !bytes.Equal(out, append(in, in...)) || err != nil {
				t.Errorf("%s: %d bytes gave %d, %v", name, n, len(out), err)
			}
		}
		large := muster.Put(ctx, bytes.Repeat([]byte{8}, 200_000))
		if out, err := isoTwice.From(ctx, large).Get(ctx); len(out) != 400_000 || err != nil {
			t.Error(name, len(out), err)
		}
		if v, err := isoPairSum.Call(ctx, isoPair{isoPlain.Go(ctx, 1), isoInc.Go(ctx, 1)}); v != 12 || err != nil {
			t.Error(name, v, err)
		}
	}
}

func TestIsolatedErrors(t *testing.T) {
	ctx := isolatedContext(t, muster.Config{})
	_, err := isoFail.Call(ctx, 7)
	var te *muster.TaskError
	if !errors.As(err, &te) || !errors.Is(err, errIsolated) || te.Func != "isolated.fail" || te.Attempt != 1 {
		t.Errorf("%+v", err)
	}
	_, err = isoPanic.Call(ctx, 7)
	if !errors.As(err, &te) || !strings.Contains(err.Error(), "panic: boom") || !strings.Contains(te.Stack, "isolated_test.go") {
		t.Errorf("%v, with the stack\n%s", err, te.Stack)
	}
	if v, err := isoTries.With(muster.Retries(2)).Call(ctx, 3); v != 3 || err != nil {
		t.Error(v, err)
	}
	some := muster.RetryIf(func(err error) bool { return !errors.Is(err, errIsolated) })
	if _, err := isoTries.With(muster.Retries(2), some).Call(ctx, 2); !errors.As(err, &te) || te.Attempt != 1 {
		t.Errorf("%v", err)
	}
	pause := muster.Backoff(time.Millisecond, time.Second)
	if v, err := isoTries.With(muster.Retries(1), pause).Call(ctx, 2); v != 2 || err != nil {
		t.Error(v, err)
	}
}

func TestIsolatedMap(t *testing.T) {
	ctx := isolatedContext(t, muster.Config{})
	list, err := muster.Collect(isoInc.Map(ctx, count(10)))
	if fmt.Sprint(list) != "[1 2 3 4 5 6 7 8 9 10]" || err != nil {
		t.Error(list, err)
	}
	failed := 0
	for res := range isoHalf.With(muster.Isolated()).Unordered(ctx, count(6)) {
		if res.Err != nil {
			failed++
		} else if res.Out != res.In/2 {
			t.Errorf("%+v", res)
		}
	}
	if failed != 3 {
		t.Errorf("%d of 6 failed, want 3", failed)
	}
}

// What an isolated task calls runs where the session is, which has one CPU here: the task lends it while it waits.
func TestIsolatedCalls(t *testing.T) {
	for _, cpus := range []float64{1, 2} {
		ctx := isolatedContext(t, muster.Config{CPUs: cpus})
		if wrong, err := isoCalls.Call(ctx, 3); len(wrong) > 0 || err != nil {
			t.Errorf("%v\n%s", err, strings.Join(wrong, "\n"))
		}
		if v, err := isoFib.Call(ctx, 5); v != 5 || err != nil {
			t.Error(v, err)
		}
		if v, err := muster.Flatten(ctx, isoRef.Go(ctx, 4)).Get(ctx); v != 40 || err != nil {
			t.Error(v, err)
		}
	}
}

func TestIsolatedEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs")
	ctx := isolatedContext(t, muster.Config{})
	_, err := isoWait.With(muster.Timeout(50*time.Millisecond)).Call(ctx, path)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("%v", err)
	}
	r := isoWait.Go(ctx, path)
	awaitNotes(t, path, 2)
	r.Cancel()
	if _, err := r.Get(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Errorf("%v", err)
	}
	governing, cancel := context.WithCancel(ctx)
	r = isoWait.Go(governing, path)
	awaitNotes(t, path, 3)
	cancel()
	if _, err := r.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// awaitNotes waits until a file has so many lines.
func awaitNotes(t *testing.T, path string, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond) // another process writes it, and nothing tells when
	defer tick.Stop()
	for len(notes(path)) < n {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("too late")
		}
	}
}

func TestIsolatedResumes(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "runs")
	for range 2 {
		s, ctx, err := muster.Open(context.Background(), muster.Config{Job: "isolated", CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := isoNotes.Call(ctx, path); v != 1 || err != nil {
			t.Error(v, err)
		}
		if wrong, err := isoCalls.Call(ctx, 3); len(wrong) > 0 || err != nil {
			t.Error(wrong, err)
		}
		for v, err := range isoNotes.Map(ctx, slices.Values([]string{path})) {
			if v != 2 || err != nil {
				t.Error(v, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := len(notes(path)); n != 2 {
		t.Errorf("it ran %d times, want 2", n)
	}
}

func TestIsolatedEvents(t *testing.T) {
	var got []string
	s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1, OnEvent: func(e event.Event) {
		if e.Kind != event.TaskSubmitted && e.Func == "isolated.tries" {
			got = append(got, fmt.Sprint(e.Kind, " ", e.Attempt))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := isoTries.With(muster.Retries(1)).Call(ctx, 2); err != nil {
		t.Error(err)
	}
	if _, err := isoTries.Call(ctx, 2); err == nil {
		t.Error("no error")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	want := "[task-started 1 task-retrying 1 task-started 2 task-done 2 task-started 1 task-failed 1]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}
