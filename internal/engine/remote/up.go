package remote

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// onUp takes what a node's attempts say. The answer says that it was heard: the node forgets it then.
func (c *Carrier) onUp(m *nats.Msg) {
	if c.ctx.Err() != nil {
		return // who has the job now answers
	}
	if protocol.IsOutcomes(m.Data) {
		c.onEarly(m)
		return
	}
	u, err := protocol.ReadUp(m.Data)
	node := lastToken(m.Subject)
	switch {
	case m.Subject != protocol.UpSubject(c.opened.Job, node):
		c.foreign(m)
		return
	case !join.AskedBy(m, node):
		c.noteOnce("what came as if node " + node + " had said it asks for its answer elsewhere: it isn't listened to")
		return
	case err != nil:
		c.noteOnce("node " + node + " said what makes no sense; is its agent of another version?")
	case u.Node != node:
		c.noteOnce("node " + node + " spoke in the name of node " + u.Node + ": it isn't listened to")
	case u.Epoch > c.opened.Epoch:
		c.renewing.give()
		return // another driver has the job: it must hear it, so this one mustn't answer
	case u.Epoch == c.opened.Epoch:
		c.up(node, u.Items)
	}
	_ = m.Respond(nil) // without an answer it comes again
}

// up confirms batches, and passes on all else.
func (c *Carrier) up(node string, items []protocol.Item) {
	rest := items[:0]
	holds, refused, next := false, false, false
	c.mu.Lock()
	c.nodes.Heard(node)
	for _, it := range items {
		switch it := it.(type) {
		case protocol.Accept:
			c.handed.Confirm(node, it.Number, time.Now())
			next = c.spread.Taken(it.Number) || next
			continue
		case protocol.Held:
			if _, stale := c.births.Of(node, it.Life); stale {
				continue // the node has begun anew since
			}
			holds = true
		case protocol.GiveBack:
			if it.Reason == protocol.NotStarted {
				refused = true
			}
		}
		rest = append(rest, it)
	}
	if refused {
		c.spread.Refused(time.Now())
	} else if next {
		c.Wake() // for the offers that were put off
	}
	if holds {
		c.nodes.Use(node) // if it dies, what it runs is to be given out
	}
	c.mu.Unlock()
	if len(rest) > 0 {
		c.job.Up(node, rest)
	}
	if holds {
		c.answered(node)
	}
}

// answered notes that a node has said what it runs for the driver before.
func (c *Carrier) answered(node string) {
	c.mu.Lock()
	ends := c.roll.Answer(node)
	c.mu.Unlock()
	if ends {
		c.Wake()
	}
}

func lastToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// foreign notes a message that was written to another subject than the one by which it came. Servers can be made to
// deliver so, and check who writes, not where it goes: so it is what its own subject says, and nothing to this job.
func (c *Carrier) foreign(m *nats.Msg) {
	c.noteOnce("a message that was written to " + m.Subject + " came as if it were for this job: it doesn't count")
}
