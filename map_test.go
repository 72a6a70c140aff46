package muster_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

func TestMapKeepsOrder(t *testing.T) {
	for _, cfg := range []muster.Config{{CPUs: 1}, {CPUs: 3}, {CPUs: 2, Strict: true}} {
		for _, n := range []int{0, 1, 2, 7, 1000, 50_000} {
			ctx := open(t, cfg)
			got, err := muster.Collect(benchInc.Map(ctx, count(n)))
			if err != nil || len(got) != n {
				t.Fatal(cfg.CPUs, n, len(got), err)
			}
			for i, v := range got {
				if v != i+1 {
					t.Fatal(cfg.CPUs, n, i, v)
				}
			}
		}
	}
}

// endless counts what is pulled from it.
func endless(pulled *int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for {
			if *pulled++; !yield(*pulled) {
				return
			}
		}
	}
}

func TestMapOfEndlessInputHoldsABoundedWindow(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	pulled, last := 0, 0
	for v, err := range benchInc.Map(ctx, endless(&pulled)) {
		if err != nil || v != last+2 && last != 0 {
			t.Fatal(v, err)
		}
		if last = v - 1; last == 300_000 {
			break
		}
		if window := pulled - last; window > 1<<18 {
			t.Fatalf("%d items are held", window)
		}
	}
	if at := pulled; at < 300_000 || at > 300_000+1<<18 {
		t.Error(at)
	}
}

func TestMapRangesTwiceRunsTwice(t *testing.T) {
	ctx := open(t, muster.Config{})
	var calls atomic.Int64
	seq := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }).Map(ctx, func(yield func(int) bool) {
		calls.Add(1)
		_ = yield(1) && yield(2)
	})
	for range 2 {
		if got, err := muster.Collect(seq); err != nil || !slices.Equal(got, []int{1, 2}) {
			t.Error(got, err)
		}
	}
	if calls.Load() != 2 {
		t.Error(calls.Load())
	}
}

// A slow item must not hold back the others of its chunk for longer than the chunk's aim: here it waits for them.
func TestMapSlowItemWaitsForItsNeighbours(t *testing.T) {
	for _, strange := range []func(){func() {}, runtime.Gosched} {
		ctx := open(t, muster.Config{CPUs: 2})
		const n = 20_000
		var others atomic.Int64
		rest := make(chan struct{})
		f := muster.Local(func(ctx context.Context, x int) (int, error) {
			if x == n-500 { // in a chunk that has grown
				select {
				case <-rest:
				case <-ctx.Done():
				}
				return x, ctx.Err()
			}
			strange()
			if others.Add(1) == n-1 {
				close(rest)
			}
			return x, nil
		})
		got, err := muster.Collect(f.Map(ctx, count(n)))
		if err != nil || len(got) != n || !slices.IsSorted(got) {
			t.Fatal(len(got), err)
		}
	}
}

func TestMapThatBlocksGetsFullConcurrency(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1, Concurrency: 200})
	warm := muster.Local(func(_ context.Context, x int) (int, error) { return x, nil }, muster.IO())
	if _, err := muster.Collect(warm.Map(ctx, count(10_000))); err != nil {
		t.Fatal(err)
	}
	meet := together(200)
	var cheap atomic.Int64
	f := muster.Local(func(ctx context.Context, x int) (int, error) {
		if cheap.Add(1) <= 10_000 { // chunks grow, and then the function blocks
			return x, nil
		}
		return meet(ctx, x)
	}, muster.IO())
	if got, err := muster.Collect(f.Map(ctx, count(10_200))); err != nil || len(got) != 10_200 {
		t.Error(len(got), err)
	}
}

func TestMapNestedInOneSlot(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1, Strict: true})
	inner := muster.Local(func(ctx context.Context, x int) (int, error) {
		sum := 0
		for v, err := range benchInc.Map(ctx, count(x)) {
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
	outer := muster.Local(func(ctx context.Context, x int) (int, error) {
		vs, err := muster.Collect(inner.Map(ctx, slices.Values([]int{x, x, x})))
		return vs[0] + vs[1] + vs[2], err
	})
	got, err := muster.Collect(outer.Map(ctx, slices.Values([]int{1, 10, 100})))
	if err != nil || !slices.Equal(got, []int{3, 165, 15150}) {
		t.Error(got, err)
	}
}

func TestLeavingTheLoopCancels(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	started, ended := make(chan struct{}), make(chan error, 1)
	f := muster.Local(func(ctx context.Context, x int) (int, error) {
		if x == 0 {
			<-started
		}
		if x == 1 {
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
		}
		return x, nil
	})
	for _, err := range f.Map(ctx, count(1000)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMapWhoseContextEnds(t *testing.T) {
	session := open(t, muster.Config{CPUs: 2})
	for name, run := range map[string]func(context.Context) (int, error){
		"Map": func(ctx context.Context) (n int, last error) {
			for _, err := range benchInc.Map(ctx, endless(new(int))) {
				last = err
				n++
			}
			return n, last
		},
		"Unordered": func(ctx context.Context) (n int, last error) {
			for r := range benchInc.Unordered(ctx, endless(new(int))) {
				last = r.Err
				if r.Err != nil && r.Index != -1 {
					t.Error(r)
				}
				n++
			}
			return n, last
		},
	} {
		ctx, cancel := context.WithCancel(session)
		stop := context.AfterFunc(session, cancel)
		go func() { cancel() }()
		n, last := run(ctx)
		if last != context.Canceled { //nolint:errorlint // the promise is the bare error
			t.Error(name, last, n)
		}
		stop()
	}
}

func TestMapOfClosedSession(t *testing.T) {
	s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range benchInc.Map(ctx, endless(new(int))) {
		if last = err; last == nil {
			_ = s.Close()
		}
	}
	if !errors.Is(last, muster.ErrClosed) && !errors.Is(last, context.Canceled) {
		t.Error(last)
	}
}

func TestUnorderedGivesEachItemOnceAsItFinishes(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	first := make(chan struct{})
	f := muster.Local(func(ctx context.Context, x int) (string, error) {
		if x == 0 {
			<-first
		}
		if x == 5 {
			return "", errors.New("five")
		}
		return fmt.Sprint(x), nil
	})
	seen := map[int]bool{}
	for r := range f.Unordered(ctx, count(300)) {
		if len(seen) == 0 {
			close(first) // the first result can't be that of item 0
		}
		if seen[r.Index] || r.In != r.Index || (r.Index == 5) != (r.Err != nil) || r.Err == nil && r.Out != fmt.Sprint(r.In) {
			t.Fatalf("%+v", r)
		}
		seen[r.Index] = true
	}
	if len(seen) != 300 {
		t.Error(len(seen))
	}
}

func TestPipeKeepsErrorsInPlace(t *testing.T) {
	ctx := open(t, muster.Config{Strict: true})
	i := 0
	for v, err := range benchInc.Pipe(ctx, tFail.Map(ctx, count(2000))) {
		if bad := i%3 == 0; bad {
			oneLine(t, err, fmt.Sprintf("t.fail: item %d: bad %d", i, i))
		} else if err != nil || v != i+1 {
			t.Fatal(i, v, err)
		}
		i++
	}
	if i != 2000 {
		t.Error(i)
	}
}

func TestWeightIsAskedOncePerItem(t *testing.T) {
	ctx := open(t, muster.Config{})
	asked := 0 // by the ranging goroutine only
	f := benchInc.Weight(func(x int) float64 { asked++; return float64(1 + x%7) })
	got, err := muster.Collect(f.Map(ctx, count(5000)))
	if err != nil || len(got) != 5000 || asked != 5000 {
		t.Error(len(got), err, asked)
	}
}

func TestWeightOfNonsense(t *testing.T) {
	ctx := open(t, muster.Config{})
	for _, w := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		f := benchInc.Weight(func(int) float64 { return w })
		if got, err := muster.Collect(f.Map(ctx, count(5000))); err != nil || len(got) != 5000 {
			t.Error(w, len(got), err)
		}
	}
}

func TestMapItemThatCallsGoexit(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2})
	f := muster.Local(func(_ context.Context, x int) (int, error) {
		if x%100 == 50 {
			runtime.Goexit()
		}
		return x, nil
	})
	bad, n := 0, 0
	for v, err := range f.Map(ctx, count(1000)) {
		if err != nil {
			oneLine(t, err, fmt.Sprintf("local: item %d: the function called runtime.Goexit", n))
			bad++
		} else if v != n {
			t.Fatal(v, n)
		}
		n++
	}
	if n != 1000 || bad != 10 {
		t.Error(n, bad)
	}
}

func TestMapWithTimeoutPerItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		f := muster.Local(func(ctx context.Context, x int) (int, error) {
			if x%10 == 3 {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return x, nil
		}, muster.Timeout(time.Second))
		bad, n := 0, 0
		for _, err := range f.Map(ctx, count(40)) {
			if err != nil {
				oneLine(t, err, fmt.Sprintf("local: item %d: timeout after 1s", n))
				bad++
			}
			n++
		}
		if n != 40 || bad != 4 {
			t.Error(n, bad)
		}
	})
}

type refIn struct {
	X int
	R muster.Ref[int]
}

func TestMapOverRefs(t *testing.T) {
	ctx := open(t, muster.Config{Strict: true})
	f := muster.Local(func(_ context.Context, in refIn) (int, error) { return in.X + in.R.Value(), nil })
	in := func(yield func(refIn) bool) {
		for i := range 100 {
			if !yield(refIn{i, benchInc.Go(ctx, i)}) {
				return
			}
		}
	}
	got, err := muster.Collect(f.Map(ctx, in))
	if err != nil || len(got) != 100 || got[99] != 199 {
		t.Error(got, err)
	}
}
