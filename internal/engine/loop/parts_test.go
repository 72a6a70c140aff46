package loop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// TestPartsOfShortTasks: of many short tasks each node gets a small part where nobody else is offered what there is, since
// all nodes will want some, and as many as a pack has where a job that begins beside others gets a few nodes at most.
func TestPartsOfShortTasks(t *testing.T) {
	ctx, s, _ := openHand(t, false)
	nodes := make([]protocol.NodeInfo, 200)
	for i := range nodes {
		nodes[i] = protocol.NodeInfo{Node: fmt.Sprintf("n%d", i), CPUs: 1, Alive: true}
	}
	s.Survey(nodes)
	remoteOnly.Go(ctx, 0)
	first := ended("a", takes(s, "a"), 0)
	first.List[0].Took = time.Microsecond // so that a pack has 2,000
	s.Outcomes(first)
	for n := range 8_000 {
		remoteOnly.Go(ctx, n)
	}
	var given []protocol.Task
	for i, c := range []struct {
		shared, late bool
		want         int
	}{
		{false, false, 500}, {true, false, 2000}, {true, false, 785}, {true, true, 16},
	} {
		var b protocol.Batch
		s.Take(&protocol.Offer{Node: fmt.Sprintf("n%d", i), Most: 2048, CPU: 10_000, Shared: c.shared}, c.late, &b)
		if len(b.Tasks) != c.want {
			t.Errorf("offer %d, shared %v, late %v: %d tasks, want %d", i, c.shared, c.late, len(b.Tasks), c.want)
		}
		given = append(given, b.Tasks...)
	}
	for i := range given {
		s.Outcomes(ended("a", &given[i], 1))
	}
}
