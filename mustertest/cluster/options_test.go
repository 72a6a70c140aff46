package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/mustertest/cluster"
)

var (
	whoAmI = muster.Func("cluster.whoami", func(ctx context.Context, _ int) (muster.TaskInfo, error) { return muster.Info(ctx), nil })
	crash  = muster.Func("cluster.crash", func(_ context.Context, file string) (int, error) {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		_, _ = f.WriteString("x")
		os.Exit(3)
		return 0, nil
	})
	large = muster.Func("cluster.large", func(_ context.Context, b []byte) ([]byte, error) {
		for i := range b {
			b[i]++
		}
		return b, nil
	})
	variable = muster.Func("cluster.variable", muster.Plain(os.Getenv))
	kept     = muster.Func("cluster.kept", func(_ context.Context, w work) (int, error) {
		f, err := os.CreateTemp(w.Dir, "ran")
		if err != nil {
			return 0, err
		}
		return w.X, f.Close()
	}, muster.Cached(), muster.Version("1"))
	enlarge = muster.Func("cluster.enlarge", func(_ context.Context, w work) ([]byte, error) {
		f, err := os.CreateTemp(w.Dir, "ran")
		if err != nil {
			return nil, err
		}
		return make([]byte, w.X), f.Close()
	})
	lengths *muster.Function[int, int]
	length  = muster.Func("cluster.length", func(_ context.Context, b []byte) (int, error) { return len(b), nil })
)

// A call inside a task that no message holds is an error there, and nobody waits for ever.
func TestLongCallInsideATask(t *testing.T) {
	ctx, cancel := context.WithTimeout(cluster.Start(t, 1).Context(), patience)
	defer cancel()
	if n, err := lengths.Call(ctx, 1<<20); n != 1<<20 || err != nil {
		t.Error(n, err)
	}
	_, err := lengths.Call(ctx, 9<<20)
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "pass less, or Refs") {
		t.Error(err)
	}
}

// A large result of a job with a name is there when the job goes on, though the node that made it is gone and the driver is
// on another machine.
func TestLargeResultOutlivesItsNode(t *testing.T) {
	c, dir := cluster.Start(t, 2), t.TempDir()
	config := c.Config()
	config.Job = "large"
	for life, f := range []*muster.Function[work, []byte]{enlarge.With(muster.Where("node=node1")), enlarge} {
		s, ctx, err := muster.Open(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Call(ctx, work{dir, 1 << 20})
		if len(b) != 1<<20 || err != nil {
			t.Error(len(b), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if life == 0 {
			c.StopAgent(0)
			if err := os.RemoveAll(config.CacheDir); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := countRuns(dir); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

// A copy that is cached otherwise than the registered function runs uncached in workers, which is told, instead of getting
// the other's results.
func TestCachedCopies(t *testing.T) {
	config, dir := cluster.Start(t, 1).Config(), t.TempDir()
	var told atomic.Value
	config.OnEvent = func(e event.Event) {
		if e.Kind == event.CacheFailed {
			told.Store(e.Text)
		}
	}
	s, ctx, err := muster.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	other := kept.With(muster.Version("2"))
	for _, f := range []*muster.Function[work, int]{kept, kept, other, other, kept} {
		if v, err := f.Call(ctx, work{dir, 5}); v != 5 || err != nil {
			t.Error(v, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := countRuns(dir); n != 3 {
		t.Errorf("it ran %d times", n)
	}
	if text, _ := told.Load().(string); !strings.Contains(text, "cluster.kept isn't cached: workers know a function as it is registered") {
		t.Errorf("told %q", text)
	}
}

// Workers get the variables that the job declares, and no others of the driver's.
func TestEnv(t *testing.T) {
	t.Setenv("PASSED_ON", "from the driver")
	t.Setenv("NOT_NAMED", "stays here")
	config := cluster.Start(t, 1).Config()
	config.Env = []string{"PASSED_ON", "SET=a=b", "NOT_THERE"}
	s, ctx, err := muster.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]string{"PASSED_ON": "from the driver", "SET": "a=b", "NOT_NAMED": "", "NOT_THERE": ""} {
		if got, err := variable.Call(ctx, name); got != want || err != nil {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}

func TestInfoAndWhere(t *testing.T) {
	c := cluster.Start(t, 2)
	ctx := c.Context()
	seen := map[string]bool{}
	for range 20 {
		i, err := whoAmI.With(muster.Where("node=node2")).Call(ctx, 0)
		if err != nil || i.Func != "cluster.whoami" || i.Attempt != 1 || i.Key == "" {
			t.Fatal(i, err)
		}
		seen[i.Node] = true
	}
	if len(seen) != 1 {
		t.Error("tasks for one node ran on", seen)
	}
	for node, here := range map[string]bool{"node1": false, "node2": true} {
		on, err := whereInside.Call(ctx, node)
		for id, n := range on {
			if n != 12 || seen[id] != here {
				t.Errorf("what a task has called for %s ran on %v", node, on)
			}
		}
		if len(on) != 1 || err != nil {
			t.Error(on, err)
		}
	}
	if said, err := retryInside.Call(ctx, 0); err != nil || len(said) != 4 {
		t.Errorf("a copy with a RetryIf of its own: %q, %v", said, err)
	}
}

// whereInside calls copies that are for one node, and counts the nodes on which they ran.
var whereInside = muster.Func("cluster.whereinside", func(ctx context.Context, node string) (map[string]int, error) {
	f, on := whoAmI.With(muster.Where("node="+node)), map[string]int{}
	one, err := f.Call(ctx, 0)
	if err != nil {
		return nil, err
	}
	on[one.Node]++
	two, err := f.From(ctx, muster.Put(ctx, 0)).Get(ctx)
	if err != nil {
		return nil, err
	}
	on[two.Node]++
	for i, err := range f.Map(ctx, slices.Values(make([]int, 10))) {
		if err != nil {
			return nil, err
		}
		on[i.Node]++
	}
	return on, nil
})

// retryInside says how calls fail whose RetryIf can't leave the worker.
var retryInside = muster.Func("cluster.retryinside", func(ctx context.Context, _ int) (said []string, err error) {
	f := inc.With(muster.Retries(2), muster.RetryIf(func(error) bool { return ctx.Err() == nil }))
	note := func(_ int, err error) {
		if err != nil && strings.Contains(err.Error(), "pass RetryIf to Func instead of With") {
			said = append(said, err.Error())
		}
	}
	note(f.Call(ctx, 0))
	note(f.From(ctx, inc.Go(ctx, 1)).Get(ctx))
	for v, err := range f.Map(ctx, slices.Values([]int{1, 2})) {
		note(v, err)
	}
	return said, nil
})

func init() {
	// The Map's items go one by one, as each has a time limit.
	lengths = muster.Func("cluster.lengths", func(ctx context.Context, size int) (int, error) {
		for n, err := range length.With(muster.Timeout(time.Minute)).Map(ctx, slices.Values([][]byte{make([]byte, size)})) {
			return n, err
		}
		return 0, nil
	})
}

// impatient opens a session in which what no node can meet fails soon, and gives its hints.
func impatient(t *testing.T, cfg muster.Config) (context.Context, <-chan string) {
	t.Helper()
	cfg.UnsatisfiableAfter = time.Millisecond
	hints := make(chan string, 16)
	cfg.OnEvent = func(e event.Event) {
		if e.Kind == event.Hint {
			hints <- e.Text
		}
	}
	s, ctx, err := muster.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // what failed is what the test is about
	return ctx, hints
}

func TestWhatNoNodeCanMeet(t *testing.T) {
	c := cluster.Start(t, 1)
	ctx, hints := impatient(t, c.Config())
	_, err := inc.With(muster.CPUs(3)).Call(ctx, 1)
	if err == nil || !strings.Contains(err.Error(), "it needs 3 CPUs; no node has more than 2, after 1ms: add such a node, or ask for less") {
		t.Error(err)
	}
	if text := <-hints; !strings.Contains(text, "cluster.inc waits: it needs 3 CPUs") {
		t.Error(text)
	}
	_, err = inc.With(muster.Where("zone=mars")).Call(ctx, 1)
	if err == nil || !strings.Contains(err.Error(), `no node has the labels "zone=mars"`) {
		t.Error(err)
	}
}

var heavyParent = muster.Func("cluster.heavyparent", func(ctx context.Context, bytes int64) (int, error) {
	return inc.With(muster.Memory(bytes)).Call(ctx, 1)
})

// A task that holds most of the only node's memory, and waits for one that needs as much, doesn't wait for ever.
func TestStuckOnANode(t *testing.T) {
	c := cluster.Start(t, 1)
	cfg := c.Config()
	cfg.UnsatisfiableAfter = time.Millisecond
	s, ctx, err := muster.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = inc.With(muster.Memory(1<<60)).Call(ctx, 1)
	_, text, _ := strings.Cut(fmt.Sprint(err), "no node has more than ")
	number, _, _ := strings.Cut(text, ",")
	has, bad := strconv.ParseFloat(number, 64)
	if bad != nil {
		t.Fatal(err, bad)
	}
	most := int64(has * 0.6)
	_, err = heavyParent.With(muster.Memory(most)).Call(ctx, most)
	for _, want := range []string{"cluster.inc", "it needs Memory", "cluster.heavyparent #2 on node node1", "release it before Get"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A task that kills its worker fails after three of them, and no other task suffers.
func TestPoison(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	file := t.TempDir() + "/deaths"
	bad := crash.Go(ctx, file)
	refs := make([]muster.Ref[int], 50)
	for i := range refs {
		refs[i] = inc.Go(ctx, i)
	}
	for i, r := range refs {
		if v, err := r.Get(ctx); v != i+1 || err != nil {
			t.Fatal(v, err)
		}
	}
	_, err := bad.Get(ctx)
	if err == nil || !strings.Contains(err.Error(), "its worker died 3 times while it ran alone") {
		t.Error(err)
	}
	if deaths, _ := os.ReadFile(file); len(deaths) < 3 || len(deaths) > 4 {
		t.Errorf("it ran %d times", len(deaths))
	}
}

func TestAtMostOnceAfterADeath(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	file := t.TempDir() + "/deaths"
	_, err := crash.With(muster.AtMostOnce()).Call(ctx, file)
	if !errors.Is(err, muster.ErrMaybeRan) {
		t.Error(err)
	}
	if deaths, _ := os.ReadFile(file); len(deaths) != 1 {
		t.Errorf("it ran %d times", len(deaths))
	}
}

var isolatedInside = muster.Func("cluster.isolatedinside", func(ctx context.Context, _ int) (int, error) {
	return pid.With(muster.Isolated()).Call(ctx, 0)
})

func TestIsolated(t *testing.T) {
	ctx := cluster.Start(t, 1).Context()
	usual, err := pid.Call(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := pid.With(muster.Isolated()).Call(ctx, 0)
	two, err2 := pid.With(muster.Isolated()).Call(ctx, 0)
	if err := errors.Join(err1, err2); err != nil || one == two || one == usual || two == usual {
		t.Error(usual, one, two, err)
	}
	inside, err := isolatedInside.Call(ctx, 0)
	if err != nil || inside == usual {
		t.Error("a copy that a task calls runs in the shared worker:", inside, err)
	}
	file := t.TempDir() + "/deaths"
	_, err = crash.With(muster.Isolated()).Call(ctx, file)
	if deaths, _ := os.ReadFile(file); err == nil || !strings.Contains(err.Error(), "died 3 times") || len(deaths) != 3 {
		t.Errorf("it ran %d times: %v", len(deaths), err)
	}
}

func TestLargeValues(t *testing.T) {
	ctx := cluster.Start(t, 2).Context()
	in := make([]byte, 5<<20)
	out := large.Go(ctx, in)
	if n, err := length.From(ctx, out).Get(ctx); n != len(in) || err != nil {
		t.Error(n, err)
	}
	b, err := out.Get(ctx)
	if err != nil || len(b) != len(in) || b[77] != 1 {
		t.Error(len(b), err)
	}
	ref := muster.Put(ctx, in)
	if n, err := length.From(ctx, ref).Get(ctx); n != len(in) || err != nil {
		t.Error(n, err)
	}
}

var stubborn = muster.Func("cluster.stubborn", func(context.Context, int) (int, error) {
	select {} // it ignores its context
})

// A task that ignores its cancel costs its worker, and no other task.
func TestStubbornTask(t *testing.T) {
	c := cluster.Start(t, 1)
	cfg := c.Config()
	cfg.Grace = 300 * time.Millisecond
	s, ctx, err := muster.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := pid.Call(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := stubborn.Call(short, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for range 200 { // until the worker was replaced
		after, err := pid.Call(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		if after != before {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Error("the worker that runs it is still in use")
}
