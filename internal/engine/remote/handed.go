package remote

import (
	"cmp"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// handed are the batches that were given out and that no node has confirmed. Not for concurrent use.
type handed struct {
	batches map[uint64]*batch
	newest  map[string]uint64 // by node: the last one that it was sent, unless that was given up
	spare   []*batch          // used again, so that a batch costs no allocation
}

// batch is one of them.
type batch struct {
	number uint64
	node   string
	tasks  []protocol.Attempt
	at     time.Time
}

const maxSpare = 64

// add notes a batch.
func (h *handed) add(number uint64, node string, tasks []protocol.Task, at time.Time) {
	b := h.fresh()
	b.number, b.node, b.at, b.tasks = number, node, at, b.tasks[:0]
	for i := range tasks {
		b.tasks = append(b.tasks, protocol.Attempt{Task: tasks[i].ID, N: tasks[i].Attempt})
	}
	if h.batches == nil {
		h.batches, h.newest = map[uint64]*batch{}, map[string]uint64{}
	}
	h.batches[number], h.newest[node] = b, number
}

func (h *handed) fresh() *batch {
	n := len(h.spare)
	if n == 0 {
		return &batch{}
	}
	b := h.spare[n-1]
	h.spare = h.spare[:n-1]
	return b
}

// confirm forgets a batch: its node has it. One that isn't there, or is another node's, is passed over.
func (h *handed) confirm(node string, number uint64) {
	if b, ok := h.batches[number]; ok && b.node == node {
		delete(h.batches, number)
		if len(h.spare) < maxSpare {
			h.spare = append(h.spare, b)
		}
	}
}

// remove takes out a batch: nil if it isn't there.
func (h *handed) remove(number uint64) *batch {
	b := h.batches[number]
	if b != nil {
		delete(h.newest, b.node)
	}
	delete(h.batches, number)
	return b
}

// due takes out the batches that were given out before a time, in the order in which they were.
func (h *handed) due(before time.Time) (due []*batch) {
	for n, b := range h.batches {
		if b.at.Before(before) {
			delete(h.batches, n)
			delete(h.newest, b.node)
			due = append(due, b)
		}
	}
	slices.SortFunc(due, func(a, b *batch) int { return cmp.Compare(a.number, b.number) })
	return due
}

// putOff counts from another time how long a batch may take.
func (h *handed) putOff(number uint64, at time.Time) {
	if b := h.batches[number]; b != nil {
		b.at = at
	}
}

// grant puts off to a time when batches count as given out: their nodes couldn't confirm them until now.
func (h *handed) grant(at time.Time) {
	for _, b := range h.batches {
		b.at = at
	}
}

// drop forgets the batches of a node that is dead.
func (h *handed) drop(node string) {
	delete(h.newest, node)
	for n, b := range h.batches {
		if b.node == node {
			delete(h.batches, n)
		}
	}
}
