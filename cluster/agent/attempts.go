package agent

import (
	"iter"

	"github.com/musterrun/muster/protocol"
)

// attempts are what a worker has. An agent looks one up four times for each task, so it doesn't look for each in a map: the
// lower half of a task's number is its place in its driver's table, and what comes and ends together has places beside each
// other, mostly, so they stand in pages. Those of one place, such as two attempts of one task, are rare, and stand in a
// list. The zero value is ready. Not for concurrent use.
type attempts struct {
	pages  map[uint32]*page
	last   *page // the one that was looked at last, or nil
	lastAt uint32
	n      int
}

const pageBits = 6

// page is what a worker has of places beside each other.
type page struct {
	first [1 << pageBits]*held
	n     int
}

// pageOf is the number of a task's page, and its place there.
func pageOf(at protocol.Attempt) (number, place uint32) {
	place = uint32(at.Task) //nolint:gosec // its lower half
	return place >> pageBits, place & (1<<pageBits - 1)
}

// page is one that has something, or nil.
func (l *attempts) page(number uint32) *page {
	if l.last == nil || l.lastAt != number {
		l.last, l.lastAt = l.pages[number], number
	}
	return l.last
}

func (h *held) is(at protocol.Attempt) bool { return h.task == at.Task && h.number == at.N }

func (l *attempts) len() int { return l.n }

// get is what is known of an attempt, or nil.
func (l *attempts) get(at protocol.Attempt) *held {
	number, place := pageOf(at)
	p := l.page(number)
	if p == nil {
		return nil
	}
	h := p.first[place]
	for h != nil && !h.is(at) {
		h = h.next
	}
	return h
}

// put enters an attempt that isn't there.
func (l *attempts) put(at protocol.Attempt, h *held) {
	number, place := pageOf(at)
	p := l.page(number)
	if p == nil {
		if l.pages == nil {
			l.pages = map[uint32]*page{}
		}
		p = &page{}
		l.pages[number], l.last = p, p
	}
	h.task, h.number, h.next = at.Task, at.N, p.first[place]
	p.first[place] = h
	p.n++
	l.n++
}

// remove takes an attempt out and gives it, or nil.
func (l *attempts) remove(at protocol.Attempt) *held {
	number, place := pageOf(at)
	p := l.page(number)
	if p == nil {
		return nil
	}
	for link := &p.first[place]; *link != nil; link = &(*link).next {
		h := *link
		if !h.is(at) {
			continue
		}
		*link = h.next
		l.n--
		if p.n--; p.n == 0 {
			delete(l.pages, number)
			l.last = nil
		}
		return h
	}
	return nil
}

// all are in no order. The one that is given may be removed meanwhile.
func (l *attempts) all() iter.Seq2[protocol.Attempt, *held] {
	return func(yield func(protocol.Attempt, *held) bool) {
		for _, p := range l.pages {
			for i := range p.first {
				for h := p.first[i]; h != nil; {
					next := h.next
					if !yield(protocol.Attempt{Task: h.task, N: h.number}, h) {
						return
					}
					h = next
				}
			}
		}
	}
}

func (l *attempts) clear() {
	clear(l.pages)
	l.last, l.n = nil, 0
}
