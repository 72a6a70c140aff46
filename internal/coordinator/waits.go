package coordinator

// Block lends a running task's CPU while its function waits for any of the given tasks and sets, which inherit its
// priority. Zeros are ignored; if nothing is named, it waits for something outside. A second Block before Unblock adds
// to what it waits for; one while it is to be resumed keeps the CPU lent. It does nothing unless an attempt is under way.
func (m *Machine) Block(id ID, on ...ID) {
	r := m.lookup(id)
	if r == nil || !r.holds() {
		return
	}
	switch r.state {
	case Running:
		if n := m.needs[r.need]; !n.away {
			m.room.lend(n, 1)
		}
	case Resuming:
		m.dequeue(&m.resuming, r)
	}
	r.state = Blocked
	m.tight = m.tight || m.needs[r.need].other
	r.flags &^= isWoken // it has gone on from what has ended before
	named := false
	for _, o := range on {
		if o != 0 {
			m.awaits(id.index(), r, o)
			named = true
		}
	}
	if !named {
		r.flags |= isOutside
	}
	m.conclude()
}

func (m *Machine) awaits(i uint32, r *record, on ID) {
	switch o := m.lookup(on); {
	case o != nil:
		m.connect(on.index(), i)
		m.inherit(on.index(), r.priority, r.has(isUrgent))
		m.doubt = m.doubt || !m.goesOn(o)
	case on == Outside:
		r.flags |= isOutside
	default:
		r.flags |= isWoken
	}
}

// Unblock asks for a blocked task's CPU back. It answers true when the function may run on at once; otherwise Resume
// follows, before any new task that needs CPU is given out.
func (m *Machine) Unblock(id ID) bool {
	r := m.lookup(id)
	if r == nil || r.state != Blocked {
		return r == nil || r.state != Resuming
	}
	m.dropIn(r)
	n := m.needs[r.need]
	if n.away {
		r.state = Running
		return true
	}
	if n.cpu == 0 || m.resuming.n == 0 && m.room.free[CPU] >= n.cpu {
		m.room.lend(n, -1)
		r.state = Running
		return true
	}
	r.state = Resuming
	m.enqueue(&m.resuming, id.index(), r)
	m.conclude()
	return false
}

// resume gives free CPU to those that ran before.
func (m *Machine) resume() {
	for q := m.resuming.top(); q != nil; q = m.resuming.top() {
		i := q.head
		r := m.table.at(i)
		n := m.needs[r.need]
		if m.room.free[CPU] < n.cpu {
			return
		}
		m.dequeue(&m.resuming, r)
		m.room.lend(n, -1)
		r.state = Running
		m.act(Action{Verb: Resume, ID: makeID(i, r.gen)})
	}
}
