package remote

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// watchLink follows the connection, which is up.
func (c *Carrier) watchLink() {
	changed := c.conn.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)
	c.nodes.Link(time.Now())
	c.start(func() {
		defer c.conn.RemoveStatusListener(changed)
		var old []*dispatch.Parked // offers that came on the connection before
		for {
			select {
			case <-c.ctx.Done():
				return
			case status := <-changed:
				old = c.linkIs(status, old)
			}
		}
	})
}

func (c *Carrier) linkIs(status nats.Status, old []*dispatch.Parked) []*dispatch.Parked {
	switch status {
	case nats.RECONNECTING:
		return append(old, c.disconnected()...)
	case nats.CONNECTED:
		c.connected(old)
	case nats.CLOSED:
		c.lose(errors.New("the connection to the cluster was closed for good; start the program again"))
	}
	return nil
}

// disconnected takes out the offers: whether their nodes are there when the connection is back isn't known.
func (c *Carrier) disconnected() []*dispatch.Parked {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal.pause()
	c.nodes.Link(time.Time{})
	return c.lot.Clear()
}

// connected says again what may not have been heard, has the nodes that are there offer anew, and renews.
func (c *Carrier) connected(old []*dispatch.Parked) {
	now := time.Now()
	c.mu.Lock()
	if id := c.conn.ConnectedServerId(); id != "" && id != c.server { // it was started again
		c.server = id
		c.probe()
	}
	c.nodes.Link(now)
	c.decisions.at = time.Time{}             // what is on its way may be lost
	c.handed.Grant(now.Add(c.config.resend)) // so long may nodes take to confirm once more
	again := c.downs.Again(now, now)
	c.mu.Unlock()
	for _, m := range again {
		c.sayTo(m)
	}
	for _, p := range old {
		c.answerEmpty(p)
	}
	if c.journal.begun() {
		if err := c.followOn(); err != nil {
			c.note(err.Error()) // the connection is closed for good, which is noticed in a moment
		}
	}
	c.renewing.give()
	c.deciding.give()
	c.Wake()
}

// onDigest looks for nodes that may be dead.
func (c *Carrier) onDigest(m *nats.Msg) {
	if m.Subject != protocol.Digest {
		c.foreign(m)
		return
	}
	var d protocol.ClusterDigest
	if err := json.Unmarshal(m.Data, &d); err != nil {
		c.noteOnce("the head's digest makes no sense; is it of another version?")
		return
	}
	c.mu.Lock()
	suspects := c.nodes.Digest(&d, time.Now())
	rolled := c.roll.Digest(&d)
	c.mu.Unlock()
	if rolled {
		c.Wake()
	}
	for _, node := range suspects {
		c.ask(node)
	}
}

// onNews hears that another driver has this job, or that it is over: then a renewal tells why, or that it isn't.
func (c *Carrier) onNews(m *nats.Msg) {
	if m.Subject != protocol.NewsSubject(c.opened.Job) {
		c.foreign(m)
		return
	}
	var j protocol.JobDigest
	if err := json.Unmarshal(m.Data, &j); err != nil {
		return
	}
	switch {
	case j.Job != c.opened.Job:
	case j.Epoch > c.opened.Epoch:
		c.lose(&protocol.Refusal{Code: protocol.CodeSuperseded, Text: "another driver has taken over job " + c.opened.Job})
	case (j.Ended || j.Quota) && j.Epoch == c.opened.Epoch:
		c.renewing.give()
	}
}
