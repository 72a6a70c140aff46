package muster_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

func TestChildrenOutsideTheResultAreCancelled(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	type two struct{ Kept, Dropped muster.Ref[int] }
	var seen two
	kept := make(chan struct{})
	wait := muster.Local(func(ctx context.Context, _ int) (int, error) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-kept:
			return 1, nil
		}
	}, muster.IO())
	parent := muster.Local(func(ctx context.Context, _ int) (muster.Ref[int], error) {
		seen = two{wait.Go(ctx, 1), wait.Go(ctx, 2)}
		return seen.Kept, nil
	})
	r, err := parent.Call(ctx, 0)
	if err != nil || r != seen.Kept {
		t.Fatal(err)
	}
	err = seen.Dropped.Wait(ctx)
	oneLine(t, err, "the task that started it returned without its Ref in the result")
	if !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
	close(kept)
	if v, err := r.Get(ctx); v != 1 || err != nil {
		t.Error("what is in the result lives on:", v, err)
	}
}

func TestChildrenOfAFailedTaskAreCancelled(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	var child muster.Ref[int]
	parent := muster.Local(func(ctx context.Context, _ int) (muster.Ref[int], error) {
		child = mainWait.Go(ctx, 0)
		return child, errors.New("no")
	})
	if _, err := parent.Call(ctx, 0); err == nil {
		t.Fatal("no error")
	}
	if err := child.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
}

func TestInheritedChildrenEndWithTheParentsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		parent := muster.Local(func(ctx context.Context, _ int) (muster.Ref[int], error) { return mainWait.Go(ctx, 0), nil },
			muster.Timeout(time.Second))
		governing, cancel := context.WithCancel(ctx)
		r, err := parent.Call(governing, 0)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour) // the parent's Timeout doesn't reach the child
		select {
		case <-r.Done(ctx):
			t.Fatal("ended:", r.Wait(ctx))
		default:
		}
		cancel()
		err = r.Wait(ctx)
		oneLine(t, err, "the context passed to Go ended")
	})
}

func TestChildOfADerivedContextEndsWithIt(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	parent := muster.Local(func(ctx context.Context, _ int) (int, error) {
		derived, cancel := context.WithCancel(ctx)
		r := mainWait.Go(derived, 0)
		cancel()
		if err := r.Wait(ctx); !errors.Is(err, context.Canceled) {
			return 0, errors.New("the child must end with its own context")
		}
		return 1, ctx.Err()
	})
	if v, err := parent.Call(ctx, 0); v != 1 || err != nil {
		t.Error(v, err)
	}
}

// A function's context outlives the function: what was made with it goes on until what governs the task ends.
func TestContextOutlivesItsFunction(t *testing.T) {
	for name, end := range map[string]func(s *muster.Session, cancel func()){
		"the caller's context ends": func(_ *muster.Session, cancel func()) { cancel() },
		"the session is closed":     func(s *muster.Session, _ func()) { _ = s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx, err := muster.Open(context.Background(), muster.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			leak := muster.Local(func(ctx context.Context, _ int) (<-chan struct{}, error) { return ctx.Done(), nil })
			keep := muster.Local(func(ctx context.Context, _ int) (context.Context, error) { _ = ctx.Done(); return ctx, nil })
			done, err := leak.Call(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := keep.Call(ctx, 0)
			if err != nil || kept.Err() != nil {
				t.Fatal(err, kept.Err())
			}
			end(s, cancel)
			<-done
			<-kept.Done()
			if kept.Err() == nil {
				t.Error("no reason")
			}
		})
	}
}

func TestCloseCancelsAndWaits(t *testing.T) {
	s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	refs := goAll(ctx, mainWait, 50)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, r := range refs {
		if err := r.Wait(context.Background()); !errors.Is(err, muster.ErrClosed) {
			t.Fatal(err)
		}
	}
	if ctx.Err() == nil {
		t.Error("the session's context must end with it")
	}
}

func TestCloseNamesWhatStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2, Grace: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		deaf := muster.Local(func(context.Context, int) (int, error) { <-release; return 0, nil })
		other := benchInc.Go(ctx, 1)
		r := deaf.Go(ctx, 0)
		_ = other.Wait(ctx)
		oneLine(t, s.Close(), "muster: still running 1s after their cancel: local #2: let them watch their context")
		oneLine(t, r.Wait(context.Background()), "session is closed")
		if v, err := other.Get(context.Background()); v != 2 || err != nil {
			t.Error("another task's result was lost:", v, err)
		}
		close(release)
	})
}

// What a loop has yielded is the caller's: leaving it ends only the rest.
func TestTasksInTheResultsOfAMapOutliveTheLoop(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	gate := make(chan struct{})
	wait := muster.Local(func(ctx context.Context, x int) (int, error) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-gate:
			return x, nil
		}
	}, muster.IO())
	start := muster.Local(func(ctx context.Context, x int) (muster.Ref[int], error) {
		return benchInc.From(ctx, wait.Go(ctx, x)), nil
	})
	var kept []muster.Ref[int]
	for r, err := range start.Map(ctx, endless(new(int))) {
		if err != nil {
			t.Fatal(err)
		}
		if kept = append(kept, r); len(kept) == 10 {
			break
		}
	}
	close(gate)
	got, err := muster.Gather(ctx, kept...).Get(ctx)
	if err != nil || len(got) != 10 || got[9]-got[8] != 1 {
		t.Error(got, err)
	}
}

// A Map may range with a context that outlives the function whose it was.
func TestMapWithAContextThatOutlivedItsFunction(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	var kept context.Context
	keep := muster.Local(func(ctx context.Context, x int) (int, error) {
		kept = context.WithoutCancel(ctx)
		return x, nil
	})
	if _, err := keep.Call(ctx, 1); err != nil {
		t.Fatal(err)
	}
	got, err := muster.Collect(benchInc.Map(kept, count(10)))
	if err != nil || len(got) != 10 {
		t.Error(got, err)
	}
}
