package coordinator

// edge says that the task at to waits for the task at from. It stands in two lists, the outgoing of from and the
// incoming of to. When from ends it leaves the first, and its from is zero; when to goes on or ends it is freed.
type edge struct {
	from, to         uint32
	nextIn           uint32
	nextOut, prevOut uint32
}

// connect makes the task at to wait for the one at from, or notes that something it waits for has ended if from is zero.
func (m *Machine) connect(from, to uint32) {
	e := m.edges.get()
	x, t := m.edges.at(e), m.table.at(to)
	*x = edge{from: from, to: to, nextIn: t.firstIn}
	t.firstIn = e
	if from == 0 {
		return
	}
	f := m.table.at(from)
	x.nextOut = f.firstOut
	if x.nextOut != 0 {
		m.edges.at(x.nextOut).prevOut = e
	}
	f.firstOut = e
}

// dropIn forgets what the task waits for.
func (m *Machine) dropIn(r *record) {
	for e := r.firstIn; e != 0; {
		x := m.edges.at(e)
		if x.from != 0 {
			m.dropOut(x)
		}
		m.edges.put(e)
		e = x.nextIn
	}
	r.firstIn, r.unmet = 0, 0
}

// dropOut takes an edge out of the outgoing list of its from.
func (m *Machine) dropOut(x *edge) {
	if x.prevOut != 0 {
		m.edges.at(x.prevOut).nextOut = x.nextOut
	} else {
		m.table.at(x.from).firstOut = x.nextOut
	}
	if x.nextOut != 0 {
		m.edges.at(x.nextOut).prevOut = x.prevOut
	}
}

// takeOut detaches the task's outgoing edges and calls each with the dependents, in the order in which they came. What
// each does must not end or free a dependent that it hasn't been called with.
func (m *Machine) takeOut(r *record, each func(to uint32)) {
	var first uint32
	for e := r.firstOut; e != 0; {
		x := m.edges.at(e)
		next := x.nextOut
		x.from, x.nextOut, first = 0, first, e
		e = next
	}
	r.firstOut = 0
	for e := first; e != 0; {
		x := m.edges.at(e)
		e = x.nextOut // before each frees x
		each(x.to)
	}
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
