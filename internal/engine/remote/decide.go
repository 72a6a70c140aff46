package remote

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// Decide records a decision for the job's next driver. Heard, unless it is nil, is called once that is read back from the
// journal; never if the driver or its job ends before. Decide is cheap, never blocks, and may be called under locks;
// heard is called without any.
func (c *Carrier) Decide(d protocol.Decision, heard func()) {
	c.mu.Lock()
	c.decisions.waiting = append(c.decisions.waiting, decision{d, heard})
	c.mu.Unlock()
	c.deciding.give()
}

// decide sends decisions whenever there may be some to send.
func (c *Carrier) decide() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.deciding:
		}
		c.mu.Lock()
		now := time.Now()
		data := c.decisions.next(now)
		if data == nil {
			data = c.decisions.again(now.Add(-c.config.resend), now)
		}
		last := c.decisions.last
		c.mu.Unlock()
		if data != nil {
			c.publishDecision(data, last)
		}
	}
}

// publishDecision sends a message to the stream. One that doesn't arrive is sent again.
func (c *Carrier) publishDecision(data []byte, last uint64) {
	m := nats.NewMsg(protocol.DecisionSubject(c.opened.Job))
	m.Header.Set(nats.ExpectedLastSubjSeqHdr, strconv.FormatUint(last, 10))
	m.Reply, m.Data = c.decisionInbox(), data
	_ = c.conn.PublishMsg(m)
}

// decisionInbox is where the stream's confirmations come, which say nothing that reading doesn't: but refusals do.
func (c *Carrier) decisionInbox() string { return c.inbox + ".decided" }

// onStored takes the stream's answer to a decision.
func (c *Carrier) onStored(m *nats.Msg) {
	var ack struct {
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if json.Unmarshal(m.Data, &ack) != nil || ack.Error == nil {
		return
	}
	var last uint64
	if _, err := fmt.Sscanf(ack.Error.Description, "wrong last sequence: %d", &last); err != nil {
		c.noteOnce("the job's journal takes no decisions, which is tried again: " + ack.Error.Description)
		return
	}
	c.mu.Lock()
	again := c.decisions.refused(last)
	c.mu.Unlock()
	if again {
		c.deciding.give()
	}
}

// decided reads a message of the decisions' subject: this driver's own, or what an earlier one has left.
func (c *Carrier) decided(m *nats.Msg, seq uint64) {
	c.mu.Lock()
	then := c.decisions.read(seq, m.Data)
	c.mu.Unlock()
	c.deciding.give()
	if protocol.IsOutcomes(m.Data) {
		c.writtenBack(m)
		return
	}
	d, err := protocol.ReadDecisions(m.Data)
	switch {
	case err != nil:
		c.noteOnce("a driver of this job recorded a decision that makes no sense; was it of another version?")
	case d.Epoch < c.opened.Epoch:
		c.config.Decided(&d)
	case d.Epoch > c.opened.Epoch:
		c.renewing.give() // another driver has the job
	}
	for _, f := range then {
		f()
	}
}

// writtenBack reads outcomes that a driver has written anew. This one's own count already.
func (c *Carrier) writtenBack(m *nats.Msg) {
	o := &c.journal.outcomes
	if err := o.Read(m.Data); err != nil {
		c.noteOnce("a driver of this job recorded outcomes that make no sense; was it of another version?")
	} else if o.Epoch < c.opened.Epoch {
		c.config.Replay(o)
	}
}
