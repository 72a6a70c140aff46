package coordinator

// edge says that the task at to waits for the task at from. It stands in two lists, the outgoing of from and the
// incoming of to, until from ends or to goes on or ends.
type edge struct {
	from, to         uint32
	nextIn, prevIn   uint32
	nextOut, prevOut uint32
}

// connect makes the task at to wait for the one at from.
func (m *Machine) connect(from, to uint32) {
	e := m.edges.get()
	f, t := m.table.at(from), m.table.at(to)
	*m.edges.at(e) = edge{from: from, to: to, nextIn: t.firstIn, nextOut: f.firstOut}
	if t.firstIn != 0 {
		m.edges.at(t.firstIn).prevIn = e
	}
	if f.firstOut != 0 {
		m.edges.at(f.firstOut).prevOut = e
	}
	t.firstIn, f.firstOut = e, e
}

// dropIn forgets what the task waits for.
func (m *Machine) dropIn(r *record) {
	for e := r.firstIn; e != 0; {
		x := m.edges.at(e)
		m.dropOut(x)
		m.edges.put(e)
		e = x.nextIn
	}
	r.firstIn = 0
	r.flags &^= isWaiting
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

// unlinkIn takes an edge out of the incoming list of its to.
func (m *Machine) unlinkIn(x *edge) {
	if x.prevIn != 0 {
		m.edges.at(x.prevIn).nextIn = x.nextIn
	} else {
		m.table.at(x.to).firstIn = x.nextIn
	}
	if x.nextIn != 0 {
		m.edges.at(x.nextIn).prevIn = x.prevIn
	}
}

// takeOut frees the task's outgoing edges and calls each with the dependents, in the order in which they came.
func (m *Machine) takeOut(r *record, each func(to uint32)) {
	var first uint32
	for e := r.firstOut; e != 0; {
		x := m.edges.at(e)
		m.unlinkIn(x)
		e, x.nextOut, first = x.nextOut, first, e
	}
	r.firstOut = 0
	for e := first; e != 0; {
		x := m.edges.at(e)
		m.edges.put(e)
		e = x.nextOut
		each(x.to)
	}
}

// eachDep visits what the task still waits for.
func (m *Machine) eachDep(r *record, visit func(from uint32)) {
	for e := r.firstIn; e != 0; e = m.edges.at(e).nextIn {
		visit(m.edges.at(e).from)
	}
}

// inherit raises the priority of the task at i, and of all it waits for, to at least p, and makes them urgent if asked to.
func (m *Machine) inherit(i uint32, p int32, urgent bool) {
	work := append(m.work[:0], i)
	for len(work) > 0 {
		i, work = work[len(work)-1], work[:len(work)-1]
		r := m.table.at(i)
		if r.priority >= p && (!urgent || r.has(isUrgent)) {
			continue
		}
		m.rerank(i, r, func() {
			r.priority = max(r.priority, p)
			if urgent {
				r.flags |= isUrgent
			}
		})
		m.eachDep(r, func(from uint32) { work = append(work, from) })
	}
	m.work = work[:0]
}

// rerank changes what the rank of a task is made of, which may stand in a queue.
func (m *Machine) rerank(i uint32, r *record, change func()) {
	switch r.state {
	case Ready:
		n := m.needs[r.need]
		m.dequeue(&n.ready, r)
		change()
		m.enqueue(&n.ready, i, r)
		m.reorder(n)
	case Resuming:
		m.dequeue(&m.resuming, r)
		change()
		m.enqueue(&m.resuming, i, r)
	default:
		change()
	}
}
