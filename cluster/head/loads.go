package head

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// What nodes have, and what jobs have of them, by which users share the cluster. It is what agents say, so it is kept to
// what can be: else one of them could make everybody's shares nothing, or somebody's all.

const mostCPUs = 1 << 20 // of a node, and as many GPUs

// plausible reports whether a node can have what it says.
func plausible(n *protocol.NodeInfo) bool {
	for _, amount := range n.Named {
		if amount < 0 {
			return false
		}
	}
	return n.CPUs >= 0 && n.CPUs <= mostCPUs && n.GPUs >= 0 && n.GPUs <= mostCPUs && n.Memory >= 0
}

// amountsOf is what a node has.
func amountsOf(n *protocol.NodeInfo) protocol.Amounts {
	return protocol.Amounts{CPU: int64(n.CPUs * unit), Memory: n.Memory, GPUs: int64(n.GPUs * unit), Named: n.Named}
}

// atMost is amounts without what is below 0 or above the most.
func atMost(a, most *protocol.Amounts) protocol.Amounts {
	within := func(n, most int64) int64 { return max(0, min(n, most)) }
	out := protocol.Amounts{CPU: within(a.CPU, most.CPU), Memory: within(a.Memory, most.Memory), GPUs: within(a.GPUs, most.GPUs)}
	for name, n := range a.Named {
		if n = within(n, most.Named[name]); n == 0 {
			continue
		}
		if out.Named == nil {
			out.Named = map[string]int64{}
		}
		out.Named[name] = n
	}
	return out
}

// loaded takes what jobs have of a node, which is no more than the node has: what it says is a claim. A node that the head
// doesn't know yet says it again with its report.
func (t *nodes) loaded(id string, in *protocol.NodeLoad) error {
	if len(in.Jobs) > maxLoads {
		return refuse(protocol.CodeMalformed, "a node has tasks of at most %d jobs", maxLoads)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.all[id]
	if n == nil {
		return refuse(protocol.CodeUnknown, "the head doesn't know node %s yet: its report comes first", id)
	}
	has := amountsOf(&n.info)
	for job, used := range in.Jobs {
		in.Jobs[job] = atMost(&used, &has)
	}
	n.jobs = in.Jobs
	return nil
}

const maxLoads = 10_000

// load is what the nodes that live have in all, and what jobs have of that.
func (t *nodes) load(now time.Time) (total protocol.Amounts, jobs map[string]protocol.Amounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	jobs = map[string]protocol.Amounts{}
	for _, n := range t.all {
		if n.dead || n.info.Stopped || now.Sub(n.seen) > t.dead {
			continue
		}
		has := amountsOf(&n.info)
		total.Add(&has)
		for id, used := range n.jobs {
			sum := jobs[id]
			sum.Add(&used)
			jobs[id] = sum
		}
	}
	return total, jobs
}
