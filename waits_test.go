package muster_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// after is a function that ends after so long, off the CPUs.
var after = muster.Func("t.after", func(ctx context.Context, d time.Duration) (int, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(d):
		return 1, nil
	}
}, muster.IO())

// A wait that a failed attempt has left behind must not give the next attempt a slot that it hasn't got back.
func TestDoneOfAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		first, second := after.Go(ctx, 10*time.Second), after.Go(ctx, 20*time.Second)
		attempt := 0
		r := muster.Local(func(ctx context.Context, _ int) (int, error) {
			if attempt++; attempt == 1 {
				_ = first.Done(ctx)
				return 0, errors.New("it gave up on the first")
			}
			return benchInc.From(ctx, second).Get(ctx)
		}, muster.Retries(1)).Go(ctx, 0)
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if v, err := r.Get(short); v != 2 || err != nil {
			t.Error(v, err)
		}
	})
}

// A goroutine that a function has left behind in a Get goes on, whatever becomes of the slot.
func TestGetOfAGoroutineThatOutlivesItsFunction(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	gate := make(chan struct{})
	blocker := muster.Local(func(context.Context, int) (int, error) { <-gate; return 5, nil }, muster.IO()).Go(ctx, 0)
	got := make(chan int, 8)
	leaves := muster.Local(func(ctx context.Context, _ int) (int, error) {
		for range cap(got) {
			go func() {
				v, _ := blocker.Get(ctx)
				got <- v
			}()
		}
		return benchInc.Call(ctx, 1)
	})
	if v, err := leaves.Call(ctx, 0); v != 2 || err != nil {
		t.Fatal(v, err)
	}
	close(gate)
	for range cap(got) {
		if v := <-got; v != 5 {
			t.Error(v)
		}
	}
	if v, err := leaves.Call(ctx, 0); v != 2 || err != nil {
		t.Error("the slot was lost:", v, err)
	}
}

// When the task ends that a function waits for, the function goes before anything new.
func TestResumedGoesBeforeNew(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	for _, how := range []string{"get", "done", "completed"} {
		t.Run(how, func(t *testing.T) {
			var order []string
			record := muster.Local(func(_ context.Context, name string) (int, error) { order = append(order, name); return 0, nil })
			started := make(chan struct{})
			parent := muster.Local(func(ctx context.Context, _ int) (int, error) {
				<-started // the others are queued
				child := record.Go(ctx, "child")
				switch how {
				case "get":
					_, _ = child.Get(ctx)
				case "done":
					<-child.Done(ctx)
				case "completed":
					for range muster.Completed(ctx, child) {
					}
				}
				order = append(order, "parent")
				return 0, nil
			}).Go(ctx, 0)
			var others []muster.Ref[int]
			for range 50 {
				others = append(others, record.Go(ctx, "other"))
			}
			close(started)
			if err := errors.Join(parent.Wait(ctx), muster.Gather(ctx, others...).Wait(ctx)); err != nil {
				t.Fatal(err)
			}
			if at := slices.Index(order, "child"); order[at+1] != "parent" {
				t.Error(order)
			}
		})
	}
}

func TestPendingWithTwoConsumers(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for range 50 {
			synctest.Test(t, func(t *testing.T) {
				s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				var p muster.Pending[int, int]
				for i := range 10 {
					p.Add(i, after.Go(ctx, time.Duration(i/2)*time.Second)) // two at a time
				}
				var mu sync.Mutex
				var keys []int
				consume := muster.Local(func(ctx context.Context, most int) (int, error) {
					for k, r := range p.Completed(ctx) {
						if err := r.Wait(ctx); err != nil {
							return 0, err
						}
						mu.Lock()
						keys = append(keys, k)
						mu.Unlock()
						if most--; most == 0 {
							break
						}
					}
					return 0, nil
				})
				var wg sync.WaitGroup
				for _, most := range []int{3, -1, -1} { // the first one leaves its loop
					wg.Go(func() {
						if inside {
							_, _ = consume.Call(ctx, most)
							return
						}
						for k, r := range p.Completed(ctx) {
							if err := r.Wait(ctx); err != nil {
								t.Error(err)
							}
							mu.Lock()
							keys = append(keys, k)
							mu.Unlock()
							if most--; most == 0 {
								return
							}
						}
					})
				}
				wg.Wait()
				slices.Sort(keys)
				if len(keys) != 10 || keys[0] != 0 || keys[9] != 9 || p.Len() != 0 {
					t.Error(keys, p.Len())
				}
			})
		}
	}
}

// An open Done channel lends the slot, but the function may run on: its clock does too.
func TestTimeoutWithAnOpenDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		never := mainWait.With(muster.IO()).Go(ctx, 0)
		began := time.Now()
		_, err = muster.Local(func(ctx context.Context, _ int) (int, error) {
			_ = never.Done(ctx)
			if _, err := after.Call(ctx, time.Hour); err != nil { // in a Call it stands still all the same
				return 0, err
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}, muster.Timeout(time.Second)).Call(ctx, 0)
		oneLine(t, err, "timeout after 1s")
		if took := time.Since(began); took != time.Hour+time.Second {
			t.Error(took)
		}
	})
}

func TestTimeoutOfForever(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	_, err := muster.Local(func(ctx context.Context, _ int) (int, error) {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) < time.Hour {
			t.Error(at, ok)
		}
		inner, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return benchInc.Call(inner, 1)
	}, muster.Timeout(math.MaxInt64)).Call(ctx, 0)
	if err != nil {
		t.Error(err)
	}
}
