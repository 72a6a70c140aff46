package coordinator

// liveness is the least fixpoint of "can run": what goes on whatever the others do, what waits for one of those, and
// ready tasks if for each dimension that they lack a holder can run.
type liveness struct {
	m     *Machine
	live  []bool   // by place
	unmet []uint32 // of a waiting task: dependencies not known to be live
	dims  []bool   // some holder is live
	queue []uint32 // live, and not yet spread from
}

func (m *Machine) findLive() *liveness {
	n := m.table.next
	l := &liveness{m: m, live: make([]bool, n), unmet: make([]uint32, n), dims: make([]bool, len(m.room.total))}
	m.Each(func(id ID, _ State) bool {
		i := id.index()
		r := m.table.at(i)
		if m.goesOn(r) {
			l.mark(i)
		}
		l.unmet[i] = r.unmet
		return true
	})
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
		for _, a := range m.needs[r.need].amounts {
			if m.room.lacks(a) {
				return false
			}
		}
		return true
	case Blocked:
		return r.flags&(isCanceled|isExpired|isWoken|isOutside) != 0
	default:
		return false
	}
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
			l.reach(l.m.edges.at(e).to)
		}
		if r.holds() {
			l.reachHeld(&l.m.needs[r.need])
		}
	}
}

// reach says that one thing that the task at to waits for is live.
func (l *liveness) reach(to uint32) {
	switch l.m.table.at(to).state {
	case Blocked, Set:
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
		n := &l.m.needs[k]
		if _, lacks := l.lacks(n); lacks {
			continue
		}
		for _, q := range n.ready.queues {
			for i := q.head; i != 0; i = l.m.table.at(i).queueNext {
				l.mark(i)
			}
		}
	}
}

// lacks is the first dimension that n lacks and that no live task holds.
func (l *liveness) lacks(n *need) (Dim, bool) {
	for _, a := range n.amounts {
		if l.m.room.lacks(a) && !l.dims[a.Dim] {
			return a.Dim, true
		}
	}
	return 0, false
}
