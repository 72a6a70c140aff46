package cluster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
)

// begun has, for each small task of this worker, what ends once it has begun.
var begun sync.Map

type beginning struct {
	done <-chan struct{}
	set  func()
}

func beginningOf(n int) beginning {
	ctx, cancel := context.WithCancel(context.Background())
	b, _ := begun.LoadOrStore(n, beginning{ctx.Done(), cancel})
	return b.(beginning)
}

var (
	// small ends once the next one has begun, so that two CPUs are never free together as long as there is a next one; else
	// after a while.
	small = muster.Func("cluster.chained", func(ctx context.Context, n int) (int, error) {
		beginningOf(n).set()
		select {
		case <-beginningOf(n + 1).done:
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
		}
		return n, nil
	})
	wholeNode = muster.Func("cluster.whole-node", func(_ context.Context, n int) (int, error) { return n, nil }, muster.CPUs(2))
)

// feedSmall keeps small tasks going, more than there are CPUs, until it is stopped.
func feedSmall(ctx context.Context, going chan<- struct{}, stop <-chan struct{}) {
	var refs []muster.Ref[int]
	for n := 0; ; n++ {
		refs = append(refs, small.Go(ctx, n))
		if len(refs) < 6 {
			continue
		}
		_ = refs[0].Wait(ctx)
		refs = refs[1:]
		if n == 10 {
			close(going)
		}
		select {
		case <-stop:
			for _, r := range refs {
				r.Cancel()
				_ = r.Wait(ctx)
			}
			return
		default:
		}
	}
}

// A task that needs all CPUs of a node starts though small ones of the same job, or of another job, never end.
func TestALargeTaskStarts(t *testing.T) {
	for _, who := range []string{"the same job", "another job"} {
		t.Run(who, func(t *testing.T) {
			c := cluster.Start(t, 1)
			first := c.Context()
			second := first
			if who != "the same job" {
				s, ctx, err := muster.Open(t.Context(), c.Config())
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}()
				second = ctx
			}
			going, stop := make(chan struct{}), make(chan struct{})
			var feeding sync.WaitGroup
			feeding.Go(func() { feedSmall(first, going, stop) })
			defer feeding.Wait()
			defer close(stop)
			<-going
			limited, cancel := context.WithTimeout(second, time.Minute)
			defer cancel()
			if v, err := wholeNode.Call(limited, 7); v != 7 || err != nil {
				t.Error(v, err)
			}
		})
	}
}
