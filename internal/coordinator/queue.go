package coordinator

import "container/heap"

// rank orders ready tasks: front before others, then priority, then what has had its turn, then depth. Higher goes first.
func (r *record) rank() uint64 {
	var front, returned uint64
	if r.flags&(isFront|isUrgent) != 0 {
		front = 1 << 63
	}
	if r.has(isReturned) {
		returned = 1 << 30
	}
	return front | uint64(uint32(r.priority)^1<<31)<<31 | returned | uint64(min(r.depth, 1<<30-1))
}

// queue holds tasks of one rank, first in first out, linked through their records.
type queue struct {
	rank       uint64
	head, tail uint32
}

// keptQueues is how many empty queues a rankHeap without tasks may keep.
const keptQueues = 64

// rankHeap holds the queues of one need. An empty queue stays until it would be looked at among others.
type rankHeap struct {
	queues []*queue
	byRank map[uint64]*queue
	last   *queue // the queue used last: most tasks come in runs of one rank
	n      int
}

func (h *rankHeap) Len() int           { return len(h.queues) }
func (h *rankHeap) Less(i, j int) bool { return h.queues[i].rank > h.queues[j].rank }
func (h *rankHeap) Swap(i, j int)      { h.queues[i], h.queues[j] = h.queues[j], h.queues[i] }
func (h *rankHeap) Push(x any)         { h.queues = append(h.queues, x.(*queue)) }

// Pop is container/heap's: it removes the last element.
func (h *rankHeap) Pop() any {
	last := len(h.queues) - 1
	q := h.queues[last]
	h.queues[last] = nil
	h.queues = h.queues[:last]
	return q
}

// top is the queue of the highest rank that holds a task, or nil.
func (h *rankHeap) top() *queue {
	if h.n == 0 {
		return nil
	}
	for h.queues[0].head == 0 {
		q := heap.Pop(h).(*queue)
		delete(h.byRank, q.rank)
		if h.last == q {
			h.last = nil
		}
	}
	return h.queues[0]
}

func (h *rankHeap) queue(rank uint64) *queue {
	if h.last != nil && h.last.rank == rank {
		return h.last
	}
	q := h.byRank[rank]
	if q == nil {
		if h.byRank == nil {
			h.byRank = map[uint64]*queue{}
		}
		q = &queue{rank: rank}
		h.byRank[rank] = q
		heap.Push(h, q)
	}
	h.last = q
	return q
}

// enqueue appends the task at i to h, at its rank.
func (m *Machine) enqueue(h *rankHeap, i uint32, r *record) {
	q := h.queue(r.rank())
	r.queuePrev, r.queueNext = q.tail, 0
	if q.tail != 0 {
		m.table.at(q.tail).queueNext = i
	} else {
		q.head = i
	}
	q.tail = i
	h.n++
}

// dequeue takes the task at i out of h. Its rank must be what it was when it was put in.
func (m *Machine) dequeue(h *rankHeap, r *record) {
	q := h.queue(r.rank())
	if r.queuePrev != 0 {
		m.table.at(r.queuePrev).queueNext = r.queueNext
	} else {
		q.head = r.queueNext
	}
	if r.queueNext != 0 {
		m.table.at(r.queueNext).queuePrev = r.queuePrev
	} else {
		q.tail = r.queuePrev
	}
	r.queuePrev, r.queueNext = 0, 0
	if h.n--; h.n == 0 && len(h.queues) > keptQueues {
		*h = rankHeap{}
	}
}
