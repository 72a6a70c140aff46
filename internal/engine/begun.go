package engine

import (
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// Nodes are given more short tasks than they have CPUs, and don't say when one begins: that would cost a message each. A
// worker begins them in the order in which it gets them, as its node has CPUs. So the driver takes those to run for which
// the CPUs suffice, the others to be given only. It errs while a worker is starting, or values are fetched: the node itself
// says that, to muster why.

// begunAway are the attempts that nodes run, of those that need CPUs, as far as is known here. Of a node that no survey has
// told of, one runs. The mutex is held.
func (s *Session) begunAway() map[*Run]bool {
	free, begun := map[string]int64{}, map[*Run]bool{}
	left := len(s.carried.nodes)
	for i := range s.carried.nodes {
		n := &s.carried.nodes[i]
		free[n.Node] = units(n.CPUs)
	}
	for r := s.carried.first; r != nil && (left > 0 || len(s.carried.nodes) == 0); r = r.away.after {
		cpu, had := s.m.CPUOf(r.id), int64(0)
		if cpu == 0 || r.away.waits || r.away.apart != nil {
			continue
		}
		room, known := free[r.away.node]
		if had = room; !known {
			had = cpu
		}
		if cpu > had {
			continue
		}
		begun[r] = true
		if free[r.away.node] = had - cpu; had == cpu && known {
			left--
		}
	}
	return begun
}

// isGiven reports whether a node has a task's attempt and hasn't begun it, as far as is known here.
func (s *Session) isGiven(id coordinator.ID, begun map[*Run]bool) bool {
	r := s.taskOf(id).run
	if r == nil || r.over || r.away == nil || r.away.node == "" || s.m.State(id) != coordinator.Running || begun[r] {
		return false
	}
	return s.m.CPUOf(id) > 0 && r.away.asked == nil && !r.away.waits
}

// stateOf is where a task stands. The mutex is held.
func (s *Session) stateOf(id coordinator.ID, at coordinator.State, begun map[*Run]bool) protocol.TaskState {
	if at == coordinator.Running && s.isGiven(id, begun) {
		return protocol.TaskGiven
	}
	return stateNames[at]
}
