package engine

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reflect"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/codec"
)

func testFn(do func(context.Context, int) (int, error)) *Fn[int, int] {
	f := &Fn[int, int]{Do: do, InRefs: codec.FinderOf(reflect.TypeFor[int]()), OutRefs: codec.FinderOf(reflect.TypeFor[int]())}
	f.Name, f.Local, f.Opts = "deaf", true, Options{CPUs: 1}
	return f
}

func waitDeaf(release <-chan struct{}) { <-release }

func TestStuckFunctionIsNamedWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(Config{CPUs: 2, Concurrency: 1, Grace: time.Second}, Trial{})
		var stacks []string
		s.Listen(Listener{Mask: event.Of(event.TaskStuck), Tell: func(e event.Event) { stacks = append(stacks, e.Text) }})
		release := make(chan struct{})
		f := testFn(func(context.Context, int) (int, error) { waitDeaf(release); return 0, nil })
		ctx := s.Context(context.Background())
		a, b := f.Go(ctx, 1), f.Go(ctx, 2)
		synctest.Wait()
		a.Cancel()
		if err := a.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the listeners are called after the waiters
		if len(stacks) != 1 || !strings.Contains(stacks[0], "waitDeaf") {
			t.Fatalf("stacks: %q", stacks)
		}
		close(release)
		synctest.Wait()
		if err := b.Wait(ctx); err != nil || b.Err() != nil {
			t.Fatal(err, b.Err())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
