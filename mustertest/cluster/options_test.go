package cluster_test

import (
	"context"
	"os"
	"slices"
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
