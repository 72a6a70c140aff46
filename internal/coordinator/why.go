package coordinator

// Cause is what a task waits for.
type Cause uint8

// The causes, as far as the machine knows them.
const (
	Over       Cause = iota // for nothing: it has ended
	Runs                    // for nothing: an attempt is under way
	ForTasks                // for what it depends on, or for what its function has asked for
	ForOutside              // its function waits for something that the machine doesn't know
	ForCPU                  // its function's wait is over: for a CPU to go on with
	ForValue                // for its value to be put together, or to be brought
	ForDue                  // for the end of a back-off
	ForTurn                 // for those that want the same and go before it
	ForRoom                 // for room: it is the first of those that want the same
	ForHold                 // there is room, which is kept for one that goes before it
	ForStart                // for nothing: it is given out next
)

// Wait is why a task hasn't ended.
type Wait struct {
	Cause Cause
	// On is, of the tasks that it waits for, the one that was submitted first; with ForTurn the one that goes next, with
	// ForHold the one for which room is kept, with ForRoom one that holds some of Dim. It may be none.
	On  ID
	N   int  // with ForTasks and ForTurn how many there are, up to MaxCounted
	Dim Dim  // with ForRoom, unless it is Away, what it lacks
	Any bool // with ForTasks: one of them is enough
}

// MaxCounted bounds how far Why counts.
const MaxCounted = 10_000

// Why says what a task waits for. It changes nothing, and looks at no more than MaxCounted other tasks, and at the tasks
// that hold a resource.
func (m *Machine) Why(id ID) Wait {
	r := m.lookup(id)
	if r == nil {
		return Wait{}
	}
	switch r.state {
	case Waiting:
		return m.forTasks(r)
	case Blocked:
		if w := m.forTasks(r); w.N > 0 && r.flags&(isWoken|isOutside|isCanceled) == 0 {
			w.Any = true
			return w
		}
		if r.has(isWoken) {
			return Wait{Cause: ForCPU}
		}
		return Wait{Cause: ForOutside}
	case Ready:
		return m.forRoom(id.index(), r)
	}
	return Wait{Cause: [...]Cause{Running: Runs, Resuming: ForCPU, Backoff: ForDue, Joining: ForValue, Set: Over}[r.state]}
}

// AwaitsOnly reports whether a blocked task waits for nothing but tasks of which is holds, and whose wait nothing else
// ends. It looks at 64 of them at most: with more the answer is no.
func (m *Machine) AwaitsOnly(id ID, is func(ID) bool) bool {
	r := m.lookup(id)
	if r == nil || r.state != Blocked || r.flags&isWaiting != 0 {
		return false
	}
	left, only := 64, true
	var look func(from uint32)
	look = func(from uint32) {
		if left--; left < 0 {
			only = false
			return
		}
		if f := m.table.at(from); f.state != Set {
			only = only && is(m.idOf(from))
			return
		}
		for e := m.table.at(from).firstIn; e != 0 && only; e = m.edges.at(e).nextIn {
			look(m.edges.at(e).from)
		}
	}
	m.eachDep(r, look)
	return only && left < 64
}

// forTasks looks at what a task waits for, also through sets.
func (m *Machine) forTasks(r *record) Wait {
	w := Wait{Cause: ForTasks}
	var first uint64
	m.eachDep(r, func(from uint32) {
		f := m.table.at(from)
		if f.state != Set {
			w.count(m, from, f, &first)
			return
		}
		for e := f.firstIn; e != 0 && w.N < MaxCounted; e = m.edges.at(e).nextIn {
			in := m.edges.at(e).from
			w.count(m, in, m.table.at(in), &first)
		}
	})
	return w
}

func (w *Wait) count(m *Machine, i uint32, r *record, first *uint64) {
	if w.N >= MaxCounted {
		return
	}
	w.N++
	if *first == 0 || r.num < *first {
		*first, w.On = r.num, m.idOf(i)
	}
}

// forRoom looks at who goes before a ready task.
func (m *Machine) forRoom(i uint32, r *record) Wait {
	n := m.needs[r.need]
	if w := m.forTurn(n, i, r); w.N > 0 {
		return w
	}
	if n.away {
		return Wait{Cause: ForRoom}
	}
	for _, a := range n.amounts {
		if !m.lacksOf(n, a) {
			continue
		}
		w := Wait{Cause: ForRoom, Dim: a.Dim}
		if a.Dim != CPU {
			m.Holders(a.Dim, func(id ID) {
				if w.On == 0 {
					w.On = id
				}
			})
		}
		return w
	}
	for _, o := range m.order {
		if o != n && o.before(n) && m.lacksRoom(o) && o.shares(n) {
			return Wait{Cause: ForHold, On: m.idOf(o.ready.top().head)}
		}
	}
	return Wait{Cause: ForStart}
}

// shares reports whether two needs have a dimension in common.
func (n *need) shares(o *need) bool {
	for _, a := range n.amounts {
		if o.hasDim(a.Dim) {
			return true
		}
	}
	return false
}

// forTurn counts the ready tasks of the same need that go before one.
func (m *Machine) forTurn(n *need, i uint32, r *record) Wait {
	w := Wait{Cause: ForTurn}
	rank := r.rank()
	for _, q := range n.ready.queues {
		if q.rank < rank {
			continue
		}
		for k := q.head; k != 0 && k != i && w.N < MaxCounted; k = m.table.at(k).queueNext {
			w.N++
		}
	}
	if top := n.ready.top(); w.N > 0 && top != nil {
		w.On = m.idOf(top.head)
	}
	return w
}

// EachFrom is Each for a part of the table: so many places from a place on, the first of which is 1. It gives the place
// to go on from, or 0 at the end, so that nobody need wait for a look at all.
func (m *Machine) EachFrom(place, places int, visit func(ID, State)) (next int) {
	i, end := uint32(max(1, place)), m.table.next
	if to := uint64(i) + uint64(places); to < uint64(end) {
		end, next = uint32(to), int(to)
	}
	for ; i < end; i++ {
		if r := m.table.at(i); r.state != Free && r.state != Set {
			visit(makeID(i, r.gen), r.state)
		}
	}
	return next
}
