package muster_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// slowly opens a value in the given time, unless its context ends before.
func slowly(took time.Duration, ended *atomic.Int64) func(context.Context, string) (string, error) {
	return func(ctx context.Context, key string) (string, error) {
		select {
		case <-time.After(took):
			return key + "!", nil
		case <-ctx.Done():
			ended.Add(1)
			return "", ctx.Err()
		}
	}
}

// TestPerProcessOutlivesTheFirstToAsk: the one who asked first times out, the one who waits gets the value.
func TestPerProcessOutlivesTheFirstToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 4, Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var ended atomic.Int64
		model := muster.PerProcess(slowly(time.Minute, &ended))
		ask := muster.Local(model)
		first := ask.With(muster.Timeout(time.Second)).Go(ctx, "m")
		synctest.Wait()
		second := ask.Go(ctx, "m")
		if v, err := second.Get(ctx); v != "m!" || err != nil || ended.Load() != 0 {
			t.Error(v, err, ended.Load())
		}
		if _, err := first.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if v, err := model(ctx, "m"); v != "m!" || err != nil {
			t.Error(v, err)
		}
	})
}

func TestPerProcessEndsWithAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		model := muster.PerProcess(slowly(time.Minute, &ended))
		errs := make(chan error, 3)
		for i := range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i+1)*time.Second)
			defer cancel()
			go func() {
				_, err := model(ctx, "m")
				errs <- err
			}()
			synctest.Wait()
		}
		<-time.After(2500 * time.Millisecond)
		synctest.Wait()
		if ended.Load() != 0 {
			t.Error("ended while one still waits:", ended.Load())
		}
		for range 3 {
			if err := <-errs; err == nil {
				t.Error("got a value")
			}
		}
		if ended.Load() != 1 {
			t.Error("not ended once:", ended.Load())
		}
		ctx, cancel := context.WithCancel(context.Background())
		if v, err := model(ctx, "m"); v != "m!" || err != nil {
			t.Error("opened again:", v, err)
		}
		cancel()
		if v, err := model(ctx, "other"); !errors.Is(err, context.Canceled) || v != "" || ended.Load() != 1 {
			t.Error("opened for a context that has ended:", v, err)
		}
	})
}

func TestPerProcessContextStaysAfterOpen(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "v"))
	kept, err := muster.PerProcess(func(ctx context.Context, _ int) (context.Context, error) { return ctx, nil })(ctx, 1)
	cancel()
	if err != nil || kept.Err() != nil || kept.Value(key{}) != "v" {
		t.Error(err, kept)
	}
}
