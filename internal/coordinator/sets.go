package coordinator

import "math"

// Include adds a task to a set, any of whose tasks ends the wait of a function that is blocked on the set. It makes the
// set if there is none of that ID, and says which one it is; a set ends with the last of its tasks. So a function that
// waits for the next one of many names each of them once, and not again with each wait. A task that has ended isn't
// added.
func (m *Machine) Include(set, on ID) ID {
	o := m.lookup(on)
	if o == nil {
		return set
	}
	r := m.lookup(set)
	if r == nil {
		i := m.table.get()
		r = m.table.at(i)
		*r = record{gen: r.gen + 1, priority: math.MinInt32, state: Set}
		set = makeID(i, r.gen)
	}
	m.connect(on.index(), set.index())
	r.unmet++
	m.inherit(on.index(), r.priority, r.has(isUrgent))
	m.doubt = m.doubt || r.firstOut != 0 && !m.goesOn(o)
	m.conclude()
	return set
}

// memberEnded counts a task of a set less, and wakes who is blocked on the set.
func (m *Machine) memberEnded(i uint32, set *record) {
	for e := set.firstOut; e != 0; e = m.edges.at(e).nextOut {
		m.table.at(m.edges.at(e).to).flags |= isWoken
	}
	if set.unmet--; set.unmet == 0 {
		m.takeOut(set, func(uint32) {})
		set.state = Free
		m.table.put(i)
	}
}
