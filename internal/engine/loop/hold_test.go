package loop_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/internal/engine"
)

var (
	brief = function("loop.brief", func(ctx context.Context, n int) (int, error) {
		select {
		case <-time.After(time.Duration(110+n%7) * time.Millisecond):
		case <-ctx.Done():
		}
		return n, nil
	}, engine.Options{CPUs: 1})
	whole = function("loop.whole", func(_ context.Context, n int) (int, error) { return n, nil }, engine.Options{CPUs: 4})
)

// TestALargeTaskAmongSmallOnes starts although small ones never end: a node is held for it.
func TestALargeTaskAmongSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, _ := openLoop(t, engine.Config{Resources: map[string]float64{"seat": 1}}, 2, 4)
		stop, fed := make(chan struct{}), make(chan struct{})
		go feed(ctx, stop, fed)
		<-time.After(time.Second) // in the bubble: nodes are full, and small tasks wait
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		large := whole.Go(ctx, 7)
		if err := large.Wait(limited); err != nil {
			t.Error(err)
		} else if v, err := large.Value(); v != 7 || err != nil {
			t.Error(v, err)
		}
		close(stop)
		<-fed
	})
}

// feed keeps more small tasks going than there are CPUs.
func feed(ctx context.Context, stop, fed chan struct{}) { feedWith(ctx, brief, stop, fed) }

func feedWith(ctx context.Context, f *engine.Fn[int, int], stop, fed chan struct{}) {
	defer close(fed)
	var going []*engine.Typed[int]
	for n := 0; ; n++ {
		select {
		case <-stop:
			for _, r := range going {
				_ = r.Wait(ctx)
			}
			return
		default:
		}
		if going = append(going, f.Go(ctx, n)); len(going) > 20 {
			_ = going[0].Wait(ctx)
			going = going[1:]
		}
	}
}
