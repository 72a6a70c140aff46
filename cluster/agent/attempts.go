package agent

import (
	"iter"

	"github.com/musterrun/muster/protocol"
)

// attempts are what a worker has. An agent looks one up four times for each task, so they are found by the task's number,
// for which maps are twice as fast as for a struct: two attempts of one task are rare, and stand in a list. The zero value
// is ready. Not for concurrent use.
type attempts struct {
	byTask map[uint64]*held
	n      int
}

func (l *attempts) len() int { return l.n }

// get is what is known of an attempt, or nil.
func (l *attempts) get(at protocol.Attempt) *held {
	h := l.byTask[at.Task]
	for h != nil && h.number != at.N {
		h = h.next
	}
	return h
}

// put enters an attempt that isn't there.
func (l *attempts) put(at protocol.Attempt, h *held) {
	if l.byTask == nil {
		l.byTask = map[uint64]*held{}
	}
	h.number, h.next = at.N, l.byTask[at.Task]
	l.byTask[at.Task] = h
	l.n++
}

// remove takes an attempt out and gives it, or nil.
func (l *attempts) remove(at protocol.Attempt) *held {
	first := l.byTask[at.Task]
	if first == nil {
		return nil
	}
	if first.number == at.N {
		if first.next == nil {
			delete(l.byTask, at.Task)
		} else {
			l.byTask[at.Task] = first.next
		}
		l.n--
		return first
	}
	for before := first; before.next != nil; before = before.next {
		if h := before.next; h.number == at.N {
			before.next = h.next
			l.n--
			return h
		}
	}
	return nil
}

// all are in no order. The one that is given may be removed meanwhile.
func (l *attempts) all() iter.Seq2[protocol.Attempt, *held] {
	return func(yield func(protocol.Attempt, *held) bool) {
		for task, h := range l.byTask {
			for h != nil {
				next := h.next
				if !yield(protocol.Attempt{Task: task, N: h.number}, h) {
					return
				}
				h = next
			}
		}
	}
}

func (l *attempts) clear() {
	clear(l.byTask)
	l.n = 0
}
