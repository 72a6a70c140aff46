package engine

// PlanTask is a task of a plan.
type PlanTask struct {
	Func  string
	Task  uint64 // its number; 0 for a value, and if it isn't known
	State string // recorded, waiting, running, done, failed
	Took  float64
	Deps  []int // indices into the plan
	Cut   bool  // what it waited for is forgotten
}

// PlanOf lists t and what it waits or waited for, each before what needs it, t last.
func (t *Task) PlanOf() []PlanTask {
	if t.s == nil {
		return []PlanTask{{Func: "none", State: "failed"}}
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	b := planBuilder{s: t.s, index: map[*planNode]int{}}
	b.add(t.node())
	return b.tasks
}

type planBuilder struct {
	s     *Session
	index map[*planNode]int
	tasks []PlanTask
}

// add lists a node after its dependencies, without recursion: chains are long.
func (b *planBuilder) add(root *planNode) {
	stack := []*planNode{root}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		if _, done := b.index[n]; done {
			stack = stack[:len(stack)-1]
			continue
		}
		deps := b.depsOf(n)
		waiting := false
		for i := len(deps) - 1; i >= 0; i-- {
			if _, done := b.index[deps[i]]; !done {
				stack = append(stack, deps[i])
				waiting = true
			}
		}
		if !waiting {
			stack = stack[:len(stack)-1]
			b.list(n, deps)
		}
	}
}

// depsOf is what a node waits for; a recorded call is asked now.
func (b *planBuilder) depsOf(n *planNode) []*planNode {
	if n.t == nil || n.t.phase != fresh || n.deps != nil {
		return n.deps
	}
	if n.t.is(waits) {
		_ = n.t.ops.Deps(func(d *Task) { n.deps = append(n.deps, d.node()) })
	}
	return n.deps
}

func (b *planBuilder) list(n *planNode, deps []*planNode) {
	p := PlanTask{Func: n.name, Task: n.num, State: b.state(n), Took: float64(n.took), Cut: n.cut}
	for _, d := range deps {
		p.Deps = append(p.Deps, b.index[d])
	}
	b.index[n] = len(b.tasks)
	b.tasks = append(b.tasks, p)
}

func (b *planBuilder) state(n *planNode) string {
	switch {
	case n.t == nil && n.err != nil:
		return "failed"
	case n.t == nil:
		return "done"
	case n.t.phase == fresh:
		return "recorded"
	case n.t.run != nil:
		return "running"
	default:
		return "waiting"
	}
}
