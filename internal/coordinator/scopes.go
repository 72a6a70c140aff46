package coordinator

import (
	"cmp"
	"slices"
)

// scope lists the tasks that are cancelled together.
type scope struct {
	first  uint32
	closed bool // its place is free once the last task has left it
}

// OpenScope makes an empty scope.
func (m *Machine) OpenScope() ScopeID {
	s := m.scopes.get()
	*m.scopes.at(s) = scope{}
	return ScopeID(s)
}

// CloseScope forgets a scope: its number must not be used again, and is given out anew once the tasks that are still in
// it have ended.
func (m *Machine) CloseScope(id ScopeID) {
	if m.Idle(id) {
		m.scopes.put(uint32(id))
		return
	}
	m.scopes.at(uint32(id)).closed = true
}

// Idle reports whether no task is in the scope.
func (m *Machine) Idle(id ScopeID) bool { return m.scopes.at(uint32(id)).first == 0 }

// CancelScope cancels each task of the scope, the newest first, so that a task ends before what it was made to wait for.
func (m *Machine) CancelScope(id ScopeID, why uint8) {
	var all []ID
	for i := m.scopes.at(uint32(id)).first; i != 0; i = m.table.at(i).scopeNext {
		all = append(all, m.idOf(i))
	}
	slices.SortFunc(all, func(a, b ID) int { return cmp.Compare(m.Number(b), m.Number(a)) }) // Adopt mixes them
	for _, t := range all {
		m.Cancel(t, why)
	}
}

// Adopt moves the given tasks, and all they wait for, from one scope to another, and says which. Those in other scopes
// stay there.
func (m *Machine) Adopt(ids []ID, from, to ScopeID) (moved []ID) {
	work := m.work[:0]
	for _, id := range ids {
		if m.lookup(id) != nil {
			work = append(work, id.index())
		}
	}
	seen := make(map[uint32]bool, len(work))
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		r := m.table.at(i)
		if r.scope == from && r.state != Set {
			m.leave(r)
			m.enter(i, r, to)
			moved = append(moved, makeID(i, r.gen))
		}
		m.eachDep(r, func(dep uint32) { work = append(work, dep) })
	}
	m.work = work
	return moved
}

func (m *Machine) enter(i uint32, r *record, s ScopeID) {
	r.scope = s
	if s == 0 {
		return
	}
	sc := m.scopes.at(uint32(s))
	r.scopePrev, r.scopeNext = 0, sc.first
	if sc.first != 0 {
		m.table.at(sc.first).scopePrev = i
	}
	sc.first = i
}

func (m *Machine) leave(r *record) {
	if r.scope == 0 {
		return
	}
	sc := m.scopes.at(uint32(r.scope))
	if r.scopePrev != 0 {
		m.table.at(r.scopePrev).scopeNext = r.scopeNext
	} else {
		sc.first = r.scopeNext
	}
	if r.scopeNext != 0 {
		m.table.at(r.scopeNext).scopePrev = r.scopePrev
	}
	if sc.closed && sc.first == 0 {
		m.scopes.put(uint32(r.scope))
	}
	r.scope, r.scopePrev, r.scopeNext = 0, 0, 0
}
