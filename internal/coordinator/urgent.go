package coordinator

import (
	"cmp"
	"slices"
)

// hurry makes those urgent who are blocked and hold what a ready task lacks, with all they wait for: they go before all
// others, so that the room comes back as soon as it can, and no hold keeps them waiting for those who wait for it. CPU
// is lent while a task is blocked, so it is never the reason.
//
// Only an event that has left the room tight is followed by a search: a task that needs more than CPU became ready,
// started, or began to wait.
func (m *Machine) hurry() {
	tight := m.tight
	m.tight = false
	if !tight || m.others == 0 {
		return
	}
	var late []uint32
	for _, i := range m.holding {
		if r := m.table.at(i); r.state == Blocked && !r.has(isUrgent) && m.wanted(m.needs[r.need]) {
			late = append(late, i)
		}
	}
	slices.SortFunc(late, func(a, b uint32) int { return cmp.Compare(m.table.at(a).num, m.table.at(b).num) })
	for _, i := range late {
		m.inherit(i, m.table.at(i).priority, true)
	}
	if len(late) > 0 {
		m.resume() // another may be the first of those that run again, and fit
	}
}

// wanted reports whether a ready task lacks something of which n has some.
func (m *Machine) wanted(n *need) bool {
	for _, o := range m.order {
		for _, a := range o.amounts {
			if m.room.lacks(a) && n.hasDim(a.Dim) {
				return true
			}
		}
	}
	return false
}
