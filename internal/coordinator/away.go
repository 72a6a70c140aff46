package coordinator

import (
	"encoding/binary"
	"slices"
)

// Away needs are those of tasks that run elsewhere: Next passes over them, Take gives them for the room that somebody
// offers, and it's that room that is charged, not the machine's own. All else is the same for both.

// Pack is how many tasks of a need share the CPU of one: tasks that take microseconds can't pay a round trip each.
const maxPack = 2048

// AwayNeed interns the need of tasks that run elsewhere. Those of different classes are kept apart, so that each has a
// pack of its own. What nobody has room for is no error: room may come.
func (m *Machine) AwayNeed(amounts []Amount, class uint32) NeedID {
	n := need{away: true, pack: 1, amounts: m.amounts[:0]}
	for _, a := range amounts {
		if a.N > 0 {
			n.amounts = append(n.amounts, a)
		}
		if a.Dim == CPU {
			n.cpu = a.N
		}
		n.holds = n.holds || a.N > 0 && a.Dim != CPU && a.Dim != IO
	}
	m.amounts = n.amounts
	slices.SortFunc(n.amounts, func(a, b Amount) int { return int(a.Dim) - int(b.Dim) })
	n.class = class
	if id, ok := m.byKey[string(m.keyOfNeed(&n))]; ok {
		return id
	}
	return m.addNeed(n)
}

// keyOfNeed is what a need is found by; it is valid until the next call.
func (m *Machine) keyOfNeed(n *need) []byte {
	key := m.keyOf(n.amounts)
	if n.away {
		key = binary.LittleEndian.AppendUint32(append(key, 1), n.class)
		m.key = key
	}
	return key
}

// SetPack says how many tasks of the need are given out for the CPU of one, from 1 to 2048.
func (m *Machine) SetPack(id NeedID, pack int) {
	if n := m.needs[id]; n.away {
		n.pack = int64(max(1, min(pack, maxPack)))
	}
}

// PackOf is how many tasks like that one are given out for a CPU, or 0 if it needs none.
func (m *Machine) PackOf(id ID) int {
	r := m.lookup(id)
	if r == nil || m.needs[r.need].cpu == 0 {
		return 0
	}
	return int(m.needs[r.need].pack)
}

// ReadyFar is how many tasks like that one, which was taken, still wait to be given out.
func (m *Machine) ReadyFar(id ID) int {
	r := m.lookup(id)
	if r == nil {
		return 0
	}
	return m.needs[r.need].ready.n
}

// NeedOf is the need of a task, and whether it is away.
func (m *Machine) NeedOf(id ID) (NeedID, bool) {
	r := m.lookup(id)
	if r == nil {
		return 0, false
	}
	return r.need, m.needs[r.need].away
}

// AmountsOf is what a need of tasks that run elsewhere asks for, and its class.
func (m *Machine) AmountsOf(id NeedID) ([]Amount, uint32) {
	return m.needs[id].amounts, m.needs[id].class
}

// AddDim adds a dimension of which the session itself has nothing.
func (m *Machine) AddDim() Dim {
	m.room.add()
	m.holds = append(m.holds, hold{})
	return Dim(len(m.holds) - 1)
}

// Take gives out the best-ranked ready task that is to run elsewhere, is of a class that suits, and fits what is offered,
// by dimension, from which its need is taken. It counts an attempt. Of tasks that need CPU, only those are looked at of
// which pack share one; 0 is for any. Who charges a batch doesn't know what was given out for what, so it charges each
// task the same share of its need.
func (m *Machine) Take(pack int, offered []int64, suits func(class uint32) bool) (ID, bool) {
	var best *need
	for _, n := range m.far {
		if n.cpu > 0 && pack != 0 && n.pack != int64(pack) || m.passes(n) {
			continue
		}
		if (best == nil || n.before(best)) && n.fits(offered) && suits(n.class) && !m.keptFrom(n) {
			best = n
		}
	}
	if best == nil {
		return 0, false
	}
	for _, a := range best.amounts {
		offered[a.Dim] -= best.cost(a)
	}
	i := best.ready.top().head
	r := m.table.at(i)
	m.leaveReady(r)
	m.charge(i, r)
	return makeID(i, r.gen), true
}

// Pick gives out a ready task that is to run elsewhere, whatever its place in the order and without any room: an attempt
// that was given back has succeeded after all. It counts an attempt. A pause after a failed one ends. It answers whether
// the task was ready, or paused.
func (m *Machine) Pick(id ID) bool {
	r := m.lookup(id)
	if r == nil || !m.needs[r.need].away || r.state != Ready && r.state != Backoff {
		return false
	}
	if r.state == Ready {
		m.leaveReady(r)
	}
	m.charge(id.index(), r)
	return true
}

// PassFar has Take pass over tasks that need nothing but CPU and of whose need pass says so, until it is called again; nil for
// none. Pass is told how many of them share a CPU.
func (m *Machine) PassFar(pass func(id NeedID, pack int) bool) { m.passFar = pass }

// passes asks it. Of what else tasks need, a node may have little for all its CPUs.
func (m *Machine) passes(n *need) bool {
	return m.passFar != nil && n.cpu > 0 && len(n.amounts) == 1 && m.passFar(n.id, int(n.pack))
}

// HoldFar has Take hold what is offered for the first task of a need, until it is called again: nothing is given out
// that comes after that one and needs anything of what it needs, unless a task has started it, which may wait for it.
// 0 is for none.
func (m *Machine) HoldFar(id NeedID) {
	if m.heldFar = m.heldFar[:0]; id != 0 {
		m.heldFar = append(m.heldFar, heldFar{need: id, all: true})
	}
}

// HoldFarOf has Take hold one dimension too for the first task of a need, until HoldFar is called.
func (m *Machine) HoldFarOf(d Dim, id NeedID) {
	m.heldFar = append(m.heldFar, heldFar{need: id, dim: d})
}

// heldFar is for which need an offer is held: of all that it needs, or of one dimension.
type heldFar struct {
	need NeedID
	all  bool
	dim  Dim
}

// keptFrom reports whether the room is held for another need.
func (m *Machine) keptFrom(n *need) bool {
	for _, held := range m.heldFar {
		h := m.needs[held.need]
		if held.need != n.id && h.at > 0 && h.before(n) && (held.all && h.shares(n) || !held.all && n.hasDim(held.dim)) &&
			m.table.at(n.ready.top().head).depth == 0 {
			return true
		}
	}
	return false
}

// FitsFar reports whether a task of a need that is away fits what is offered.
func (m *Machine) FitsFar(id NeedID, offered []int64) bool { return m.needs[id].fits(offered) }

// FirstOf is the first ready task of a need; 0 if there is none.
func (m *Machine) FirstOf(id NeedID) ID {
	if q := m.needs[id].ready.top(); q != nil {
		return m.idOf(q.head)
	}
	return 0
}

// Spend takes from an offer what a task that was given out already would need of it, if that fits and its class suits.
func (m *Machine) Spend(id ID, offered []int64, suits func(class uint32) bool) bool {
	r := m.lookup(id)
	if r == nil || !m.needs[r.need].away {
		return false
	}
	n := m.needs[r.need]
	if !n.fits(offered) || !suits(n.class) {
		return false
	}
	for _, a := range n.amounts {
		offered[a.Dim] -= n.cost(a)
	}
	return true
}

// CPUOf is how much CPU a task needs, in 1/Unit.
func (m *Machine) CPUOf(id ID) int64 {
	if r := m.lookup(id); r != nil {
		return m.needs[r.need].cpu
	}
	return 0
}

// ReadyAway reports whether any task that is to run elsewhere is ready.
func (m *Machine) ReadyAway() bool { return len(m.far) > 0 }

// AwayNews reports whether a task that is to run elsewhere has become ready since it was asked last.
func (m *Machine) AwayNews() bool {
	news := m.news
	m.news = false
	return news
}

// WatchAway has the machine remember from now on which tasks that are to run elsewhere become ready, or forget them.
func (m *Machine) WatchAway(on bool) {
	m.watches = on
	if !on {
		m.readied = nil
	}
}

// ReadiedAway appends tasks that have become ready, at most so many, the first first, and forgets them. They may have
// been given out or have ended since.
func (m *Machine) ReadiedAway(dst []ID, most int) []ID {
	n := min(most, len(m.readied))
	dst = append(dst, m.readied[:n]...)
	if m.readied = m.readied[n:]; len(m.readied) == 0 {
		m.readied = nil
	}
	return dst
}

// cost is what a task of the need takes of a dimension.
func (n *need) cost(a Amount) int64 {
	if a.Dim == CPU {
		return max(1, a.N/n.pack)
	}
	return a.N
}

func (n *need) fits(offered []int64) bool {
	for _, a := range n.amounts {
		if int(a.Dim) >= len(offered) || n.cost(a) > offered[a.Dim] {
			return false
		}
	}
	return true
}

// orderFar puts an away need where its first ready task belongs, or takes it out without one. There are about as many
// as functions, so they stand in a list.
func (m *Machine) orderFar(n *need) {
	q := n.ready.top()
	switch {
	case q == nil && n.at > 0:
		last := m.far[len(m.far)-1]
		m.far[n.at-1], last.at = last, n.at
		m.far = m.far[:len(m.far)-1]
		n.at = 0
	case q != nil:
		r := m.table.at(q.head)
		n.rank, n.num = r.rank(), r.num
		if n.at == 0 {
			m.far = append(m.far, n)
			n.at = len(m.far)
		}
	}
}

// EachAway calls visit with each need of tasks that run elsewhere and are ready, its amounts and its class, and one of
// them. Nothing may be changed meanwhile.
func (m *Machine) EachAway(visit func(id NeedID, amounts []Amount, class uint32, first ID)) {
	for _, n := range m.far {
		visit(n.id, n.amounts, n.class, m.idOf(n.ready.top().head))
	}
}

// Refuse ends the ready tasks of a need that nobody can meet: Settle(Unfit).
func (m *Machine) Refuse(id NeedID) {
	n := m.needs[id]
	for q := n.ready.top(); q != nil && n.id == id; q = n.ready.top() {
		m.settle(q.head, m.table.at(q.head), Unfit, 0, 0)
	}
	m.conclude()
}

// GiveBack ends an attempt that won't have an outcome, through no fault of the task: the task is Ready again, and the
// attempt doesn't count against its retries. With first it goes before others of its priority: it had its turn, and couldn't
// begin. It answers Retry, Canceled with the reason if a cancel was asked for, or Ignored.
func (m *Machine) GiveBack(id ID, attempt int, first bool) (Outcome, uint8) {
	r := m.lookup(id)
	if r == nil || int(r.attempt) != attempt || !r.holds() {
		return Ignored, 0
	}
	m.release(r)
	if r.has(isCanceled) {
		why := r.why
		m.end(id.index(), r, false)
		m.conclude()
		return Canceled, why
	}
	r.flags &^= isExpired
	if first {
		r.flags |= isReturned
	}
	if r.attempts < 1<<16-1 {
		r.attempts++
	}
	m.makeReady(id.index(), r)
	m.conclude()
	return Retry, 0
}
