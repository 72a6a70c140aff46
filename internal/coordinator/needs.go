package coordinator

import (
	"encoding/binary"
	"slices"
)

// need is an interned need: what a task is charged from Next to its end.
type need struct {
	id      NeedID
	amounts []Amount
	cpu     int64 // the part that is lent while the task is blocked
	other   bool  // anything but CPU
	key     string
	tasks   int  // that have it and haven't ended
	idle    bool // stands in Machine.idle
	ready   rankHeap
	rank    uint64 // of the first of the ready ones
	num     uint64 // its number
	at      int    // place in Machine.order or far, from 1; 0 without a ready task
	away    bool   // its tasks run elsewhere: see away.go
	pack    int64
	holds   bool   // of one that is away: something of a node that isn't lent while its function waits
	class   uint32 // of one that is away: those of different classes are kept apart
}

// keptNeeds is how many needs without a task are remembered, so that calls one after the other don't make theirs anew.
const keptNeeds = 64

// Need interns a need, so that a task names it by a number. Amounts of the same dimension must not repeat; those that
// aren't positive are dropped. What exceeds a total is an *UnfitError. Equal needs get equal numbers. A need lasts while
// a task has it; without one, until some others have been made. The slice may be used again.
func (m *Machine) Need(amounts []Amount) (NeedID, error) {
	n := need{amounts: m.amounts[:0]}
	for _, a := range amounts {
		switch {
		case a.N > m.room.total[a.Dim]:
			return 0, &UnfitError{a.Dim, a.N, m.room.total[a.Dim]}
		case a.N <= 0:
			continue
		case a.Dim == CPU:
			n.cpu = a.N
		default:
			n.other = true
		}
		n.amounts = append(n.amounts, a)
	}
	m.amounts = n.amounts
	slices.SortFunc(n.amounts, func(a, b Amount) int { return int(a.Dim) - int(b.Dim) })
	if id, ok := m.byKey[string(m.keyOf(n.amounts))]; ok {
		return id, nil
	}
	return m.addNeed(n), nil
}

// keyOf is what amounts are found by; it is valid until the next call.
func (m *Machine) keyOf(amounts []Amount) []byte {
	m.key = m.key[:0]
	for _, a := range amounts {
		m.key = binary.LittleEndian.AppendUint16(m.key, uint16(a.Dim))
		m.key = binary.LittleEndian.AppendUint64(m.key, uint64(a.N))
	}
	return m.key
}

func (m *Machine) addNeed(n need) NeedID {
	n.amounts = slices.Clone(n.amounts)
	n.key = string(m.keyOfNeed(&n))
	if k := len(m.freeNeeds); k > 0 {
		n.id = m.freeNeeds[k-1]
		m.freeNeeds = m.freeNeeds[:k-1]
		*m.needs[n.id] = n
	} else {
		n.id = NeedID(len(m.needs))
		m.needs = append(m.needs, &n)
	}
	m.byKey[n.key] = n.id
	m.idles(m.needs[n.id])
	return n.id
}

// takes counts one task more that has a need.
func (m *Machine) takes(id NeedID) *need {
	n := m.needs[id]
	n.tasks++
	return n
}

// leaves counts one less.
func (m *Machine) leaves(id NeedID) {
	n := m.needs[id]
	if n.tasks--; n.tasks == 0 {
		m.idles(n)
	}
}

// ForgottenNeeds counts the needs that were forgotten so far: the number of one that had no task may be another's since.
func (m *Machine) ForgottenNeeds() uint64 { return m.forgot }

// idles notes that a need has no task, and forgets the one that has had none for the longest time.
func (m *Machine) idles(n *need) {
	if n.idle || n.id == 0 {
		return
	}
	n.idle = true
	m.idle = append(m.idle, n)
	if len(m.idle) <= keptNeeds {
		return
	}
	old := m.idle[0]
	m.idle = append(m.idle[:0], m.idle[1:]...)
	if old.idle = false; old.tasks > 0 {
		return
	}
	delete(m.byKey, old.key)
	m.forgot++
	m.freeNeeds = append(m.freeNeeds, old.id)
	*old = need{id: old.id}
}
