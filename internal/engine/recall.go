package engine

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// Small tasks are given out many at a time, by how long the last ones took. When one takes much longer than that, others
// lie behind it on its node. A node with room for which there is nothing else gets these: the driver asks for them back,
// and each that hasn't begun is given back, and then out again.

// recallAfter is how long a node may have had a task before it is asked for it, if outcomes come at once.
const recallAfter = 250 * time.Millisecond

// recallable is when a task must have been given out at the latest for its node to be asked for it. Where outcomes come
// late since all of the cluster has too much to do, tasks that are moved about only make it more. The mutex is held.
func (c *carried) recallable(now int64) int64 { return now - int64(recallAfter+4*c.lag.Value()) }

// recall asks for tasks that may not have begun, as many as an offer has room for, the newest first: of nodes that have
// more of them than they have CPUs. Each attempt is asked for once. The mutex is held.
func (s *Session) recall(o *protocol.Offer, free []int64, now int64) {
	c := &s.carried
	before := c.recallable(now)
	if c.first == nil || free[coordinator.CPU] <= 0 || c.first.start > before {
		return
	}
	if now-c.looked >= int64(recallAfter)/2 {
		s.findCrowded(now, before)
	}
	if len(c.crowded) == 0 || c.crowded[o.Node] > 0 {
		return
	}
	suits := s.suits(o)
	for r := c.last; r != nil && len(c.crowded) > 0; r = r.away.before {
		node := r.away.node
		if r.start > before || c.crowded[node] <= 0 || !s.mayRecall(r) || !s.m.Spend(r.id, free, suits) {
			continue
		}
		r.away.recalled = true
		if c.crowded[node] -= s.m.CPUOf(r.id); c.crowded[node] <= 0 {
			delete(c.crowded, node)
		}
		s.cfg.Carrier.Send(node, protocol.TakeBack{Attempt: r.wire()})
	}
}

// mayRecall reports whether a node's offer may be a reason to ask others for tasks, as far as is known without looking.
func (c *carried) mayRecall(now int64) bool {
	return len(c.crowded) > 0 || c.first != nil && now-c.first.start >= int64(recallAfter) && now-c.looked >= int64(recallAfter)/2
}

// findCrowded finds how much more CPU the tasks need that nodes have had for some time than these have, by node. A node
// of which the survey didn't tell has none.
func (s *Session) findCrowded(now, before int64) {
	c := &s.carried
	c.looked = now
	c.crowded = map[string]int64{}
	for r := c.first; r != nil && r.start <= before; r = r.away.after {
		if !r.away.waits {
			c.crowded[r.away.node] += s.m.CPUOf(r.id)
		}
	}
	for i := range c.nodes {
		n := &c.nodes[i]
		if c.crowded[n.Node] -= units(n.CPUs); c.crowded[n.Node] <= 0 {
			delete(c.crowded, n.Node)
		}
	}
}

// mayRecall reports whether an attempt may not have begun, as far as is known here.
func (s *Session) mayRecall(r *Run) bool {
	return !r.away.recalled && !r.away.waits && r.away.asked == nil && !r.t.ops.Spec().Opts.Once && s.m.CPUOf(r.id) > 0
}

// enlist puts an attempt behind those that were given out before.
func (c *carried) enlist(r *Run) {
	if r.away.before = c.last; c.last == nil {
		c.first = r
	} else {
		c.last.away.after = r
	}
	c.last = r
}

// delist takes one out that is over. One that runs in the driver isn't there.
func (s *Session) delist(r *Run) {
	c := &s.carried
	if r.away == nil {
		return
	}
	if a := r.away; a.before == nil && c.first == r {
		c.first = a.after
	} else if a.before != nil {
		a.before.away.after = a.after
	}
	if a := r.away; a.after == nil && c.last == r {
		c.last = a.before
	} else if a.after != nil {
		a.after.away.before = a.before
	}
	r.away.before, r.away.after = nil, nil
	if !r.away.waits {
		c.quota.refund(r)
	}
	s.left(r)
	if r.away.given {
		s.giveOthers(r, -1)
		r.away.given = false
	}
}
