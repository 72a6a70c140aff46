package sim

import (
	"time"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// driver is a model of what stands around the coordinator in the process of a user's program. This file and
// drivertalk.go are the carrier's part (internal/engine/remote): offers and batches here, messages to nodes and the
// journal there. Its decisions are the real ones.
type driver struct {
	*session
	s     *sim
	job   *job
	life  *life
	host  *host
	epoch uint32

	lot    dispatch.Lot
	handed dispatch.Handed
	downs  dispatch.Downs
	births dispatch.Births
	nodes  *dispatch.Nodes
	roll   dispatch.RollCall
	lease  dispatch.Lease

	began   bool // all of earlier epochs is read
	paused  bool
	leaving bool
	woken   bool
	news    bool // of tasks: all offers are to be looked at
	speaks  bool
	number  uint64 // of the last batch
	read    int    // the journal was read up to there
	acked   int
	until   int // up to there it is of earlier epochs
	old     []*dispatch.Parked
	scratch []*dispatch.Parked
	batch   protocol.Batch

	deciding  []*attempt // tasks that are to be recorded before they begin
	flying    []*attempt
	flyingAt  time.Duration
	decidedAt int // the last decision that was read
}

// The carrier's periods.
const (
	handOver  = 2 * time.Second
	resend    = 2 * time.Second
	beat      = 250 * time.Millisecond
	openAgain = time.Second
	turnRound = 20 * time.Microsecond // between a reason to look at the offers, and looking
	ackEvery  = 256
)

var ages = protocol.Ages{Renew: 5 * time.Second, Dead: 15 * time.Second, Ask: 3 * time.Second}

// start runs a job's program in a new process.
func (s *sim) start(j *job) {
	d := &driver{s: s, job: j, life: &life{}}
	d.host = s.net.join(&host{life: d.life, server: s.rng.IntN(servers)})
	d.host.gone, d.host.back = d.disconnected, d.connected
	d.session = newSession(d)
	j.driver = d
	d.open()
}

// open asks for the job until the head gives it.
func (d *driver) open() {
	asked := d.s.time()
	d.s.head.ask(d.host, func(h *head) func() {
		epoch, last, ok := h.open(d)
		quota, told := h.quota(d)
		return func() {
			if ok && d.epoch == 0 {
				d.keepTo(quota, told)
				d.opened(epoch, last, asked)
			}
		}
	})
	d.s.within(d.life, openAgain, func() {
		if d.epoch == 0 {
			d.open()
		}
	})
}

func (d *driver) opened(epoch uint32, last int, asked time.Time) {
	d.epoch, d.until = epoch, last
	d.job.found[epoch] = last
	d.nodes = dispatch.NewNodes(ages)
	d.nodes.Link(d.s.time())
	d.lease = dispatch.NewLease(ages.Dead, asked)
	d.roll = dispatch.NewRollCall(epoch, d.s.time())
	d.job.stream.follow(d)
	d.s.every(d.life, ages.Renew, ages.Renew, d.renew)
	d.s.every(d.life, beat, beat, d.tick)
	d.caughtUp()
}

// caughtUp begins with the program once the journal of earlier epochs is read.
func (d *driver) caughtUp() {
	if d.began || d.epoch == 0 || d.read < d.until {
		return
	}
	d.began = true
	d.roll.Begin(d.s.time())
	d.run()
	d.wake()
}

// listens reports whether the process hears offers, or what nodes say.
func (d *driver) listens() bool { return d != nil && !d.life.over && d.epoch > 0 && d.began }

func (d *driver) renew() {
	asked := d.s.time()
	load := d.load()
	d.s.head.ask(d.host, func(h *head) func() {
		epoch := h.renew(d, load)
		quota, told := h.quota(d)
		return func() {
			d.keepTo(quota, told)
			if epoch > d.epoch {
				d.superseded()
				return
			}
			d.paused = false
			if d.lease.Renew(asked) {
				d.wake()
			}
		}
	})
}

// superseded ends the process: another driver has the job.
func (d *driver) superseded() { d.life.over = true }

func (d *driver) tick() {
	now := d.s.time()
	if d.lease.Check(now) {
		d.paused = true
	}
	if d.nodes.IsConnected() {
		for _, b := range d.handed.Due(now.Add(-handOver)) {
			d.unconfirmed(b.Node, b.Tasks)
		}
		for _, m := range d.downs.Again(now.Add(-resend), now) {
			d.sayTo(m)
		}
		d.decide()
	}
	for _, node := range d.nodes.Dead(now) {
		d.forget(node)
		d.lost(node)
	}
	if d.roll.Late(now) || d.lot.Len() > 0 {
		d.wake()
	}
	d.ack()
}

func (d *driver) forget(node string) {
	d.handed.Drop(node)
	d.downs.Drop(node)
	d.lot.Remove(node)
}

// onDigest hears the head's word on who is alive.
func (d *driver) onDigest(c *protocol.ClusterDigest) {
	if d.epoch == 0 {
		return
	}
	for _, node := range d.nodes.Digest(c, d.s.time()) {
		d.ask(node)
	}
	if d.roll.Digest(c) {
		d.wake()
	}
	d.survey(c)
}

// ask asks a node whether it lives.
func (d *driver) ask(node string) {
	a := d.s.agent(node)
	d.s.net.send(d.host, a.host, func() {
		a.know(d.job, d.epoch)
		d.s.net.send(a.host, d.host, func() { d.nodes.Heard(node) })
	})
}

func (d *driver) disconnected() {
	if d.epoch == 0 {
		return
	}
	d.nodes.Link(time.Time{})
	d.old = append(d.old, d.lot.Clear()...)
}

func (d *driver) connected() {
	if d.epoch == 0 {
		return
	}
	now := d.s.time()
	d.nodes.Link(now)
	d.handed.Grant(now.Add(resend))
	for _, m := range d.downs.Again(now, now) {
		d.sayTo(m)
	}
	for _, p := range d.old {
		d.answer(p, nil)
	}
	d.old = nil
	d.flyingAt = -resend
	d.renew()
	d.wake()
}

// onOffer parks a node's offer.
func (d *driver) onOffer(o protocol.Offer) {
	if o.Epoch > d.epoch {
		d.renew()
		return
	}
	reborn, stale := d.births.Of(o.Node, o.Life)
	if stale {
		return
	}
	if reborn {
		d.forget(o.Node)
	}
	p := &dispatch.Parked{Offer: o}
	crossed := o.Taken != 0 && d.handed.Newest(o.Node) > o.Taken // a batch
	tooMany := !crossed && !d.lot.Add(p)
	d.nodes.Heard(o.Node)
	d.roll.Answer(o.Node)
	if tooMany {
		d.answer(p, nil)
	}
	d.look()
}

// wake has all offers looked at, and look those that have just come.
func (d *driver) wake() {
	d.news = true
	d.look()
}

func (d *driver) look() {
	if d.woken || !d.began {
		return
	}
	d.woken = true
	d.s.within(d.life, turnRound, func() {
		d.woken = false
		d.round()
	})
}

func (d *driver) round() {
	if d.news {
		d.scratch = d.lot.All(d.scratch[:0])
	} else {
		d.scratch = d.lot.Fresh(d.scratch[:0])
	}
	d.news = false
	for _, node := range d.births.Take() {
		if !d.s.has(missesRebirth) {
			d.lost(node)
		}
	}
	for _, p := range d.scratch {
		if !d.roll.Over() || d.paused || d.leaving || !d.host.linked {
			break
		}
		if !d.give(p) {
			break // nobody gets anything now
		}
	}
	for _, p := range d.scratch { // also those that weren't looked at
		p.Waits = true
	}
	clear(d.scratch)
}

func (d *driver) give(p *dispatch.Parked) (more bool) {
	b := &d.batch
	b.Tasks = b.Tasks[:0]
	if more = d.take(&p.Offer, p.Shared && p.Waits, b); len(b.Tasks) == 0 {
		return more
	}
	d.number++
	d.handed.Add(d.number, p.Node, b.Tasks, d.s.time())
	d.nodes.Use(p.Node)
	d.answer(d.lot.Remove(p.Node), &protocol.Batch{Epoch: d.epoch, Number: d.number, Tasks: append([]protocol.Task(nil), b.Tasks...)})
	return more
}

// answer ends an offer by a batch; one without tasks says that there is nothing now.
func (d *driver) answer(p *dispatch.Parked, b *protocol.Batch) {
	if b == nil {
		b = &protocol.Batch{Epoch: d.epoch}
	}
	if p == nil {
		return
	}
	a := d.s.agent(p.Node)
	life, number := p.Life, p.Number
	if d.s.has(givesTwice) {
		d.giveTwice(a, b)
	}
	if d.s.net.send(d.host, a.host, func() { a.onBatch(d.job, life, number, b) }) || len(b.Tasks) == 0 {
		return
	}
	if lost := d.handed.Remove(b.Number); lost != nil {
		d.unconfirmed(p.Node, lost.Tasks)
	}
}

// giveTwice gives a batch to another node too.
func (d *driver) giveTwice(a *agent, b *protocol.Batch) {
	other := d.s.agents[(a.n+1)%len(d.s.agents)]
	d.s.net.send(d.host, other.host, func() {
		if w := other.jobs[d.job.n]; w != nil {
			other.onBatch(d.job, w.life, w.offer.number, b)
		}
	})
}
