package coordinator

// Which task is next: the ready tasks of one need stand in queues by rank, and only the first of them can be next. The
// needs that have ready tasks stand in a heap by these. Next looks at them in order until one may start.
//
// What comes first and lacks room would wait for ever if others always took what becomes free, one after the other. So
// it holds: nothing of a lower priority starts that needs what it lacks; and once others have taken of what it lacks so
// many times (patience), nothing that comes after it starts that needs anything of what it needs. Holds don't apply to
// tasks that go before all others: those are what the holder of the lacking room waits for (urgent.go), or parts of what
// has started. Since a hold applies only to what comes later, holds can't wait for each other.

// patience is how many times the first task of a need lets others take what it lacks.
const patience = 32

// ordering is what Next needs.
type ordering struct {
	order    []*need // a heap: those with a ready task, by rank and number of the first
	frontier []int   // places in order: scratch, a heap like it
	passing  []*need // lacked room: scratch
	holds    []hold  // by dimension
	round    uint64  // of Next
	patience uint8
	noCPU    int   // those in order that need none
	leastCPU int64 // no other one in order needs less
}

// hold is what keeps tasks from taking of a dimension in one round of Next.
type hold struct {
	round uint64
	level uint64 // tasks below it may not take any
	all   bool   // nor may those of that level
}

// level is the part of a rank that holds look at: all but the depth.
func level(rank uint64) uint64 { return rank >> 31 }

// isFrontRank reports whether the rank is one of those that go before all others.
func isFrontRank(rank uint64) bool { return rank>>63 != 0 }

func (n *need) before(o *need) bool { return n.rank > o.rank || n.rank == o.rank && n.num < o.num }

// reorder puts a need where its first ready task belongs.
func (m *Machine) reorder(n *need) {
	if n.away {
		m.orderFar(n)
		return
	}
	q := n.ready.top()
	if q == nil {
		m.unorder(n)
		return
	}
	r := m.table.at(q.head)
	n.rank, n.num = r.rank(), r.num
	if n.at == 0 {
		m.order = append(m.order, n)
		n.at = len(m.order)
		if n.cpu == 0 {
			m.noCPU++
		} else if m.leastCPU == 0 || n.cpu < m.leastCPU {
			m.leastCPU = n.cpu
		}
	}
	m.sift(n)
}

// unorder takes a need out that has no ready task.
func (m *Machine) unorder(n *need) {
	if n.at == 0 {
		return
	}
	end := len(m.order) - 1
	last := m.order[end]
	m.order[n.at-1], last.at = last, n.at
	m.order[end] = nil
	m.order = m.order[:end]
	n.at = 0
	if last != n {
		m.sift(last)
	}
	if n.cpu == 0 {
		m.noCPU--
	} else if end == m.noCPU {
		m.leastCPU = 0
	}
}

// sift moves a need up or down to its place.
func (m *Machine) sift(n *need) {
	i := n.at - 1
	for i > 0 && n.before(m.order[(i-1)/2]) {
		m.put(i, m.order[(i-1)/2])
		i = (i - 1) / 2
	}
	for {
		c := 2*i + 1
		if c+1 < len(m.order) && m.order[c+1].before(m.order[c]) {
			c++
		}
		if c >= len(m.order) || !m.order[c].before(n) {
			break
		}
		m.put(i, m.order[c])
		i = c
	}
	m.put(i, n)
}

func (m *Machine) put(i int, n *need) { m.order[i], n.at = n, i+1 }

// Next gives out the best-ranked ready task that fits what is free and isn't held back, charges it and counts an attempt.
func (m *Machine) Next() (ID, bool) {
	if m.noCPU == 0 && (m.resuming.n > 0 || m.room.free[CPU] < m.leastCPU) || len(m.order) == 0 {
		return 0, false
	}
	m.passing = m.passing[:0]
	if n := m.order[0]; !m.lacksRoom(n) { // nothing comes before it that could hold it back
		return m.give(n), true
	} else if len(m.order) == 1 {
		return 0, false
	}
	m.round++
	for n := m.firstOf(); n != nil; n = m.nextOf() {
		if !m.lacksRoom(n) {
			if !m.isHeld(n) {
				return m.give(n), true
			}
			continue
		}
		m.hold(n)
		m.passing = append(m.passing, n)
	}
	return 0, false
}

// give hands out the first task of a need.
func (m *Machine) give(n *need) ID {
	for _, p := range m.passing {
		m.passOver(p, n)
	}
	i := n.ready.top().head
	r := m.table.at(i)
	m.leaveReady(r)
	m.charge(i, r)
	m.hurry()
	return makeID(i, r.gen)
}

// passOver counts it for the first task of a need that lacks room if another takes of what it lacks.
func (m *Machine) passOver(n, by *need) {
	r := m.table.at(n.ready.top().head)
	for _, a := range n.amounts {
		if m.lacksOf(n, a) && by.hasDim(a.Dim) && r.passed < m.patience {
			r.passed++
			return
		}
	}
}

// lacksOf reports whether a need lacks some of one of its amounts. While tasks wait to be resumed, the CPU is theirs.
func (m *Machine) lacksOf(n *need, a Amount) bool {
	return m.room.free[a.Dim] < a.N || n.cpu > 0 && m.resuming.n > 0
}

func (m *Machine) lacksRoom(n *need) bool {
	for _, a := range n.amounts {
		if m.lacksOf(n, a) {
			return true
		}
	}
	return false
}

// hold keeps those that come later from what a need lacks.
func (m *Machine) hold(n *need) {
	impatient := m.table.at(n.ready.top().head).passed >= m.patience
	for _, a := range n.amounts {
		if !impatient && !m.lacksOf(n, a) {
			continue
		}
		h := &m.holds[a.Dim]
		if h.round != m.round {
			*h = hold{round: m.round, level: level(n.rank)}
		}
		h.all = h.all || impatient
	}
}

func (m *Machine) isHeld(n *need) bool {
	if isFrontRank(n.rank) {
		return false
	}
	for _, a := range n.amounts {
		if h := m.holds[a.Dim]; h.round == m.round && (h.all || level(n.rank) < h.level) {
			return true
		}
	}
	return false
}

func (n *need) hasDim(d Dim) bool {
	for _, a := range n.amounts {
		if a.Dim == d {
			return true
		}
	}
	return false
}

// firstOf and nextOf walk over order, the best first, without changing it: frontier is a heap of those whose parents have
// been looked at.
func (m *Machine) firstOf() *need {
	m.frontier = append(m.frontier[:0], 0)
	return m.nextOf()
}

func (m *Machine) nextOf() *need {
	end := len(m.frontier) - 1
	if end < 0 {
		return nil
	}
	i := m.frontier[0]
	last := m.frontier[end]
	m.frontier = m.frontier[:end]
	if end > 0 {
		m.sinkFrontier(last)
	}
	for _, c := range [...]int{2*i + 1, 2*i + 2} {
		if c < len(m.order) {
			m.raiseFrontier(c)
		}
	}
	return m.order[i]
}

func (m *Machine) raiseFrontier(c int) {
	m.frontier = append(m.frontier, c)
	f := m.frontier
	k := len(f) - 1
	for ; k > 0 && m.order[c].before(m.order[f[(k-1)/2]]); k = (k - 1) / 2 {
		f[k] = f[(k-1)/2]
	}
	f[k] = c
}

func (m *Machine) sinkFrontier(c int) {
	f := m.frontier
	k := 0
	for {
		next := 2*k + 1
		if next+1 < len(f) && m.order[f[next+1]].before(m.order[f[next]]) {
			next++
		}
		if next >= len(f) || !m.order[f[next]].before(m.order[c]) {
			break
		}
		f[k] = f[next]
		k = next
	}
	f[k] = c
}
