package coordinator

import (
	"fmt"
	"math"
	"slices"
)

// Dim is a dimension of room: CPU, I/O places, memory, then the session's own resources.
type Dim uint16

// The dimensions every session has. CPU and named resources count in 1/Unit, Memory in bytes, IO in places.
const (
	CPU Dim = iota
	IO
	Memory
	FirstNamed
)

// Unit is one CPU, or one of a named resource: fractions go down to a ten-thousandth.
const Unit = 10_000

// Amount is so much of one dimension.
type Amount struct {
	Dim Dim
	N   int64
}

// need is an interned Need: what a task is charged from Next to its end.
type need struct {
	amounts []Amount
	cpu     int64 // the part that is lent while the task is blocked
	other   bool  // anything but CPU
	ready   rankHeap
}

// room is what is free, and who holds what.
type room struct {
	total, free []int64
	holders     []int32 // per dimension but CPU: tasks charged with some of it
	blocked     []int32 // those of them that are blocked
}

func newRoom(totals []int64) room {
	return room{
		total: slices.Clone(totals), free: slices.Clone(totals),
		holders: make([]int32, len(totals)), blocked: make([]int32, len(totals)),
	}
}

func (r *room) fits(n *need) bool {
	for _, a := range n.amounts {
		if r.free[a.Dim] < a.N {
			return false
		}
	}
	return true
}

func (r *room) charge(n *need, sign int64) {
	for _, a := range n.amounts {
		r.free[a.Dim] -= sign * a.N
		r.holders[a.Dim] += int32(sign)
	}
}

// lend counts n's holder as blocked (1) or running again (-1) and moves its CPU.
func (r *room) lend(n *need, sign int64) {
	r.free[CPU] += sign * n.cpu
	for _, a := range n.amounts {
		r.blocked[a.Dim] += int32(sign)
	}
}

// lacks reports whether a is short for a reason that waiting tasks may never mend: CPU is lent, so it never is.
func (r *room) lacks(a Amount) bool { return a.Dim != CPU && r.free[a.Dim] < a.N }

// UnfitError says that a need can never be met.
type UnfitError struct {
	Dim         Dim
	Need, Total int64
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("dimension %d: needs %d of %d", e.Dim, e.Need, e.Total)
}

var errTooManyNeeds = fmt.Errorf("more than %d different needs in one session: use fewer distinct amounts", math.MaxUint16)

// Need interns a need, so that a task names it by a number. Amounts of the same dimension must not repeat; those that
// aren't positive are dropped. What exceeds a total is an *UnfitError. Equal needs get equal numbers. It costs time
// proportional to the needs there are, and they stay.
func (m *Machine) Need(amounts []Amount) (NeedID, error) {
	n := need{}
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
	slices.SortFunc(n.amounts, func(a, b Amount) int { return int(a.Dim) - int(b.Dim) })
	for i := range m.needs {
		if slices.Equal(m.needs[i].amounts, n.amounts) {
			return NeedID(i), nil
		}
	}
	if len(m.needs) > math.MaxUint16 {
		return 0, errTooManyNeeds
	}
	m.needs = append(m.needs, n)
	return NeedID(len(m.needs) - 1), nil
}

// Free is how much of a dimension is free now.
func (m *Machine) Free(d Dim) int64 { return m.room.free[d] }

// Limit sets the total of a dimension that nobody is charged for yet.
func (m *Machine) Limit(d Dim, total int64) {
	m.room.total[d], m.room.free[d] = total, total
}
