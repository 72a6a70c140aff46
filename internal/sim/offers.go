package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/fair"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// offered is the state of offers to a job (cluster/agent/offer.go).
type offered struct {
	number uint64
	parked bool
	room   ledger.Room   // what was free
	cpu    int64         // what was offered of it
	before int64         // the same of the offer before
	at     time.Duration // when it was made last
	since  time.Duration // when the job was first asked since it last gave something
	rest   time.Duration // nothing is offered before
	pause  time.Duration
	taken  uint64
}

const (
	turn       = 20 * time.Millisecond
	minPause   = 5 * time.Millisecond
	emptyWait  = 20 * time.Millisecond
	maxPause   = 2 * time.Second
	offerAgain = 30 * time.Second
	packSize   = 2048
)

// rank is a job's place among those that share the cluster (cluster/agent/share.go): each is another user's. What it has
// elsewhere is as the head has said last, and if all nodes had done since what this one did.
func (w *work) rank() fair.Rank {
	a := w.a
	all := a.s.head.total
	used, total := &a.scratch[0], &a.scratch[1]
	*used = append((*used)[:0], w.asIfAll(w.used.CPU)+w.quota.CPU, w.asIfAll(w.used.Memory)+w.quota.Memory)
	*total = append((*total)[:0], all.CPU, all.Memory)
	return fair.Rank{User: fair.Dominant(*used, *total), Owner: w.job.name, ID: w.job.name}
}

// asIfAll is what all nodes have of something if each has as much as this one: they are alike.
func (w *work) asIfAll(n int64) int64 { return n * int64(w.a.s.head.nodesUp) }

// offer offers what is free to jobs that haven't been asked.
func (a *agent) offer() {
	if a.life.over || a.draining && !a.s.has(takesDrained) || !a.ledger.Worth() && a.s.now < a.again {
		return // no job gets anything; those that have waited for long are told that again, now and then
	}
	if !a.ledger.Worth() {
		a.again = a.s.now + time.Second
	}
	var list []*work
	for _, w := range a.jobs {
		if w != nil && a.due(w) {
			list = append(list, w)
		}
	}
	if len(list) > 1 {
		list = a.inTurn(list)
	}
	for _, w := range list {
		a.offerTo(w)
	}
}

// part is how much of the free CPUs a job is offered first, while others may want some too.
func (a *agent) part(w *work) int64 {
	a.claims = a.claims[:0]
	mine := 0
	for _, other := range a.jobs {
		switch {
		case other == w:
			mine = len(a.claims)
		case other == nil || a.s.now < other.offer.rest || other.offer.parked && a.s.now-other.offer.since >= turn:
			continue
		}
		a.claims = append(a.claims, fair.Job{User: other.job.name, Used: other.cpus[:]})
		other.cpus[0] = other.used.CPU
	}
	if a.hold != nil && a.hold.w == w {
		return a.ledger.Free.CPU
	}
	return fair.Part(a.ledger.Free.CPU, coordinator.Unit, a.claims, mine)
}

// due reports whether a job is to be offered room now.
func (a *agent) due(w *work) bool {
	if a.hold != nil {
		kept := a.keep(w)
		defer a.ledger.GiveUp(&kept)
	}
	o, now := &w.offer, a.s.now
	switch {
	case !w.info || w.telling:
		return false
	case now < o.rest:
		a.wakeAt(o.rest)
		return false
	case o.parked && now-o.at >= offerAgain:
		return true
	case o.parked && o.cpu < o.room.CPU && now-o.since >= turn && a.ledger.Worth():
		return len(a.resume) == 0 // nobody else has taken the rest
	case o.parked && !a.ledger.Grown(&o.room):
		return false // the tick comes back to it
	}
	return len(a.resume) == 0 && a.ledger.Worth()
}

// inTurn keeps those jobs that may be asked now: first the one with the smallest share, and others once it has had its
// turn.
func (a *agent) inTurn(list []*work) (first []*work) {
	now := a.s.now
	var asked *work
	for _, w := range a.jobs {
		if w == nil || !w.info {
			continue
		}
		if w.moved {
			w.place, w.moved = w.rank(), false
		}
		if w.offer.parked && now-w.offer.since < turn && (asked == nil || w.precedes(asked)) {
			asked = w
		}
	}
	for len(list) > 0 {
		k := 0
		for i, w := range list {
			if w.precedes(list[k]) {
				k = i
			}
		}
		w := list[k]
		list[k] = list[len(list)-1]
		list = list[:len(list)-1]
		if asked != nil && asked.precedes(w) {
			a.wakeAt(asked.offer.since + turn)
			return first
		}
		first = append(first, w)
		if w.offer.parked {
			continue
		}
		if len(list) > 0 {
			a.wakeAt(now + turn)
		}
		break
	}
	return first
}

func (w *work) precedes(o *work) bool { return w.place.Compare(o.place) < 0 }

// offerTo makes an offer. A job that hasn't been asked yet is offered its part.
func (a *agent) offerTo(w *work) {
	kept := a.keep(w)
	defer a.ledger.GiveUp(&kept)
	o := &w.offer
	o.number++
	o.before, o.room, o.cpu = o.cpu, a.ledger.Free, a.ledger.Free.CPU
	if !o.parked {
		o.since = a.s.now
		o.cpu = min(a.ledger.Free.CPU, a.part(w))
		if o.cpu < o.room.CPU {
			a.wakeAt(a.s.now + turn)
		}
	}
	o.parked, o.at = true, a.s.now
	if !a.ledger.Worth() {
		o.room.CPU, o.cpu = 0, 0
	}
	x := protocol.Offer{
		Epoch: w.epoch, Number: o.number, Node: a.name, Most: int(a.ledger.Total.CPU/coordinator.Unit) * packSize,
		CPU: o.cpu, Memory: a.ledger.Free.Memory, Life: w.life, Taken: o.taken, Shared: a.sharesRoom(w),
	}
	a.s.toDriver(a, w.job, func(d *driver) { d.onOffer(x) }, func() { a.unheard(w) })
}

// sharesRoom reports whether another job has an offer too.
func (a *agent) sharesRoom(w *work) bool {
	return slices.ContainsFunc(a.jobs, func(o *work) bool { return o != nil && o != w && o.offer.parked })
}

// unheard makes a job rest whose offer reached nobody.
func (a *agent) unheard(w *work) {
	o := &w.offer
	o.parked = false
	o.pause = min(max(2*o.pause, minPause), maxPause)
	o.rest = a.s.now + o.pause/2 + time.Duration(a.s.rng.Int64N(int64(o.pause/2)))
	a.wakeAt(o.rest)
}

// wakeAt has the agent look at its offers by a time.
func (a *agent) wakeAt(t time.Duration) {
	t = max(t, a.s.now+time.Millisecond)
	if a.armed > a.s.now && t >= a.armed {
		return
	}
	a.armed = t
	a.s.within(a.life, t-a.s.now, func() {
		if a.armed == t {
			a.armed = 0
			a.offer()
		}
	})
}

// onBatch takes a coordinator's answer to an offer.
func (a *agent) onBatch(j *job, life, number uint64, b *protocol.Batch) {
	w := a.jobs[j.n]
	if w == nil || w.life != life || b.Epoch < w.epoch {
		return
	}
	if b.Epoch > w.epoch {
		a.know(j, b.Epoch)
	}
	o := &w.offer
	sum := o.cpu
	if number != o.number {
		sum = o.before // the two crossed
	}
	if len(b.Tasks) > 0 || number == o.number {
		o.parked, o.pause = false, 0
	}
	if len(b.Tasks) == 0 {
		if number == o.number {
			o.rest = a.s.now + emptyWait
			a.wakeAt(o.rest)
		}
		return
	}
	o.taken = b.Number
	w.up.sayLater(protocol.Accept{Number: b.Number})
	if w.isNew(b.Number) {
		w.take(b, sum)
	}
	a.offer()
}

// isNew reports whether a batch hasn't come before.
func (w *work) isNew(number uint64) bool {
	const most = 256
	for _, had := range w.came {
		if had == number {
			return false
		}
	}
	if w.came = append(w.came, number); len(w.came) > most {
		w.came = w.came[1:]
	}
	return true
}
