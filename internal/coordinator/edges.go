package coordinator

// edge says that the task at to waits for the task at from. It stands in two lists, the outgoing of from and the
// incoming of to; the side that ends first sets its end to zero, the other one frees the edge.
type edge struct {
	from, to        uint32
	nextOut, nextIn uint32
}

// connect makes the task at to wait for the one at from.
func (m *Machine) connect(from, to uint32) {
	e := m.edges.get()
	f, t := m.table.at(from), m.table.at(to)
	*m.edges.at(e) = edge{from: from, to: to, nextOut: f.firstOut, nextIn: t.firstIn}
	f.firstOut, t.firstIn = e, e
}

// dropIn forgets what the task waits for.
func (m *Machine) dropIn(r *record) {
	for e := r.firstIn; e != 0; {
		x := m.edges.at(e)
		next := x.nextIn
		if x.from == 0 {
			m.edges.put(e)
		} else {
			x.to = 0
		}
		e = next
	}
	r.firstIn, r.unmet = 0, 0
}

// takeOut detaches the task's outgoing edges and calls each with the dependents, in the order in which they came.
func (m *Machine) takeOut(r *record, each func(to uint32)) {
	first := m.reverseOut(r.firstOut)
	r.firstOut = 0
	for e := first; e != 0; {
		x := m.edges.at(e)
		next, to := x.nextOut, x.to
		x.from = 0
		if to == 0 {
			m.edges.put(e)
		} else {
			each(to)
		}
		e = next
	}
}

func (m *Machine) reverseOut(e uint32) uint32 {
	var last uint32
	for e != 0 {
		x := m.edges.at(e)
		next := x.nextOut
		x.nextOut, last = last, e
		e = next
	}
	return last
}

// eachDep visits what the task still waits for.
func (m *Machine) eachDep(r *record, visit func(from uint32)) {
	for e := r.firstIn; e != 0; e = m.edges.at(e).nextIn {
		if from := m.edges.at(e).from; from != 0 {
			visit(from)
		}
	}
}

// inherit raises the priority of the task at i, and of all it waits for, to at least p.
func (m *Machine) inherit(i uint32, p int32) {
	work := append(m.work[:0], i)
	for len(work) > 0 {
		i, work = work[len(work)-1], work[:len(work)-1]
		r := m.table.at(i)
		if r.priority >= p {
			continue
		}
		h := m.heapOf(r)
		if h != nil {
			m.dequeue(h, r)
		}
		r.priority = p
		if h != nil {
			m.enqueue(h, i, r)
		}
		m.eachDep(r, func(from uint32) { work = append(work, from) })
	}
	m.work = work[:0]
}

// heapOf is where a queued task stands, or nil.
func (m *Machine) heapOf(r *record) *rankHeap {
	switch r.state {
	case Ready:
		return &m.needs[r.need].ready
	case Resuming:
		return &m.resuming
	default:
		return nil
	}
}
