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
	far   *far // nil: what is ready to run elsewhere can run
	nodes []node
	needs map[*need]*needNode
	slots []slotNode
	todo  []int // nodes to look at, then live ones to spread from
}

// slot is a dimension of some room: one of the session's own, or of a node's, see far.
type slot int

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
	nodes []int    // those of the ready tasks that something waits for
	lacks [][]slot // what is lacking, in each of the rooms in which they could run
}

type slotNode struct {
	seen bool
	live bool // a holder is
}

// mark says which node a place has become in a search.
type mark struct {
	search uint32
	node   int32
}

func (m *Machine) findLive(f *far) *liveness {
	m.searches++
	for uint32(len(m.marks)) < m.table.next {
		m.marks = append(m.marks, mark{})
	}
	l := &liveness{m: m, far: f, needs: map[*need]*needNode{}, slots: make([]slotNode, len(m.room.total)*(1+f.len()))}
	for _, n := range m.order {
		l.lookAtNeed(n)
	}
	if f != nil {
		for _, n := range m.far {
			l.lookAtNeed(n)
		}
	}
	l.lookAround()
	for k := range l.nodes {
		if l.goesOn(m.table.at(l.nodes[k].place)) {
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

// goesOn is the Machine's, for tasks that run elsewhere too.
func (l *liveness) goesOn(r *record) bool {
	if n := l.m.needs[r.need]; l.far != nil && r.state == Ready && n.away {
		return l.lookAtNeed(n).live
	}
	return l.m.goesOn(r)
}

// lacksAny reports whether a need lacks more than CPU.
func (m *Machine) lacksAny(n *need) bool {
	return n.other && slices.ContainsFunc(n.amounts, m.room.lacks)
}

// lookAtNeed adds the holders of what a need lacks. What lacks nothing is live.
func (l *liveness) lookAtNeed(n *need) *needNode {
	if nn := l.needs[n]; nn != nil {
		return nn
	}
	nn := &needNode{lacks: l.lacking(n)}
	nn.live = nn.lacks == nil
	l.needs[n] = nn
	for _, slots := range nn.lacks {
		for _, k := range slots {
			if !l.slots[k].seen {
				l.slots[k].seen = true
				l.holders(k, l.lookAt)
			}
		}
	}
	return nn
}

// lacking is what a need lacks in each of the rooms in which it could be met; nil if one of them lacks nothing.
func (l *liveness) lacking(n *need) [][]slot {
	if n.away {
		return l.far.lacking(l.m, n)
	}
	var slots []slot
	for _, a := range n.amounts {
		if l.m.room.lacks(a) {
			slots = append(slots, slot(a.Dim))
		}
	}
	if slots == nil {
		return nil
	}
	return [][]slot{slots}
}

// holders calls visit with the tasks that hold some of a slot.
func (l *liveness) holders(k slot, visit func(i uint32)) {
	if int(k) < len(l.m.room.total) {
		l.m.Holders(Dim(k), func(id ID) { visit(id.index()) })
		return
	}
	for _, i := range l.far.holders[k] {
		visit(i)
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
		case l.goesOn(r):
		case r.state == Ready:
			nn := l.lookAtNeed(l.m.needs[r.need])
			nn.nodes = append(nn.nodes, k)
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
			l.reachHeld(l.nodes[k].place, l.m.needs[r.need])
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
func (l *liveness) reachHeld(place uint32, n *need) {
	fresh := false
	rooms, some := l.roomsOf(place, n)
	for _, base := range rooms[:some] {
		for _, a := range n.amounts {
			d := &l.slots[base+slot(a.Dim)]
			fresh = fresh || d.seen && !d.live
			d.live = true
		}
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

// roomsOf is where the slots begin of which a task holds some: those of its node and of the limits, if it runs elsewhere.
func (l *liveness) roomsOf(place uint32, n *need) (rooms [2]slot, some int) {
	if !n.away {
		return rooms, 1
	}
	node, known := l.far.node(place)
	if !known {
		return rooms, 0
	}
	return [2]slot{l.far.slot(l.m, node, 0), l.far.slot(l.m, len(l.far.nodes), 0)}, 2
}

// lacks is the first dimension that n lacks and that no live task holds, in the first room in which it could be met,
// unless there is one without.
func (l *liveness) lacks(n *need) (first Dim, yes bool) {
	for _, slots := range l.needs[n].lacks {
		i := slices.IndexFunc(slots, func(k slot) bool { return !l.slots[k].live })
		if i < 0 {
			return 0, false
		}
		if !yes {
			first, yes = Dim(int(slots[i])%len(l.m.room.total)), true
		}
	}
	return first, yes
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
	wanted := make([]bool, len(l.slots))
	for _, nn := range l.needs {
		for _, slots := range nn.lacks {
			for _, k := range slots {
				wanted[k] = wanted[k] || !nn.live && !l.slots[k].live
			}
		}
	}
	for k, yes := range wanted {
		if yes {
			l.holders(slot(k), func(i uint32) { l.m.eachDep(l.m.table.at(i), l.isAwaited) })
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
