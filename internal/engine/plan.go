package engine

// planNode remembers a task for Ref.Plan after its argument and its value are gone. A task without dependencies gets
// one only when another waits for it.
type planNode struct {
	name   string
	num    uint64
	deps   []*planNode
	took   float32
	height int
	t      *Task // until it has ended
	err    error
	cut    bool // deps were dropped
}

// planDepth bounds what a chain of tasks keeps behind it: beyond it the history is forgotten, and Plan says so.
const planDepth = 10_000

// node is t's, made when it's first needed. The mutex is held.
func (t *Task) node() *planNode {
	if t.plan == nil {
		t.plan = &planNode{t: t}
		if t.ops != nil {
			t.plan.name = t.ops.Spec().Name
		}
		switch t.phase {
		case live:
			t.planSubmitted()
		case over:
			t.planEnded()
		}
	}
	return t.plan
}

// planned records what t waited for.
func (t *Task) planned(deps []*planNode) {
	if len(deps) == 0 {
		return
	}
	n := t.node()
	for _, d := range deps {
		n.height = max(n.height, d.height+1)
	}
	if n.height > planDepth {
		n.height, n.cut = 0, true
		return
	}
	n.deps = deps
}

// planSubmitted keeps the number that errors give the task. Values have none.
func (t *Task) planSubmitted() {
	if n := t.plan; n != nil && !t.is(joins) {
		n.num = t.s.m.Number(t.id)
	}
}

// planEnded keeps the outcome and lets go of the task.
func (t *Task) planEnded() {
	if n := t.plan; n != nil {
		n.took, n.err, n.t = t.took, t.err, nil
		if te, ok := t.err.(*TaskError); ok && n.num == 0 && te.Func == n.name { //nolint:errorlint // its own, not one that it wraps
			n.num = te.Task
		}
	}
}
