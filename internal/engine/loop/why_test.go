package loop_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/engine/loop"
	"github.com/musterrun/muster/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// function registers a function of one number.
func function(name string, do func(context.Context, int) (int, error), opts engine.Options) *engine.Fn[int, int] {
	f := &engine.Fn[int, int]{Do: do}
	f.Name, f.Opts = name, opts
	f.InPlan, _ = codec.Of(reflect.TypeFor[int]())
	f.OutPlan = f.InPlan
	f.InRefs, f.OutRefs = f.InPlan, f.OutPlan
	engine.Register(f)
	return f
}

// gates are what functions wait at, by their argument.
var gates = [8]chan struct{}{}

// reached tells that a function waits at its gate.
var reached = make(chan int, 8)

var (
	hold = function("loop.hold", func(ctx context.Context, n int) (int, error) {
		reached <- n
		select {
		case <-gates[n]:
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, engine.Options{CPUs: 1})
	outer *engine.Fn[int, int]
	flaky = function("loop.flaky", func(context.Context, int) (int, error) { return 0, fmt.Errorf("no") },
		engine.Options{CPUs: 1, Retries: 1, First: time.Hour, Max: time.Hour})
	wide  = function("loop.wide", hold.Do, engine.Options{CPUs: 3})
	gpus  = function("loop.gpus", hold.Do, engine.Options{CPUs: 1, Resources: []engine.Resource{{Name: engine.GPU, N: 2}}})
	there = function("loop.there", hold.Do, engine.Options{CPUs: 1, Where: must(engine.ParseWhere("zone=a,!spot"))})
)

func init() {
	outer = function("loop.outer", func(ctx context.Context, n int) (int, error) { return hold.Call(ctx, n) }, engine.Options{CPUs: 1})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func openLoop(t *testing.T, cfg engine.Config, nodes, cpus int) (context.Context, *engine.Session) {
	t.Helper()
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	cfg.CPUs, cfg.Concurrency, cfg.Grace, cfg.UnsatisfiableAfter = 2, 1000, 10*time.Second, time.Hour
	s, c := loop.Driver(cfg, engine.Trial{}, nodes, cpus)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		c.Close()
	})
	return s.Context(context.Background()), s
}

// why is what a task waits for.
func why(s *engine.Session, n int) string {
	return strings.Join(s.ListTasks(&protocol.AskTasks{Task: uint64(n)}).Why, "\n")
}

func TestWhy(t *testing.T) {
	ctx, s := openLoop(t, engine.Config{}, 1, 1)
	if got := why(s, 0); got != "it has no task that hasn't ended: its driver is to start one, or to end" {
		t.Error(got)
	}
	first := hold.Go(ctx, 0) // 1
	<-reached
	second := hold.Go(ctx, 1)                                    // 2
	hold.Go(ctx, 2)                                              // 3
	hold.From(ctx, second)                                       // 4
	wide.Go(ctx, 3)                                              // 5
	gpus.Go(ctx, 3)                                              // 6
	there.Go(ctx, 3)                                             // 7
	engine.Gather[int, []int](ctx, []*engine.Typed[int]{second}) // 8
	check := func(n int, want ...string) {
		t.Helper()
		got := why(s, n)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("#%d: %s\nwant %s", n, got, w)
			}
		}
	}
	check(2, "loop.hold #2 is ready: the cluster hasn't said yet which nodes there are")
	nodes := []protocol.NodeInfo{
		{Node: "a", Name: "first", Alive: true, CPUs: 1, GPUs: 1, Labels: map[string]string{"zone": "b"}},
		{Node: "b", Name: "other", Alive: true, CPUs: 2, FreeCPU: 1, Labels: map[string]string{"spot": "1"}},
		{Node: "c", Name: "gone", CPUs: 64},
	}
	s.Survey(nodes)
	check(2, "other (1 of 2 CPUs free); a node that is new to the job gets its program first")
	nodes[1].FreeCPU = 0
	s.Survey(nodes)
	check(1, "loop.hold #1 runs on node first for ")
	if strings.Contains(why(s, 2), "new to the job") {
		t.Error("no node has room, and one is said to get its program")
	}
	check(2, "loop.hold #2 is ready: it waits for room of 1 CPU on first (0 of 1 CPUs free) or other (0 of 2 CPUs free)")
	check(3, "loop.hold #3 is ready, and 1 task like it goes before it; of these, loop.hold #2 is ready: it waits for room of 1 CPU")
	check(4, "loop.hold #4 waits for loop.hold #2\nloop.hold #2 is ready: ")
	check(5, "loop.wide #5 is ready: it needs 3 CPUs; no node has more than 2; node other comes nearest; it fails in ", " unless such a node joins")
	check(6, `it needs 2 GPUs; no node has more than 1; node first comes nearest; it fails in`)
	check(7, `no node has the labels "zone=a,!spot"; node first comes nearest, and misses zone=a; it fails`)
	check(8, "gather #8 waits for loop.hold #2\nloop.hold #2 is ready")
	check(99, "no task #99 waits or runs: it has ended, or wasn't started yet")
	check(0, "loop.hold #2 is ready", "loop.wide #5 is ready", "loop.gpus #6", "loop.there #7")
	close(gates[0])
	<-reached
	_ = first.Wait(ctx)
	check(1, "no task #1 waits")
	check(4, "loop.hold #4 waits for loop.hold #2\nloop.hold #2 runs on node first")
}

// TestWhyOfARunningTask: what its function waits for, and a pause between attempts.
func TestWhyOfARunningTask(t *testing.T) {
	ctx, s := openLoop(t, engine.Config{}, 1, 1)
	blocked, pausing := make(chan struct{}), make(chan struct{})
	s.Listen(engine.Listener{Mask: event.Of(event.TaskBlocked), Tell: func(event.Event) { close(blocked) }})
	s.Listen(engine.Listener{Mask: event.Of(event.TaskRetrying), Tell: func(event.Event) { close(pausing) }})
	outer.Go(ctx, 0) // 1 calls 2
	<-reached
	<-blocked
	if got := why(s, 1); !strings.Contains(got, "loop.outer #1 runs on node a for ") ||
		!strings.Contains(got, ", and its function waits for loop.hold #2\nloop.hold #2 runs on node a for ") {
		t.Error(got)
	}
	if got := why(s, 0); got != "2 tasks run, and nothing else is ready" {
		t.Error(got)
	}
	close(gates[0])
	flaky.Go(ctx, 0)
	<-pausing
	if got := why(s, 3); !strings.HasPrefix(got, "loop.flaky #3 failed in its attempt 1, and is tried again in ") {
		t.Error(got)
	}
}

func TestListTasks(t *testing.T) {
	ctx, s := openLoop(t, engine.Config{}, 1, 1)
	var done []*engine.Typed[int]
	for i := range 20 {
		done = append(done, inc.Go(ctx, i))
	}
	for _, d := range done {
		_ = d.Wait(ctx)
	}
	first := hold.Go(ctx, 0)
	<-reached
	for range 30 {
		hold.From(ctx, first)
	}
	engine.Gather[int, []int](ctx, []*engine.Typed[int]{first})
	l := s.ListTasks(&protocol.AskTasks{State: protocol.TaskWaiting, Most: 7})
	if len(l.Tasks) != 7 || l.More != 23 || l.Tasks[0].Task != 22 || l.Tasks[6].Task != 28 || l.Tasks[0].Func != "loop.hold" {
		t.Errorf("%+v", l)
	}
	want := []protocol.TaskCount{
		{Func: "loop.hold", States: map[protocol.TaskState]int{protocol.TaskRunning: 1, protocol.TaskWaiting: 30}},
		{Func: "loop.inc", Done: 20},
	}
	if !reflect.DeepEqual(l.Counts, want) {
		t.Errorf("%+v", l.Counts)
	}
	l = s.ListTasks(&protocol.AskTasks{Func: "loop.hold", State: protocol.TaskRunning, Most: 1 << 30})
	if len(l.Tasks) != 1 || l.More != 0 {
		t.Fatalf("%+v", l)
	}
	got := l.Tasks[0]
	if got.Ran <= 0 || got.Age < got.Ran || coordinator.ID(got.ID).Index() == 0 {
		t.Errorf("%+v", got)
	}
	got.Ran, got.Age, got.ID = 0, 0, 0
	if got != (protocol.TaskInfo{Task: 21, Func: "loop.hold", State: protocol.TaskRunning, Attempt: 1, Node: "a"}) {
		t.Errorf("%+v", got)
	}
	if l = s.ListTasks(&protocol.AskTasks{}); len(l.Tasks) != 0 || slices.Contains(l.Why, "") {
		t.Errorf("%+v", l)
	}
}
