package sim

import (
	"time"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// What a driver and its nodes say to each other, and the journal.

// onUp takes what a node says, and answers that it was heard.
func (d *driver) onUp(a *agent, epoch uint32, items []protocol.Item, heard func()) {
	if epoch > d.epoch {
		d.renew()
		return
	}
	if epoch == d.epoch {
		d.nodes.Heard(a.name)
		holds := false
		for _, it := range items {
			switch it := it.(type) {
			case protocol.Accept:
				d.handed.Confirm(a.name, it.Number, d.s.time())
			case protocol.Held:
				if _, stale := d.births.Of(a.name, it.Life); stale {
					continue
				}
				holds = true
				d.nodes.Use(a.name)
				d.up(a, it)
			default:
				d.up(a, it)
			}
		}
		if holds && d.roll.Answer(a.name) {
			d.wake()
		}
	}
	d.s.net.send(d.host, a.host, heard)
}

// tell says something to a node, until it is heard.
func (d *driver) tell(a *agent, it protocol.Item) {
	if d.nodes.Gone(a.name) {
		return
	}
	d.downs.Add(a.name, it)
	if !d.speaks {
		d.speaks = true
		d.s.within(d.life, turnRound, func() {
			d.speaks = false
			d.say()
		})
	}
}

func (d *driver) say() {
	for m, ok := d.downs.Next(d.s.time()); ok; m, ok = d.downs.Next(d.s.time()) {
		d.sayTo(m)
	}
}

func (d *driver) sayTo(m dispatch.Message) {
	a := d.s.agent(m.Node)
	items := append([]protocol.Item(nil), m.Items...)
	d.s.net.send(d.host, a.host, func() {
		if !a.onDown(d.job, d.epoch, items) {
			return
		}
		d.s.net.send(a.host, d.host, func() {
			d.downs.Answered(m.Node, m.Number)
			d.nodes.Heard(m.Node)
			d.say()
		})
	})
}

// onRecord reads the journal, in its order.
func (d *driver) onRecord(r *record, seq int) {
	if seq != d.read+1 {
		d.acked = min(d.acked, seq-1) // it came again: an acknowledgement was lost; or there is a gap, and all comes again
		return
	}
	d.read = seq
	switch {
	case r.node == nil:
		d.decidedIs(r, seq)
	case r.epoch == d.epoch:
		d.outcomes(r)
	case r.epoch < d.epoch:
		for i := range r.outcomes {
			d.replay(r.node, &r.outcomes[i])
		}
	}
	if d.read-d.acked >= ackEvery {
		d.ack()
	}
	d.caughtUp()
}

func (d *driver) ack() {
	if seq := d.read; seq > d.acked && d.s.net.send(d.host, d.s.store, func() { d.job.stream.ack(d, seq) }) {
		d.acked = seq
	}
}

// decide records that tasks begin which must not run twice: one message is on its way at a time, until it is read back.
func (d *driver) decide() {
	if d.flying == nil {
		if len(d.deciding) == 0 {
			return
		}
		d.flying, d.deciding = d.deciding, nil
	} else if d.s.now-d.flyingAt < resend {
		return
	}
	d.flyingAt = d.s.now
	r := record{epoch: d.epoch}
	for _, at := range d.flying {
		r.began = append(r.began, at.inst.task)
	}
	last := d.decidedAt
	d.s.net.send(d.host, d.s.store, func() { d.job.stream.append(r, last) })
}

// decidedIs reads a decision: this driver's own, or an earlier one's.
func (d *driver) decidedIs(r *record, seq int) {
	d.decidedAt = seq
	if r.epoch != d.epoch {
		for _, t := range r.began {
			d.begun[t] = true
		}
		return
	}
	flying := d.flying
	d.flying = nil
	for _, at := range flying {
		d.begins(at)
	}
	d.decide()
}

// quit ends the job: all that it was to do is done.
func (d *driver) quit() {
	if d.leaving {
		return
	}
	d.leaving = true
	d.job.finished(d)
	for _, node := range d.nodes.All() {
		d.tell(d.s.agent(node), protocol.Quit{})
	}
	d.s.within(d.life, time.Second, d.close)
}

func (d *driver) close() {
	d.s.head.ask(d.host, func(h *head) func() {
		h.close(d)
		return func() { d.life.over = true }
	})
	d.s.within(d.life, openAgain, d.close)
}
