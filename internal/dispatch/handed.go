package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Handed are the batches that were given out and that no node has confirmed. Not for concurrent use.
type Handed struct {
	batches map[uint64]*Batch
	newest  map[string]uint64 // by node: the last one that it was sent, unless that was given up
	spare   []*Batch          // used again, so that a batch costs no allocation
	late    Lag
}

// Batch is one of them: the tasks that a node was given at once.
type Batch struct {
	Number uint64
	Node   string
	Tasks  []protocol.Attempt
	at     time.Time
}

const maxSpare = 64

// Add notes a batch.
func (h *Handed) Add(number uint64, node string, tasks []protocol.Task, at time.Time) {
	b := h.fresh()
	b.Number, b.Node, b.at, b.Tasks = number, node, at, b.Tasks[:0]
	for i := range tasks {
		b.Tasks = append(b.Tasks, protocol.Attempt{Task: tasks[i].ID, N: tasks[i].Attempt})
	}
	if h.batches == nil {
		h.batches, h.newest = map[uint64]*Batch{}, map[string]uint64{}
	}
	h.batches[number], h.newest[node] = b, number
}

func (h *Handed) fresh() *Batch {
	n := len(h.spare)
	if n == 0 {
		return &Batch{}
	}
	b := h.spare[n-1]
	h.spare = h.spare[:n-1]
	return b
}

// Confirm forgets a batch: its node has it. One that isn't there, or is another node's, is passed over.
func (h *Handed) Confirm(node string, number uint64, now time.Time) {
	if b, ok := h.batches[number]; ok && b.Node == node {
		delete(h.batches, number)
		h.late.Observe(now.Sub(b.at) - usual)
		if len(h.spare) < maxSpare {
			h.spare = append(h.spare, b)
		}
	}
}

// Remove takes out a batch: nil if it isn't there.
func (h *Handed) Remove(number uint64) *Batch {
	b := h.batches[number]
	if b != nil {
		delete(h.newest, b.Node)
	}
	delete(h.batches, number)
	return b
}

// usual is how long a confirmation may take where nothing is slow: agents put it off.
const usual = 500 * time.Millisecond

// Due takes out the batches that were given out before a time, in the order in which they were. When confirmations have
// come late, or not at all, it is patient with the next ones: a cluster that has too much to do would have even more if
// everything was given out twice.
func (h *Handed) Due(before time.Time) (due []*Batch) {
	before = before.Add(-4 * h.late.Value())
	for n, b := range h.batches {
		if b.at.Before(before) {
			delete(h.batches, n)
			delete(h.newest, b.Node)
			due = append(due, b)
		}
	}
	if len(due) > 0 {
		h.late.Double(usual)
	}
	slices.SortFunc(due, func(a, b *Batch) int { return cmp.Compare(a.Number, b.Number) })
	return due
}

// PutOff counts from another time how long a batch may take.
func (h *Handed) PutOff(number uint64, at time.Time) {
	if b := h.batches[number]; b != nil {
		b.at = at
	}
}

// Grant puts off to a time when batches count as given out: their nodes couldn't confirm them until now.
func (h *Handed) Grant(at time.Time) {
	for _, b := range h.batches {
		b.at = at
	}
}

// Newest is the number of the last batch that a node was sent; 0 for none, or if that one was given up.
func (h *Handed) Newest(node string) uint64 { return h.newest[node] }

// Waits reports whether a batch is still to be confirmed.
func (h *Handed) Waits(number uint64) bool { return h.batches[number] != nil }

// WaitsFor reports whether a task is in a batch that is still to be confirmed.
func (h *Handed) WaitsFor(task uint64) bool {
	for _, b := range h.batches {
		if slices.ContainsFunc(b.Tasks, func(a protocol.Attempt) bool { return a.Task == task }) {
			return true
		}
	}
	return false
}

// Len is how many batches are still to be confirmed.
func (h *Handed) Len() int { return len(h.batches) }

// Drop forgets the batches of a node that is dead.
func (h *Handed) Drop(node string) {
	delete(h.newest, node)
	for n, b := range h.batches {
		if b.Node == node {
			delete(h.batches, n)
		}
	}
}
