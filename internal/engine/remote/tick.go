package remote

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/internal/dispatch"
)

// tick does what is due some time. Nothing that a task waits for is among it unless something has gone wrong.
func (c *Carrier) tick() {
	ticker := time.NewTicker(c.config.beat)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
			c.due(time.Now())
		}
	}
}

func (c *Carrier) due(now time.Time) {
	c.mu.Lock()
	pauses := c.lease.Check(now)
	if pauses {
		c.paused.Store(true)
	}
	var unconfirmed []*dispatch.Batch
	var again []dispatch.Message
	if c.nodes.IsConnected() {
		unconfirmed = c.handed.Due(now.Add(-c.config.handOver))
		again = c.downs.Again(now.Add(-c.config.resend), now)
		c.deciding.give()
	}
	dead := c.nodes.Dead(now)
	for _, node := range dead {
		c.forget(node)
	}
	notes := c.notes
	c.notes = nil
	rolled := c.roll.Late(now)
	parked := c.lot.Len() > 0
	c.mu.Unlock()
	if rolled || parked && c.job.HasTasks() {
		c.Wake() // there may be some to take back for who has room
	}

	for _, text := range notes {
		c.note(text)
	}
	if pauses {
		c.note(fmt.Sprintf("the cluster's head hasn't answered for %v: the job pauses until it does; what runs goes on",
			c.opened.Ages.Dead))
	}
	for _, m := range again {
		c.sayTo(m)
	}
	for _, b := range unconfirmed {
		c.job.Unconfirmed(b.Node, b.Tasks)
	}
	for _, node := range dead {
		c.note("node " + node + " is gone: what it had runs elsewhere")
		c.job.Lost(node)
	}
	c.journal.ack()
}

// forget drops all that there is for a node that is dead. With the lock.
func (c *Carrier) forget(node string) {
	c.handed.Drop(node)
	c.downs.Drop(node)
	c.lot.Remove(node)
	delete(c.rests, node)
}
