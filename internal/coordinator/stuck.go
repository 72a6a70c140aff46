package coordinator

// unstick fails the youngest ready task that can never start because those who hold what it lacks all wait for tasks
// that can never start either. CPU is lent while a task waits, so it is never the reason.
func (m *Machine) unstick() {
	for m.others > 0 && m.suspectStuck() {
		i, dim := m.youngestStuck()
		if i == 0 {
			return
		}
		m.settle(i, m.table.at(i), Stuck, 0, dim)
	}
}

// suspectStuck is the cheap necessary condition: some need lacks a dimension that only blocked tasks hold.
func (m *Machine) suspectStuck() bool {
	for k := range m.needs {
		n := &m.needs[k]
		if n.other && n.ready.n > 0 {
			if d, lacks := m.room.lacks(n); lacks && m.room.blocked[d] == m.room.holders[d] {
				return true
			}
		}
	}
	return false
}

// liveness is the least fixpoint of "can run": what runs, what fits, and what waits for one of those.
type liveness struct {
	m     *Machine
	live  []bool
	unmet []uint32
	dims  []bool // some holder is live
	queue []uint32
}

func (m *Machine) youngestStuck() (youngest uint32, dim Dim) {
	l := liveness{m: m, live: make([]bool, m.table.next), unmet: make([]uint32, m.table.next), dims: make([]bool, len(m.room.total))}
	l.seed()
	l.spread()
	var num uint64
	m.Each(func(id ID, s State) bool {
		r := m.table.at(id.index())
		if s == Ready && !l.live[id.index()] && r.num > num {
			num, youngest = r.num, id.index()
			dim, _ = m.room.lacks(&m.needs[r.need])
		}
		return true
	})
	return youngest, dim
}

// seed marks what can run whatever the others do, and counts what the rest waits for.
func (l *liveness) seed() {
	l.m.Each(func(id ID, s State) bool {
		i := id.index()
		r := l.m.table.at(i)
		switch s {
		case Running, Resuming, Backoff, Joining:
			l.mark(i)
		case Ready:
			if _, lacks := l.m.room.lacks(&l.m.needs[r.need]); !lacks {
				l.mark(i)
			}
		case Blocked:
			if l.m.wakes(r) {
				l.mark(i)
			}
		case Waiting:
			l.unmet[i] = r.unmet
		}
		return true
	})
}

// wakes reports whether something that a blocked task waits for has ended.
func (m *Machine) wakes(r *record) bool {
	for e := r.firstIn; e != 0; e = m.edges.at(e).nextIn {
		if m.edges.at(e).from == 0 {
			return true
		}
	}
	return r.firstIn == 0
}

func (l *liveness) mark(i uint32) {
	if !l.live[i] {
		l.live[i] = true
		l.queue = append(l.queue, i)
	}
}

func (l *liveness) spread() {
	for len(l.queue) > 0 {
		i := l.queue[len(l.queue)-1]
		l.queue = l.queue[:len(l.queue)-1]
		r := l.m.table.at(i)
		for e := r.firstOut; e != 0; e = l.m.edges.at(e).nextOut {
			if to := l.m.edges.at(e).to; to != 0 {
				l.reach(to)
			}
		}
		if r.state == Running || r.state == Blocked || r.state == Resuming {
			l.reachHeld(&l.m.needs[r.need])
		}
	}
}

// reach says that one thing that the task at to waits for is live.
func (l *liveness) reach(to uint32) {
	switch l.m.table.at(to).state {
	case Blocked:
		l.mark(to)
	case Waiting:
		if l.unmet[to]--; l.unmet[to] == 0 {
			l.mark(to)
		}
	}
}

// reachHeld says that a holder of n's amounts is live, and marks the ready tasks that lack nothing else.
func (l *liveness) reachHeld(n *need) {
	fresh := false
	for _, a := range n.amounts {
		fresh = fresh || !l.dims[a.Dim]
		l.dims[a.Dim] = true
	}
	if !fresh {
		return
	}
	for k := range l.m.needs {
		if l.comes(&l.m.needs[k]) {
			for _, q := range l.m.needs[k].ready.queues {
				for i := q.head; i != 0; i = l.m.table.at(i).queueNext {
					l.mark(i)
				}
			}
		}
	}
}

// comes reports whether all that n lacks is held by live tasks.
func (l *liveness) comes(n *need) bool {
	for _, a := range n.amounts {
		if a.Dim != CPU && l.m.room.free[a.Dim] < a.N && !l.dims[a.Dim] {
			return false
		}
	}
	return true
}

// Holders calls visit with each task that is charged with some of the dimension.
func (m *Machine) Holders(d Dim, visit func(ID)) {
	m.Each(func(id ID, _ State) bool {
		r := m.table.at(id.index())
		if r.active() && r.state != Joining {
			for _, a := range m.needs[r.need].amounts {
				if a.Dim == d {
					visit(id)
				}
			}
		}
		return true
	})
}
