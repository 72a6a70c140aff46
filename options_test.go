package muster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster"
)

// together is a function that returns once n calls of it run at the same time; a test of it ends only if that happens.
func together(n int) func(context.Context, int) (int, error) {
	var in atomic.Int64
	all := make(chan struct{})
	return func(ctx context.Context, x int) (int, error) {
		if in.Add(1) == int64(n) {
			close(all)
		}
		select {
		case <-all:
			return x, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// most counts how many calls run at once at most.
type most struct {
	mu        sync.Mutex
	now, most int
}

func (m *most) call(_ context.Context, x int) (int, error) {
	m.mu.Lock()
	m.now++
	m.most = max(m.most, m.now)
	m.mu.Unlock()
	for range 1000 { // long enough to be met by others, were they allowed
		m.mu.Lock()
		m.mu.Unlock() //nolint:staticcheck // to spend time
	}
	m.mu.Lock()
	m.now--
	m.mu.Unlock()
	return x, nil
}

func waitAll(t *testing.T, ctx context.Context, refs []muster.Ref[int]) {
	t.Helper()
	if _, err := muster.Gather(ctx, refs...).Get(ctx); err != nil {
		t.Error(err)
	}
}

func goAll(ctx context.Context, f *muster.Function[int, int], n int) []muster.Ref[int] {
	refs := make([]muster.Ref[int], n)
	for i := range refs {
		refs[i] = f.Go(ctx, i)
	}
	return refs
}

func TestRoomIsUsed(t *testing.T) {
	cfg := muster.Config{CPUs: 2, Memory: 100, Resources: map[string]float64{"gpu": 2}}
	for _, c := range []struct {
		name string
		opts []muster.Option
		n    int
	}{
		{"default", nil, 2},
		{"half a CPU", []muster.Option{muster.CPUs(0.5)}, 4},
		{"a tenth of a CPU", []muster.Option{muster.CPUs(0.1)}, 20},
		{"all CPUs", []muster.Option{muster.CPUs(2)}, 1},
		{"IO", []muster.Option{muster.IO()}, 50},
		{"CPUs after IO", []muster.Option{muster.IO(), muster.CPUs(1)}, 2},
		{"memory", []muster.Option{muster.IO(), muster.Memory(33)}, 3},
		{"resource", []muster.Option{muster.IO(), muster.Resource("gpu", 1)}, 2},
		{"half a resource", []muster.Option{muster.IO(), muster.Resource("gpu", 0.5)}, 4},
		{"resource taken back", []muster.Option{muster.IO(), muster.Resource("gpu", 1), muster.Resource("gpu", 0)}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := open(t, cfg)
			waitAll(t, ctx, goAll(ctx, muster.Local(together(c.n), c.opts...), c.n))
			got, err := muster.Collect(muster.Local(together(c.n), c.opts...).Map(ctx, count(c.n)))
			if err != nil || len(got) != c.n {
				t.Error("Map:", got, err)
			}
		})
	}
}

func TestRoomIsKept(t *testing.T) {
	cfg := muster.Config{CPUs: 4, Concurrency: 3, Memory: 100, Resources: map[string]float64{"gpu": 2}}
	for _, c := range []struct {
		name string
		opt  muster.Option
		n    int
	}{
		{"CPUs", muster.CPUs(2), 2}, {"IO", muster.IO(), 3}, {"memory", muster.Memory(51), 1}, {"resource", muster.Resource("gpu", 1), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := open(t, cfg)
			var m most
			waitAll(t, ctx, goAll(ctx, muster.Local(m.call, c.opt), 200))
			for _, err := range muster.Local(m.call, c.opt).Map(ctx, count(2000)) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if m.most > c.n {
				t.Errorf("%d ran at once, room is for %d", m.most, c.n)
			}
		})
	}
}

func TestUnfitIsAnErrorAtOnce(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 2, Memory: 100, Resources: map[string]float64{"gpu": 1}})
	for _, c := range []struct {
		opt  muster.Option
		want []string
	}{
		{muster.CPUs(3), []string{"CPUs(3)", "the session has 2", "Config.CPUs"}},
		{muster.Memory(101), []string{"Memory(101)", "the session has 100 bytes", "Config.Memory"}},
		{muster.Resource("gpu", 1.5), []string{`Resource("gpu", 1.5)`, "the session has 1", "Config.Resources"}},
		{muster.Resource("licence", 1), []string{`Resource("licence", 1)`, `the session has only "gpu": set`, "Config.Resources"}},
	} {
		f := benchInc.With(c.opt)
		_, err := f.Call(ctx, 1)
		oneLine(t, err, append([]string{"bench.inc"}, c.want...)...)
		for _, err := range f.Map(ctx, count(1)) {
			oneLine(t, err, append([]string{"bench.inc: item 0"}, c.want...)...)
		}
	}
}

func TestRetriesAndBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		start := time.Now()
		var at []time.Duration
		bad := errors.New("not yet")
		f := muster.Local(func(context.Context, int) (int, error) {
			at = append(at, time.Since(start))
			return 0, bad
		}, muster.Retries(3), muster.Backoff(time.Second, 3*time.Second))
		_, err = f.Call(ctx, 0)
		var te *muster.TaskError
		if !errors.As(err, &te) || te.Attempt != 4 || !errors.Is(err, bad) {
			t.Error(err)
		}
		if want := []time.Duration{0, time.Second, 3 * time.Second, 6 * time.Second}; !slices.Equal(at, want) {
			t.Error("attempts at", at, "want", want)
		}
		calls := 0
		_, err = muster.Local(func(context.Context, int) (int, error) { calls++; return 0, bad },
			muster.Retries(5), muster.RetryIf(func(err error) bool { return !errors.Is(err, bad) })).Call(ctx, 0)
		if calls != 1 || !errors.Is(err, bad) {
			t.Error(calls, err)
		}
	})
}

func TestMapRetriesOnlyWhatFailed(t *testing.T) {
	ctx := open(t, muster.Config{})
	var calls atomic.Int64
	var failed sync.Map
	f := muster.Local(func(_ context.Context, x int) (int, error) {
		calls.Add(1)
		if _, again := failed.LoadOrStore(x, true); !again && x%50 == 0 {
			panic(fmt.Sprint("first try of ", x))
		}
		return x, nil
	}, muster.Retries(1))
	got, err := muster.Collect(f.Map(ctx, count(1000)))
	if err != nil || len(got) != 1000 || !slices.IsSorted(got) {
		t.Error(len(got), err)
	}
	if n := calls.Load(); n != 1020 {
		t.Errorf("%d calls, want 1000 and 20 second ones", n)
	}
}

func TestTimeoutStandsStillWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{CPUs: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		nap := func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		slow := muster.Local(func(ctx context.Context, _ int) (int, error) { return 1, nap(ctx, time.Hour) })
		parent := muster.Local(func(ctx context.Context, own time.Duration) (int, error) {
			if _, err := slow.Call(ctx, 0); err != nil {
				return 0, err
			}
			return 2, nap(ctx, own)
		}, muster.Timeout(time.Minute))
		if v, err := parent.Call(ctx, 59*time.Second); v != 2 || err != nil {
			t.Error(v, err)
		}
		_, err = parent.Call(ctx, 61*time.Second)
		oneLine(t, err, "timeout after 1m0s")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestTimeoutIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ctx, err := muster.Open(context.Background(), muster.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var calls atomic.Int64
		f := muster.Local(func(ctx context.Context, x int) (int, error) {
			if calls.Add(1) == 1 {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return x, nil
		}, muster.Timeout(time.Minute), muster.Retries(1))
		if v, err := f.Call(ctx, 7); v != 7 || err != nil || calls.Load() != 2 {
			t.Error(v, err, calls.Load())
		}
	})
}

func TestPriority(t *testing.T) {
	ctx := open(t, muster.Config{CPUs: 1})
	gate := make(chan struct{})
	hold := muster.Local(func(context.Context, int) (int, error) { <-gate; return 0, nil })
	var order []int // one slot: no two calls at once
	f := muster.Local(func(_ context.Context, x int) (int, error) { order = append(order, x); return x, nil })
	held := hold.Go(ctx, 0)
	var refs []muster.Ref[int]
	for _, p := range []int{0, 5, -3, 5, 9} {
		refs = append(refs, f.With(muster.Priority(p)).Go(ctx, p))
	}
	first := f.Go(ctx, 100)
	note := func(_ context.Context, x int) (int, error) {
		order = append(order, 101)
		return x, nil
	}
	urgent := muster.Local(note, muster.Priority(50)).From(ctx, first)
	close(gate)
	waitAll(t, ctx, append(refs, held, urgent))
	if want := []int{100, 101, 9, 5, 5, 0, -3}; !slices.Equal(order, want) {
		t.Error(order, "want", want, "(what an urgent task waits for is urgent)")
	}
}

func TestStuckOnAResource(t *testing.T) {
	ctx := open(t, muster.Config{Resources: map[string]float64{"licence": 1}})
	one := muster.Resource("licence", 1)
	child := benchInc.With(one)
	parent := muster.Local(func(ctx context.Context, x int) (int, error) { return child.Call(ctx, x) }, one)
	_, err := parent.Call(ctx, 1)
	oneLine(t, err, "bench.inc", `it needs Resource("licence")`, "local #1", "release it before Get")
}

var (
	licensed       = muster.Func("options.licensed", muster.Plain(func(x int) int { return x }), muster.Resource("licence", 1))
	licensedParent = muster.Func("options.licensedparent", licensed.Call, muster.Resource("licence", 1))
)

// A function that holds what the task needs that it waits for makes that fail, in this process and on a cluster.
func TestStuckOnItsCallers(t *testing.T) {
	ctx := open(t, muster.Config{Resources: map[string]float64{"licence": 1}})
	_, err := licensedParent.Call(ctx, 1)
	oneLine(t, err, "options.licensed", `it needs Resource("licence")`, "options.licensedparent #1", "release it before Get")
	if v, err := licensed.Call(ctx, 2); v != 2 || err != nil {
		t.Error(v, err)
	}
}
