package loop_test

import (
	"strings"
	"testing"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// TestGiven: of the tasks that a node has, those run for which its CPUs suffice, the first first; the others are given to
// it only, until those have ended or wait.
func TestGiven(t *testing.T) {
	ctx, s, _ := openHand(t, false)
	states := func(want ...protocol.TaskState) {
		t.Helper()
		list := s.ListTasks(&protocol.AskTasks{Most: 10}).Tasks
		if len(list) != len(want) {
			t.Fatalf("%+v", list)
		}
		for i, x := range list {
			if x.State != want[i] {
				t.Errorf("#%d is %s, want %s", x.Task, x.State, want[i])
			}
		}
	}
	var refs []*engine.Typed[int]
	var tasks []*protocol.Task
	for i := range 5 {
		refs = append(refs, remoteOnly.Go(ctx, i))
	}
	for _, node := range []string{"a", "a", "b", "a"} {
		tasks = append(tasks, takes(s, node))
	}
	states("running", "given", "running", "given", "ready") // it isn't known yet how many CPUs they have
	s.Survey([]protocol.NodeInfo{{Node: "a", Name: "first", Alive: true, CPUs: 2}, {Node: "b", Name: "b", Alive: true, CPUs: 1}})
	states("running", "running", "running", "given", "ready")
	if got := why(s, 4); !strings.HasPrefix(got, "loop.remote #4 was given to node first, and lies behind others there for ") {
		t.Error(got)
	}
	if got := why(s, 2); !strings.HasPrefix(got, "loop.remote #2 runs on node first for ") {
		t.Error(got)
	}
	s.Up("a", []protocol.Item{protocol.Block{By: protocol.Attempt{Task: tasks[0].ID, N: 1}, Waits: true}})
	states("blocked", "running", "running", "running", "ready")
	s.Outcomes(ended("b", tasks[2], 1))
	gives(ctx, t, refs[2], 1)
	counts := s.ListTasks(&protocol.AskTasks{}).Counts
	if len(counts) != 1 || counts[0].States[protocol.TaskRunning] != 2 || counts[0].States[protocol.TaskGiven] != 0 {
		t.Errorf("%+v", counts)
	}
	if l := s.ListTasks(&protocol.AskTasks{State: protocol.TaskGiven, Most: 9}).Tasks; len(l) != 0 {
		t.Errorf("%+v", l)
	}
}
