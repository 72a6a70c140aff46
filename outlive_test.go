package muster_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/musterrun/muster"
)

// keeps is a function that hands its context to a goroutine, which outlives it.
func keeps(goroutine func(ctx context.Context)) *muster.Function[int, int] {
	return muster.Local(func(ctx context.Context, _ int) (int, error) {
		go goroutine(ctx)
		return 0, nil
	})
}

// Whoever asks for the end of a context only when its function has returned hears of it too.
func TestInterestInAContextAfterItsFunction(t *testing.T) {
	for name, ask := range map[string]func(ctx context.Context) error{
		"Done": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"Err": func(ctx context.Context) error {
			for ctx.Err() == nil {
				runtime.Gosched()
			}
			return ctx.Err()
		},
		"derived": func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		for _, end := range []string{"cancel", "Close", "before"} {
			t.Run(name+" "+end, func(t *testing.T) {
				s, ctx, err := muster.Open(context.Background(), muster.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				governing, cancel := context.WithCancel(ctx)
				defer cancel()
				returned, asks, ended := make(chan struct{}), make(chan struct{}), make(chan error)
				f := keeps(func(ctx context.Context) {
					<-returned
					if err := ctx.Err(); err != nil && end != "before" {
						t.Error(err)
					}
					close(asks)
					ended <- ask(ctx)
				})
				if _, err := f.Call(governing, 0); err != nil {
					t.Fatal(err)
				}
				if end == "before" {
					cancel()
				}
				close(returned)
				<-asks
				switch end {
				case "cancel":
					cancel()
				case "Close":
					_ = s.Close()
				}
				if err := <-ended; err != context.Canceled { //nolint:errorlint // ctx.Err is bare
					t.Error(err)
				}
			})
		}
	}
}

// Somebody who has kept nothing but the channel, or nothing at all but a callback, is told at the end and not before.
func TestWhatIsKeptOfAContextIsEnough(t *testing.T) {
	ctx := open(t, muster.Config{})
	governing, cancel := context.WithCancel(ctx)
	defer cancel()
	called := make(chan struct{})
	done, err := muster.Local(func(ctx context.Context, _ int) (<-chan struct{}, error) {
		context.AfterFunc(ctx, func() { close(called) })
		return ctx.Done(), nil
	}).Call(governing, 0)
	if err != nil {
		t.Fatal(err)
	}
	channel := muster.Local(func(ctx context.Context, _ int) (<-chan struct{}, error) { return ctx.Done(), nil })
	other, err := channel.Call(governing, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if _, err := channel.Call(governing, i); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			runtime.GC()
		}
	}
	select {
	case <-done:
		t.Fatal("nothing was cancelled")
	case <-other:
		t.Fatal("nothing was cancelled")
	case <-called:
		t.Fatal("nothing was cancelled")
	default:
	}
	cancel()
	<-done
	<-other
	<-called
}

// A million functions that watch their contexts leave nothing behind.
func TestWatchedContextsAreForgotten(t *testing.T) {
	tasks := 1_000_000
	if testing.Short() {
		tasks /= 10
	}
	ctx := open(t, muster.Config{})
	watch := muster.Local(func(ctx context.Context, x int) (int, error) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		default:
			return x, nil
		}
	})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	refs := make([]muster.Ref[int], 1000)
	for range tasks / len(refs) {
		for i := range refs {
			refs[i] = watch.Go(ctx, i)
		}
		if err := muster.Gather(ctx, refs...).Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if after := heap(); after > before+10<<20 {
		t.Errorf("%d MiB are held", (after-before)>>20)
	}
}

// The context of a failed attempt is watched like any other.
func TestContextOfAFailedAttemptEnds(t *testing.T) {
	ctx := open(t, muster.Config{})
	governing, cancel := context.WithCancel(ctx)
	var done <-chan struct{}
	if _, err := muster.Local(func(ctx context.Context, _ int) (int, error) {
		if done == nil {
			done = ctx.Done()
			return 0, errors.New("not yet")
		}
		return 0, nil
	}, muster.Retries(1)).Call(governing, 0); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
}
