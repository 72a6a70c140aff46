package coordinator

import (
	"cmp"
	"slices"
)

// liveness is the least fixpoint of "can run": what goes on whatever the others do, what waits for one of those, and
// ready tasks if for each dimension that they lack a holder can run. It is looked for among the tasks on which it depends
// whether the ready ones that lack something can: their holders, what these wait for, and so on.
type liveness struct {
	m     *Machine
	nodes []node
	needs map[*need]*needNode
	dims  []dimNode
	todo  []int // nodes to look at, then live ones to spread from
}

// node is a task, or a set.
type node struct {
	place   uint32
	unmet   uint32 // of a waiting task: dependencies not known to be live
	live    bool
	awaited bool // a holder of a wanted dimension waits for it
}

// needNode is a need with ready tasks; they are all live, or none is.
type needNode struct {
	live  bool
	nodes []int // those of the ready tasks that something waits for
}

type dimNode struct {
	seen bool
	live bool // a holder is
}

// mark says which node a place has become in a search.
type mark struct {
	search uint32
	node   int32
}

func (m *Machine) findLive() *liveness {
	m.searches++
	for uint32(len(m.marks)) < m.table.next {
		m.marks = append(m.marks, mark{})
	}
	l := &liveness{m: m, needs: map[*need]*needNode{}, dims: make([]dimNode, len(m.room.total))}
	for _, n := range m.order {
		l.lookAtNeed(n)
	}
	l.lookAround()
	for k := range l.nodes {
		if m.goesOn(m.table.at(l.nodes[k].place)) {
			l.mark(k)
		}
	}
	l.spread()
	return l
}

// goesOn reports whether a task runs, or will run or end, whatever becomes of the others. An attempt that was
// interrupted ends: its function's waits are over, and the engine gives it up if it doesn't return.
func (m *Machine) goesOn(r *record) bool {
	switch r.state {
	case Running, Resuming, Backoff, Joining:
		return true
	case Ready:
		return !m.lacksAny(m.needs[r.need])
	case Blocked:
		return r.flags&(isCanceled|isExpired|isWoken|isOutside) != 0
	default:
		return false
	}
}

// lacksAny reports whether a need lacks more than CPU.
func (m *Machine) lacksAny(n *need) bool {
	return n.other && slices.ContainsFunc(n.amounts, m.room.lacks)
}

// lookAtNeed adds the holders of what a need lacks.
func (l *liveness) lookAtNeed(n *need) {
	if l.needs[n] != nil || !l.m.lacksAny(n) {
		return
	}
	l.needs[n] = &needNode{}
	for _, a := range n.amounts {
		if !l.m.room.lacks(a) || l.dims[a.Dim].seen {
			continue
		}
		l.dims[a.Dim].seen = true
		l.m.Holders(a.Dim, func(id ID) { l.lookAt(id.index()) })
	}
}

// lookAt adds a task.
func (l *liveness) lookAt(i uint32) {
	if mk := &l.m.marks[i]; mk.search != l.m.searches {
		*mk = mark{l.m.searches, int32(len(l.nodes))}
		l.todo = append(l.todo, len(l.nodes))
		l.nodes = append(l.nodes, node{place: i, unmet: l.m.table.at(i).unmet})
	}
}

// nodeOf is the node of a place, or -1.
func (l *liveness) nodeOf(i uint32) int {
	if mk := l.m.marks[i]; mk.search == l.m.searches {
		return int(mk.node)
	}
	return -1
}

// lookAround adds what the tasks that have been added depend on.
func (l *liveness) lookAround() {
	for len(l.todo) > 0 {
		k := l.todo[len(l.todo)-1]
		l.todo = l.todo[:len(l.todo)-1]
		r := l.m.table.at(l.nodes[k].place)
		switch {
		case l.m.goesOn(r):
		case r.state == Ready:
			n := l.m.needs[r.need]
			l.lookAtNeed(n)
			l.needs[n].nodes = append(l.needs[n].nodes, k)
		default:
			l.m.eachDep(r, l.lookAt)
		}
	}
}

func (l *liveness) mark(k int) {
	if !l.nodes[k].live {
		l.nodes[k].live = true
		l.todo = append(l.todo, k)
	}
}

func (l *liveness) spread() {
	for len(l.todo) > 0 {
		k := l.todo[len(l.todo)-1]
		l.todo = l.todo[:len(l.todo)-1]
		r := l.m.table.at(l.nodes[k].place)
		for e := r.firstOut; e != 0; e = l.m.edges.at(e).nextOut {
			l.reach(l.nodeOf(l.m.edges.at(e).to))
		}
		if r.holds() {
			l.reachHeld(l.m.needs[r.need])
		}
	}
}

// reach says that one thing that a task waits for is live.
func (l *liveness) reach(k int) {
	if k < 0 {
		return
	}
	switch t := &l.nodes[k]; l.m.table.at(t.place).state {
	case Blocked, Set:
		l.mark(k)
	case Waiting:
		if t.unmet--; t.unmet == 0 {
			l.mark(k)
		}
	}
}

// reachHeld says that a holder of n's amounts is live, and marks the ready tasks that lack nothing else.
func (l *liveness) reachHeld(n *need) {
	fresh := false
	for _, a := range n.amounts {
		d := &l.dims[a.Dim]
		fresh = fresh || d.seen && !d.live
		d.live = true
	}
	if !fresh {
		return
	}
	for n, nn := range l.needs {
		if _, lacks := l.lacks(n); lacks || nn.live {
			continue
		}
		nn.live = true
		for _, k := range nn.nodes {
			l.mark(k)
		}
	}
}

// lacks is the first dimension that n lacks and that no live task holds.
func (l *liveness) lacks(n *need) (Dim, bool) {
	for _, a := range n.amounts {
		if l.m.room.lacks(a) && !l.dims[a.Dim].live {
			return a.Dim, true
		}
	}
	return 0, false
}

// stuck lists, the youngest first, the ready tasks that can never start and that a holder of what such tasks lack waits
// for, directly or through others that can't go on: tasks that have merely queued up behind those survive. If the holders wait for each
// other instead, it is the youngest of all that can never start.
func (l *liveness) stuck() (tasks []uint32) {
	l.findAwaited()
	for _, nn := range l.needs {
		for _, k := range nn.nodes {
			if !nn.live && l.nodes[k].awaited {
				tasks = append(tasks, l.nodes[k].place)
			}
		}
	}
	if len(tasks) == 0 {
		return l.youngest()
	}
	slices.SortFunc(tasks, func(a, b uint32) int { return cmp.Compare(l.m.table.at(b).num, l.m.table.at(a).num) })
	return tasks
}

// findAwaited marks all that the holders of what is lacked for good wait for.
func (l *liveness) findAwaited() {
	wanted := make([]bool, len(l.dims))
	for n, nn := range l.needs {
		for _, a := range n.amounts {
			wanted[a.Dim] = wanted[a.Dim] || !nn.live && l.m.room.lacks(a) && !l.dims[a.Dim].live
		}
	}
	for d, yes := range wanted {
		if yes {
			l.m.Holders(Dim(d), func(id ID) { l.m.eachDep(l.m.table.at(id.index()), l.isAwaited) })
		}
	}
	for len(l.todo) > 0 {
		k := l.todo[len(l.todo)-1]
		l.todo = l.todo[:len(l.todo)-1]
		if !l.nodes[k].live {
			l.m.eachDep(l.m.table.at(l.nodes[k].place), l.isAwaited)
		}
	}
}

func (l *liveness) isAwaited(i uint32) {
	if k := l.nodeOf(i); k >= 0 && !l.nodes[k].awaited {
		l.nodes[k].awaited = true
		l.todo = append(l.todo, k)
	}
}

// youngest is the youngest ready task that can never start, if there is any.
func (l *liveness) youngest() (found []uint32) {
	for n, nn := range l.needs {
		if nn.live {
			continue
		}
		for _, q := range n.ready.queues {
			for i := q.head; i != 0; i = l.m.table.at(i).queueNext {
				if len(found) == 0 {
					found = []uint32{i}
				} else if l.m.table.at(i).num > l.m.table.at(found[0]).num {
					found[0] = i
				}
			}
		}
	}
	return found
}
