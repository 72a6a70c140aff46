package coordinator

import (
	"fmt"
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

// add adds a dimension without room.
func (r *room) add() {
	r.total, r.free = append(r.total, 0), append(r.free, 0)
	r.holders, r.blocked = append(r.holders, 0), append(r.blocked, 0)
}

// UnfitError says that a need can never be met.
type UnfitError struct {
	Dim         Dim
	Need, Total int64
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("dimension %d: needs %d of %d", e.Dim, e.Need, e.Total)
}

// Free is how much of a dimension is free now.
func (m *Machine) Free(d Dim) int64 { return m.room.free[d] }

// Limit sets the total of a dimension that nobody is charged for yet.
func (m *Machine) Limit(d Dim, total int64) {
	m.room.total[d], m.room.free[d] = total, total
}
