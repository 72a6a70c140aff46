package coordinator

// unstick fails ready tasks that can never start because those who hold what they lack all wait for tasks that can
// never start either, one after the other until the rest can go on. CPU is lent while a task waits, so it is never the
// reason.
//
// Only an event that raised doubt is followed by a search: a task that needs more than CPU became ready or gave its
// room back, a task began to wait, or a value did. Any other event leaves what can run able to.
func (m *Machine) unstick() {
	for m.doubt && m.others > 0 && m.suspectStuck() {
		i, dim := m.youngestStuck()
		if i == 0 {
			break
		}
		m.settle(i, m.table.at(i), Stuck, 0, dim)
	}
	m.doubt = false
}

// suspectStuck is the cheap necessary condition: some need lacks a dimension that only blocked tasks hold.
func (m *Machine) suspectStuck() bool {
	for k := range m.needs {
		n := &m.needs[k]
		if !n.other || n.ready.n == 0 {
			continue
		}
		for _, a := range n.amounts {
			if m.room.lacks(a) && m.room.blocked[a.Dim] == m.room.holders[a.Dim] {
				return true
			}
		}
	}
	return false
}

// youngestStuck finds the task to fail, and what it lacks: of the tasks that can never start the youngest that one of
// the holders waits for, so that tasks that have merely queued up behind those survive. If the holders wait for each
// other instead, it is the youngest. Zero is none.
func (m *Machine) youngestStuck() (youngest uint32, dim Dim) {
	l := m.findLive()
	stuck, wanted := l.stuck()
	if len(stuck) == 0 {
		return 0, 0
	}
	awaited := l.awaited(wanted)
	var best *record
	for _, i := range stuck {
		r := m.table.at(i)
		if best == nil || awaited[i] && !awaited[youngest] || awaited[i] == awaited[youngest] && r.num > best.num {
			youngest, best = i, r
		}
	}
	dim, _ = l.lacks(&m.needs[best.need])
	return youngest, dim
}

// stuck lists the ready tasks that can never start, and the dimensions they lack for good.
func (l *liveness) stuck() (tasks []uint32, wanted []bool) {
	wanted = make([]bool, len(l.dims))
	l.m.Each(func(id ID, s State) bool {
		i := id.index()
		if s != Ready || l.live[i] {
			return true
		}
		tasks = append(tasks, i)
		for _, a := range l.m.needs[l.m.table.at(i).need].amounts {
			if l.m.room.lacks(a) && !l.dims[a.Dim] {
				wanted[a.Dim] = true
			}
		}
		return true
	})
	return tasks, wanted
}

// awaited marks all that the holders of the wanted dimensions wait for, directly or through others.
func (l *liveness) awaited(wanted []bool) []bool {
	marked := make([]bool, len(l.live))
	var work []uint32
	push := func(i uint32) {
		if !marked[i] {
			marked[i] = true
			work = append(work, i)
		}
	}
	l.m.Each(func(id ID, s State) bool {
		r := l.m.table.at(id.index())
		if s == Blocked && l.m.needs[r.need].hasAny(wanted) {
			l.m.eachDep(r, push)
		}
		return true
	})
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		l.m.eachDep(l.m.table.at(i), push)
	}
	return marked
}

// hasAny reports whether n has an amount of one of the dimensions.
func (n *need) hasAny(dims []bool) bool {
	for _, a := range n.amounts {
		if dims[a.Dim] {
			return true
		}
	}
	return false
}

// Holders calls visit with each task that is charged with some of the dimension.
func (m *Machine) Holders(d Dim, visit func(ID)) {
	m.Each(func(id ID, _ State) bool {
		r := m.table.at(id.index())
		if r.holds() {
			for _, a := range m.needs[r.need].amounts {
				if a.Dim == d {
					visit(id)
				}
			}
		}
		return true
	})
}
