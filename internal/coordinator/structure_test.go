package coordinator

import "fmt"

// structureError checks that what the Machine keeps more than once agrees: queues with states, edges with counts, room
// with charges, lists with members, and that nothing is left over.
func structureError(m *Machine) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(fault) // anything else goes on panicking
		}
	}()
	c := checker{m: m, queued: map[uint32]bool{}}
	c.tables()
	c.queues()
	c.room()
	c.edges()
	c.scopes()
	if len(m.work) != 0 || len(m.failing) != 0 || m.doubt || m.tight {
		c.fail("scratch isn't empty: work %v, failing %v, doubt %v, tight %v", m.work, m.failing, m.doubt, m.tight)
	}
	return nil
}

// fault is the first thing that a checker finds: it panics with it.
type fault struct{ error }

type checker struct {
	m      *Machine
	queued map[uint32]bool
}

func (c *checker) fail(format string, args ...any) { panic(fault{fmt.Errorf(format, args...)}) }

// each visits the live tasks.
func (c *checker) each(visit func(i uint32, r *record)) {
	c.m.Each(func(id ID, _ State) bool {
		visit(id.index(), c.m.table.at(id.index()))
		return true
	})
}

func (c *checker) eachSet(visit func(i uint32, r *record)) {
	for i := uint32(1); i < c.m.table.next; i++ {
		if r := c.m.table.at(i); r.state == Set {
			visit(i, r)
		}
	}
}

func (c *checker) tables() {
	n := 0
	c.each(func(uint32, *record) { n++ })
	sets := 0
	c.eachSet(func(uint32, *record) { sets++ })
	if used := int(max(c.m.table.next, 1)) - 1 - len(c.m.table.free); n != c.m.Len() || n+sets != used {
		c.fail("%d tasks and %d sets in the table, Len %d, %d places in use", n, sets, c.m.Len(), used)
	}
}

// queues checks that a ready task stands in the queue of its need and rank, a resuming one in the one of its rank, and
// no other task in any, and that the heaps are heaps.
func (c *checker) queues() {
	others := 0
	for k := range c.m.needs {
		n := c.m.needs[k]
		h := &n.ready
		c.heap(h, Ready, NeedID(k))
		if n.other {
			others += h.n
		}
		c.need(n)
	}
	for i, n := range c.m.order {
		if up := c.m.order[max(i-1, 0)/2]; n.before(up) || n.at != i+1 {
			c.fail("need %d stands at %d, not %d, under need %d", n.id, i+1, n.at, up.id)
		}
	}
	c.heap(&c.m.resuming, Resuming, 0)
	if others != c.m.others {
		c.fail("%d ready tasks need more than CPU, counted %d", others, c.m.others)
	}
	c.each(func(i uint32, r *record) {
		if want := r.state == Ready || r.state == Resuming; c.queued[i] != want {
			c.fail("a %v task is queued: %v", r.state, c.queued[i])
		}
	})
}

// need checks what is counted of a need and of its first ready task.
func (c *checker) need(n *need) {
	tasks := 0
	c.each(func(_ uint32, r *record) {
		if r.need == n.id {
			tasks++
		}
	})
	if tasks != n.tasks || (n.at > 0) != (n.ready.n > 0) || n.tasks == 0 && n.id != 0 && n.key != "" && !n.idle {
		c.fail("need %d: %d tasks, counted %d, %d ready; in order at %d, idle %v", n.id, tasks, n.tasks, n.ready.n, n.at, n.idle)
	}
	if n.at == 0 {
		return
	}
	if r := c.m.table.at(n.ready.top().head); r.rank() != n.rank || r.num != n.num || n.cpu > 0 && n.cpu < c.m.leastCPU {
		c.fail("need %d: its first is %d, known as %d; it needs %d CPU, at least %d", n.id, r.num, n.num, n.cpu, c.m.leastCPU)
	}
}

func (c *checker) heap(h *rankHeap, s State, need NeedID) {
	n := 0
	for i, q := range h.queues {
		if up := h.queues[max(i-1, 0)/2]; up.rank < q.rank {
			c.fail("rank %#x stands under %#x", q.rank, up.rank)
		}
		if h.byRank[q.rank] != q {
			c.fail("the queue of rank %#x can't be found", q.rank)
		}
		n += c.queue(q, s, need)
	}
	if n != h.n || len(h.byRank) != len(h.queues) {
		c.fail("%d tasks in %d queues, counted %d in %d", n, len(h.queues), h.n, len(h.byRank))
	}
	if h.last != nil && h.byRank[h.last.rank] != h.last {
		c.fail("the last queue is a stranger")
	}
}

func (c *checker) queue(q *queue, s State, need NeedID) (n int) {
	var prev uint32
	for i := q.head; i != 0; i = c.m.table.at(i).queueNext {
		r := c.m.table.at(i)
		if r.state != s || s == Ready && r.need != need || r.rank() != q.rank || r.queuePrev != prev || c.queued[i] {
			c.fail("a %v task of need %d and rank %#x, after %d (%d), in the %v queue of need %d and rank %#x",
				r.state, r.need, r.rank(), prev, r.queuePrev, s, need, q.rank)
		}
		c.queued[i] = true
		prev = i
		n++
	}
	if q.tail != prev {
		c.fail("the queue ends at %d, not %d", q.tail, prev)
	}
	return n
}

// room checks that what is free is the total less the charges, and never out of bounds.
func (c *checker) room() {
	room := &c.m.room
	far := map[uint32]bool{}
	for k, i := range c.m.farHold {
		if far[i] || c.m.table.at(i).unmet != uint32(k) {
			c.fail("place %d stands at %d of the holders elsewhere, twice: %v", i, k, far[i])
		}
		far[i] = true
	}
	c.each(func(i uint32, r *record) {
		if r.holds() && c.m.needs[r.need].holds != far[i] || far[i] && !r.holds() {
			c.fail("a %v task is listed as a holder elsewhere: %v", r.state, far[i])
		}
	})
	for d := range room.total {
		free, holders, blocked := room.total[d], int32(0), int32(0)
		c.each(func(_ uint32, r *record) {
			for _, a := range c.m.needs[r.need].amounts {
				if a.Dim != Dim(d) || !r.holds() || c.m.needs[r.need].away {
					continue
				}
				holders++
				if r.state != Running {
					blocked++
				}
				if r.state == Running || a.Dim != CPU {
					free -= a.N
				}
			}
		})
		if free != room.free[d] || free < 0 || free > room.total[d] {
			c.fail("dimension %d: %d of %d is free, the charges leave %d", d, room.free[d], room.total[d], free)
		}
		if Dim(d) != CPU {
			listed := int32(0)
			c.m.Holders(Dim(d), func(ID) { listed++ })
			if listed != holders {
				c.fail("dimension %d: %d holders are listed of %d", d, listed, holders)
			}
		}
		if holders != room.holders[d] || blocked != room.blocked[d] {
			c.fail("dimension %d: %d holders, %d blocked; counted %d, %d", d, holders, blocked, room.holders[d], room.blocked[d])
		}
	}
}

// edges checks that both lists of an edge hold it, that unmet counts the edges of what waits for all of them, and that a
// dependency has at least the priority of what waits for it.
func (c *checker) edges() {
	in, out := 0, 0
	check := func(i uint32, r *record) {
		in += c.incoming(i, r)
		out += c.outgoing(i, r)
	}
	c.each(check)
	c.eachSet(check)
	if used := int(max(c.m.edges.next, 1)) - 1 - len(c.m.edges.free); in != used || out != used {
		c.fail("%d incoming edges, %d outgoing, %d in use", in, out, used)
	}
}

func (c *checker) incoming(i uint32, r *record) (n int) {
	var prev uint32
	for e := r.firstIn; e != 0; e = c.m.edges.at(e).nextIn {
		n++
		x := c.m.edges.at(e)
		if x.to != i || x.prevIn != prev {
			c.fail("an edge to %d after %d in the list of %d after %d", x.to, x.prevIn, i, prev)
		}
		if f := c.m.table.at(x.from); f.state == Free || f.priority < r.priority {
			c.fail("a %v task of priority %d waits for a %v one of %d", r.state, r.priority, f.state, f.priority)
		}
		prev = e
	}
	counts := r.state == Waiting || r.state == Set
	if waits := counts || r.state == Blocked; !waits && n != 0 || counts && int(r.unmet) != n || r.state == Set && n == 0 {
		c.fail("a %v task has %d edges, counted %d", r.state, n, r.unmet)
	}
	if r.flags&isWaiting != 0 && r.state != Blocked {
		c.fail("a %v task has the flags %b", r.state, r.flags)
	}
	return n
}

func (c *checker) outgoing(i uint32, r *record) (n int) {
	var prev uint32
	for e := r.firstOut; e != 0; e = c.m.edges.at(e).nextOut {
		x := c.m.edges.at(e)
		if x.from != i || x.prevOut != prev || c.m.table.at(x.to).state == Free {
			c.fail("edge %d from %d to %d after %d in the list of %d", e, x.from, x.to, x.prevOut, i)
		}
		prev = e
		n++
	}
	return n
}

// scopes checks that a task stands in the list of its scope and in no other.
func (c *checker) scopes() {
	in := map[uint32]ScopeID{}
	free := map[uint32]bool{}
	for _, s := range c.m.scopes.free {
		if free[s] {
			c.fail("scope %d is free twice", s)
		}
		free[s] = true
	}
	for s := uint32(1); s < c.m.scopes.next; s++ {
		var prev uint32
		if sc := c.m.scopes.at(s); sc.first != 0 && free[s] || sc.first == 0 && sc.closed && !free[s] {
			c.fail("scope %d: closed %v, free %v, first %d", s, sc.closed, free[s], sc.first)
		}
		for i := c.m.scopes.at(s).first; i != 0; i = c.m.table.at(i).scopeNext {
			if c.m.table.at(i).scopePrev != prev || in[i] != 0 {
				c.fail("task %d stands in scope %d after %d, and in scope %d", i, s, prev, in[i])
			}
			in[i] = ScopeID(s)
			prev = i
		}
	}
	c.each(func(i uint32, r *record) {
		if in[i] != r.scope {
			c.fail("task %d of scope %d is listed in %d", i, r.scope, in[i])
		}
		delete(in, i)
	})
	if len(in) != 0 {
		c.fail("scopes list tasks that have ended: %v", in)
	}
}
