package coordinator

// unstick fails ready tasks that can never start because those who hold what they lack all wait for tasks that can
// never start either, one after the other until the rest can go on. CPU is lent while a task waits, so it is never the
// reason.
//
// Only an event that raised doubt is followed by a search: a task that needs more than CPU became ready or gave its
// room back, a task began to wait, or a value did. Any other event leaves what can run able to.
func (m *Machine) unstick() {
	for m.doubt && m.others > 0 && m.suspectStuck() && m.failStuck(m.findLive(nil)) {
	}
	m.doubt = false
}

// suspectStuck is the cheap necessary condition: some need lacks a dimension that only blocked tasks hold.
func (m *Machine) suspectStuck() bool {
	for _, n := range m.order {
		if !n.other {
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

// failStuck fails tasks of which a search says that they can never start, until that may let others go on. It reports
// whether there were any.
func (m *Machine) failStuck(l *liveness) bool {
	victims := l.stuck()
	var need NeedID
	for k, i := range victims {
		r := m.table.at(i)
		if k > 0 && r.need != need {
			break // it may have lacked only what was held for the one before
		}
		need = r.need
		dim, _ := l.lacks(m.needs[r.need])
		told := m.wakesSome(r)
		before := len(m.actions)
		if m.settle(i, r, Stuck, 0, dim); told || len(m.actions) > before+1 {
			break
		}
	}
	return len(victims) > 0
}

// wakesSome reports whether a function waits for the task, by itself or as one of a set.
func (m *Machine) wakesSome(r *record) bool {
	for e := r.firstOut; e != 0; e = m.edges.at(e).nextOut {
		if m.table.at(m.edges.at(e).to).state != Waiting {
			return true
		}
	}
	return false
}

// Holders calls visit with each task that is charged with some of the dimension.
func (m *Machine) Holders(d Dim, visit func(ID)) {
	if d == CPU {
		m.Each(func(id ID, _ State) bool {
			if r := m.table.at(id.index()); r.holds() && m.needs[r.need].hasDim(CPU) {
				visit(id)
			}
			return true
		})
		return
	}
	for _, i := range m.holding {
		if m.needs[m.table.at(i).need].hasDim(d) {
			visit(m.idOf(i))
		}
	}
}
