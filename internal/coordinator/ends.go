package coordinator

// failure is a task that ends because of a dependency.
type failure struct {
	i       uint32
	because ID
}

// end takes a task out of the table and tells its dependents, and theirs.
func (m *Machine) end(i uint32, r *record, ok bool) {
	m.remove(i, r, ok)
	for len(m.failing) > 0 {
		f := m.failing[len(m.failing)-1]
		m.failing = m.failing[:len(m.failing)-1]
		d := m.table.at(f.i)
		if d.state != Waiting {
			continue
		}
		m.act(Action{Verb: Settle, Outcome: DepFailed, ID: m.idOf(f.i), Because: f.because})
		m.remove(f.i, d, false)
	}
}

// remove frees the place of a task and counts it as met, or as failed, for its dependents.
func (m *Machine) remove(i uint32, r *record, ok bool) {
	id := makeID(i, r.gen)
	m.dropIn(r)
	m.leave(r)
	m.takeOut(r, func(to uint32) {
		d := m.table.at(to)
		switch {
		case d.state == Set:
			m.memberEnded(to, d)
		case d.state != Waiting:
			d.flags |= isWoken // the engine unblocks it
		case !ok && !d.has(isValue):
			m.failing = append(m.failing, failure{to, id})
		default:
			if d.unmet--; d.unmet == 0 {
				m.met(to, d)
			}
		}
	})
	r.state = Free
	m.leaves(r.need)
	m.live--
	m.table.put(i)
}

// settle ends a task that isn't active.
func (m *Machine) settle(i uint32, r *record, out Outcome, why uint8, dim Dim) {
	if r.state == Ready {
		m.leaveReady(r)
	}
	m.act(Action{Verb: Settle, Outcome: out, Why: why, ID: makeID(i, r.gen), Dim: dim, Started: r.attempt > 0})
	m.end(i, r, false)
}

// Cancel ends a task that hasn't started, and interrupts one that runs: its end will be Canceled, with why.
func (m *Machine) Cancel(id ID, why uint8) {
	r := m.lookup(id)
	switch {
	case r == nil || r.has(isCanceled):
	case r.active():
		r.flags |= isCanceled
		r.why = why
		m.act(Action{Verb: Interrupt, Why: why, ID: id})
	default:
		m.settle(id.index(), r, Canceled, why, 0)
		m.conclude()
	}
}

// Expire says that the attempt's time is over: it is interrupted and will count as failed.
func (m *Machine) Expire(id ID, attempt int) {
	r := m.lookup(id)
	if r == nil || int(r.attempt) != attempt || !r.holds() || r.flags&(isExpired|isCanceled) != 0 {
		return
	}
	r.flags |= isExpired
	m.act(Action{Verb: Interrupt, ID: id})
}
