package muster_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// nested is a function that calls itself to the given depth, and waits there for the end of its context.
func nested(bottom func()) *muster.Function[int, int] {
	var f *muster.Function[int, int]
	f = muster.Local(func(ctx context.Context, depth int) (int, error) {
		if depth > 0 {
			return f.Call(ctx, depth-1)
		}
		bottom()
		<-ctx.Done()
		return 0, ctx.Err()
	})
	return f
}

// What ends a task ends what it has started at once, so that a chain of calls unwinds without the grace period.
func TestEndOfATaskReachesItsChildrenAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(r muster.Ref[int], s *muster.Session, cancel func())
		cause error
		text  string
	}{
		"Ref.Cancel":  {func(r muster.Ref[int], _ *muster.Session, _ func()) { r.Cancel() }, muster.ErrCanceled, "local: canceled"},
		"the context": {func(_ muster.Ref[int], _ *muster.Session, cancel func()) { cancel() }, context.Canceled, "the context passed to Go ended"},
		"Close":       {func(_ muster.Ref[int], s *muster.Session, _ func()) { _ = s.Close() }, muster.ErrClosed, "the session is closed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1, Grace: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				governing, cancel := context.WithCancel(ctx)
				defer cancel()
				reached := make(chan struct{})
				r := nested(func() { close(reached) }).Go(governing, 20)
				<-reached
				was := time.Now()
				c.end(r, s, cancel)
				err = r.Wait(context.Background())
				if oneLine(t, err, c.text); !errors.Is(err, c.cause) || time.Now() != was {
					t.Error(err, "after", time.Since(was))
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTimeoutReachesChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2, Grace: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var child error
		_, err = muster.Local(func(ctx context.Context, _ int) (int, error) {
			r := mainWait.Go(ctx, 0)
			<-ctx.Done()
			child = r.Wait(context.WithoutCancel(ctx))
			return 0, ctx.Err()
		}, muster.Timeout(time.Second)).Call(ctx, 0)
		oneLine(t, err, "timeout after 1s")
		oneLine(t, child, "the context passed to Go ended: context deadline exceeded")
		if !errors.Is(child, context.DeadlineExceeded) {
			t.Error(child)
		}
	})
}

func TestChildOfAnEndedTaskDoesntStart(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	started := make(chan struct{})
	var late error
	r := muster.Local(func(ctx context.Context, _ int) (int, error) {
		close(started)
		<-ctx.Done()
		_, late = benchInc.Call(ctx, 1)
		return 0, late
	}).Go(ctx, 0)
	<-started
	r.Cancel()
	if err := r.Wait(ctx); !errors.Is(err, muster.ErrCanceled) {
		t.Error(err)
	}
	oneLine(t, late, "the context passed to Go ended: context canceled")
}

// Nothing waits for the pause before an attempt that will never be made.
func TestCloseDoesntWaitForBackoff(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, ctx, err := muster.Open(context.Background(), muster.Config{Grace: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			r := tFail.With(muster.Retries(1), muster.Backoff(time.Hour, time.Hour)).Go(ctx, 3)
			synctest.Wait()
			if cancel {
				r.Cancel()
			}
			was := time.Now()
			if err := s.Close(); err != nil || time.Since(was) != 0 {
				t.Error(err, time.Since(was))
			}
			if err := r.Wait(context.Background()); !errors.Is(err, context.Canceled) && !errors.Is(err, muster.ErrClosed) {
				t.Error(err)
			}
		})
	}
}
