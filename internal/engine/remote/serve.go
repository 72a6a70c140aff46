package remote

import (
	"hash/maphash"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// giver is what the serving goroutine uses again and again.
type giver struct {
	offers []*dispatch.Parked
	batch  protocol.Batch
	buf    []byte
	number uint64 // of the last batch
}

// onOffer parks an agent's offer.
func (c *Carrier) onOffer(m *nats.Msg) {
	o, err := protocol.ReadOffer(m.Data)
	switch {
	case c.ctx.Err() != nil:
		return // who has the job now answers
	case m.Subject != protocol.OfferSubject(c.opened.Job):
		c.foreign(m)
		return
	case err != nil:
		c.noteOnce("an offer of room made no sense; is an agent of another version?")
		return
	case !join.AskedBy(m, o.Node):
		c.noteOnce("an offer of node " + o.Node + " asks for its answer elsewhere: it gets none")
		return
	case o.Epoch > c.opened.Epoch:
		c.renewing.give() // another driver has the job, and answers
		return
	}
	c.mu.Lock()
	reborn, stale := c.births.Of(o.Node, o.Life)
	if stale {
		c.mu.Unlock()
		return
	}
	if reborn {
		c.forget(o.Node)
	}
	p := &dispatch.Parked{Offer: o, Reply: m.Reply, Order: c.order(o.Node)}
	tooMany := !c.crossed(&o) && !c.lot.Add(p)
	c.nodes.Heard(o.Node)
	c.roll.Answer(o.Node)
	c.mu.Unlock()
	if tooMany {
		c.answerEmpty(p)
	}
	c.wake.give()
}

// order is the driver's preference: nodes that have had tasks first, since they have workers, and a random order that stays.
// With the lock.
func (c *Carrier) order(node string) uint64 {
	n := maphash.String(c.prefers, node) >> 1
	if !c.nodes.Used(node) {
		n |= 1 << 63
	}
	return n
}

// crossed reports whether an offer may have crossed a batch on its way: it offers again what that takes, and the agent
// offers what is left once it has the batch. With the lock.
func (c *Carrier) crossed(o *protocol.Offer) bool {
	return o.Taken != 0 && len(c.rests[o.Node]) == 0 && c.handed.Newest(o.Node) > o.Taken
}

// answerEmpty ends an offer: there is nothing for it now.
func (c *Carrier) answerEmpty(p *dispatch.Parked) {
	b := protocol.Batch{Epoch: c.opened.Epoch}
	_ = c.conn.Publish(p.Reply, b.Append(nil)) // who doesn't get it offers again by itself
}

// serve gives parked offers tasks, whenever there may be some.
func (c *Carrier) serve() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
			c.news.Store(true)
		}
		if again := c.round(); !again.IsZero() {
			timer.Reset(time.Until(again))
		}
	}
}

// round asks once for tasks for each parked offer, those that have waited longest first; without news of tasks, for those
// that have come since. Room that is offered to other jobs too is taken step by step: again is when the next one begins.
func (c *Carrier) round() (again time.Time) {
	c.mu.Lock()
	offers := c.giver.offers[:0]
	if c.news.Swap(false) {
		offers = c.lot.All(offers)
	} else {
		offers = c.lot.Fresh(offers)
	}
	reborn := c.births.Take()
	waits := !c.roll.Over()
	c.mu.Unlock()
	for _, node := range reborn { // before it is given anything
		c.note("node " + node + " begins anew: what it had runs elsewhere")
		c.job.Lost(node)
	}
	if !waits && !c.holdsBack() && c.job.Restore() {
		c.wake.give()
	}
	sure := dispatch.Contested(offers)
	for i, p := range offers {
		if waits || c.holdsBack() {
			break
		}
		if i >= sure && !c.mayTry(p.Node) {
			again = c.nextTry()
			break
		}
		if !c.giveRest(p.Node) && !c.give(p) && !c.hasRests() {
			break // nobody gets anything now: with a thousand nodes, that is most of what there would be to look at
		}
	}
	c.keep(offers)
	clear(offers)
	c.giver.offers = offers
	return again
}

// keep notes of offers that there was nothing for them, also of those that weren't looked at, and says so to nodes that ask
// others then.
func (c *Carrier) keep(offers []*dispatch.Parked) {
	var tell []string
	c.mu.Lock()
	for _, p := range offers {
		p.Waits = true
		if c.lot.Has(p) && p.Unsaid() {
			tell = append(tell, p.Reply)
		}
	}
	c.mu.Unlock()
	kept := protocol.Batch{Epoch: c.opened.Epoch, Number: protocol.Kept}
	for _, reply := range tell {
		_ = c.conn.Publish(reply, kept.Append(nil)) // else the node waits a little longer
	}
}

// mayTry reports whether a node may be given something whose room may have gone to others.
func (c *Carrier) mayTry(node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rests[node]) > 0 || c.spread.May(time.Now())
}

// givenOut notes that nothing is ready.
func (c *Carrier) givenOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spread.Reset()
}

func (c *Carrier) nextTry() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spread.Next(time.Now())
}

// holdsBack reports whether nothing is handed out now.
func (c *Carrier) holdsBack() bool { return c.paused.Load() || c.leaving.Load() || c.ctx.Err() != nil }

func (c *Carrier) hasRests() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rests) > 0
}

// give asks for tasks for one offer, and reports whether there may be some for others.
func (c *Carrier) give(p *dispatch.Parked) (more bool) {
	b := &c.giver.batch
	b.Epoch, b.Tasks = c.opened.Epoch, b.Tasks[:0]
	late := p.Shared && p.Waits
	more = c.job.Take(&p.Offer, late, b)
	if len(b.Tasks) == 0 {
		if !more {
			c.givenOut()
		}
		return more
	}
	c.askEarly(b.Tasks)
	parts, tooLong := c.giver.encode(b, int(c.conn.MaxPayload()))
	now := time.Now()
	c.mu.Lock()
	if late && len(parts) > 0 {
		c.spread.Give(parts[0].number, now)
	}
	for i := range parts {
		c.handed.Add(parts[i].number, p.Node, parts[i].tasks, now.Add(dispatch.Transit(len(parts[i].data))))
		parts[i].tasks = nil // the Job's memory
	}
	c.nodes.Use(p.Node)
	if len(parts) > 1 {
		c.rests[p.Node] = append(c.rests[p.Node], parts[1:]...)
	}
	current := c.lot.Remove(p.Node)
	c.mu.Unlock()
	for i := range tooLong {
		c.failTooLong(p.Node, &tooLong[i])
	}
	switch {
	case len(parts) > 0:
		c.answer(current, p.Node, &parts[0])
	case current != nil:
		c.answerEmpty(current) // it offers again
	}
	clear(b.Tasks) // nobody needs the arguments any more
	return more
}

// giveRest answers a node's offer with what didn't fit into the answer before it.
func (c *Carrier) giveRest(node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.rests[node]) > 0 {
		part := c.rests[node][0]
		c.rests[node] = c.rests[node][1:]
		if !c.handed.Waits(part.number) {
			continue // it took too long, and was given out again
		}
		current := c.lot.Remove(node)
		c.putOffRests(node, &part)
		c.mu.Unlock()
		c.answer(current, node, &part)
		c.mu.Lock()
		return true
	}
	delete(c.rests, node)
	return false
}

// putOffRests counts from now how long a part may be on its way, and those behind it may wait. With the lock.
func (c *Carrier) putOffRests(node string, sent *part) {
	at := time.Now().Add(dispatch.Transit(len(sent.data)))
	c.handed.PutOff(sent.number, at)
	for i := range c.rests[node] {
		c.handed.PutOff(c.rests[node][i].number, at)
	}
}

// answer sends a batch. If that can't be, its tasks are given out again at once.
func (c *Carrier) answer(current *dispatch.Parked, node string, part *part) {
	if current != nil && c.conn.Publish(current.Reply, part.data) == nil {
		return
	}
	c.mu.Lock()
	b := c.handed.Remove(part.number)
	c.mu.Unlock()
	if b != nil {
		c.job.Unconfirmed(node, b.Tasks)
	}
}
