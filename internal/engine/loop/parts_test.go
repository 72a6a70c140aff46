package loop_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// TestPartsOfShortTasks: of many short tasks each node gets a small part where nobody else is offered what there is, since
// all nodes will want some, and as many as a pack has where a job that begins beside others gets a few nodes at most. Then
// what has been offered to others too, on a node without its tasks, or some time ago, gets none: it has nodes enough.
func TestPartsOfShortTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := shortTasks(t, 8_000)
		for i, c := range []struct {
			shared, late bool
			taken        uint64 // not 0 if the node has had some
			want         int
		}{
			{false, false, 0, 500},
			{true, true, 0, 16},
			{true, false, 0, 2000},
			{true, false, 0, 0},
			{true, true, 1, 0},
			{true, false, 1, 779},
		} {
			o := protocol.Offer{Node: fmt.Sprintf("n%d", i), Most: 2048, CPU: 10_000, Shared: c.shared, Taken: c.taken}
			b := offered(s, &o, c.late)
			if len(b) != c.want {
				t.Errorf("offer %d, shared %v, late %v, taken %d: %d tasks, want %d", i, c.shared, c.late, c.taken, len(b), c.want)
			}
		}
	})
}

// TestShortTasksGoFurther: a further node gets some once those that have them have none, which is said, or don't end theirs.
func TestShortTasksGoFurther(t *testing.T) {
	for name, ends := range map[string]bool{"they have ended": true, "they take long indeed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, h := shortTasks(t, 8_000)
				offer := func(node string) []protocol.Task {
					return offered(s, &protocol.Offer{Node: node, Most: 2048, CPU: 10_000, Shared: true}, false)
				}
				a, b := offer("a"), offer("b")
				if c := offer("c"); len(a) == 0 || len(b) == 0 || len(c) > 0 {
					t.Errorf("%d and %d tasks for two nodes, and %d for a third", len(a), len(b), len(c))
				}
				woken := h.woken.Load()
				if ends {
					endAll(s, "a", a)
					endAll(s, "b", b)
				} else {
					<-time.After(time.Second)
				}
				if ends && h.woken.Load() == woken {
					t.Error("nobody was told that there is something for a third node")
				}
				if len(offer("c")) == 0 {
					t.Error("there is nothing for a third node")
				}
			})
		})
	}
}

// TestIsolatedTasksShareNoCPU: however short they are, a node is given as many as it has CPUs, since it starts a process for
// each. Others of the same function aren't held to that.
func TestIsolatedTasksShareNoCPU(t *testing.T) {
	ctx, s, _ := openHand(t, false)
	isolated := *remoteOnly
	isolated.Opts.Isolated = true
	for _, f := range []*engine.Fn[int, int]{remoteOnly, &isolated} {
		f.Go(ctx, 0)
		first := ended("a", takes(s, "a"), 0)
		first.List[0].Took = time.Microsecond
		s.Outcomes(first)
	}
	for _, c := range []struct {
		f    *engine.Fn[int, int]
		want int
	}{{&isolated, 2}, {remoteOnly, 10}} {
		for range 10 {
			c.f.Go(ctx, 1)
		}
		for n := 10; n > 0; n -= c.want {
			b := offered(s, &protocol.Offer{Node: "a", Most: 100, CPU: 20_000}, false)
			if len(b) != c.want {
				t.Fatalf("isolated %v: two CPUs get %d tasks, want %d", c.f.Opts.Isolated, len(b), c.want)
			}
			endAll(s, "a", b)
		}
	}
}

// shortTasks is a driver that has 200 nodes and so many tasks, of which a pack has 2,000.
func shortTasks(t *testing.T, n int) (*engine.Session, *hand) {
	t.Helper()
	ctx, s, h := openHand(t, false)
	nodes := make([]protocol.NodeInfo, 200)
	for i := range nodes {
		nodes[i] = protocol.NodeInfo{Node: fmt.Sprintf("n%d", i), CPUs: 1, Alive: true}
	}
	s.Survey(nodes)
	remoteOnly.Go(ctx, 0)
	first := ended("a", takes(s, "a"), 0)
	first.List[0].Took = time.Microsecond
	s.Outcomes(first)
	for i := range n {
		remoteOnly.Go(ctx, i)
	}
	return s, h
}

// offered gives the tasks that an offer gets.
func offered(s *engine.Session, o *protocol.Offer, late bool) []protocol.Task {
	var b protocol.Batch
	s.Take(o, late, &b)
	return b.Tasks
}

func endAll(s *engine.Session, node string, tasks []protocol.Task) {
	for i := range tasks {
		s.Outcomes(ended(node, &tasks[i], 1))
	}
}
