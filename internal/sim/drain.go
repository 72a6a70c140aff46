package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// drain empties a machine (cluster/agent/drain.go): it takes nothing more, gives back what hasn't begun, and after a while
// what still runs. Later it takes tasks again.
func (a *agent) drain(within, rest time.Duration) {
	a.draining = true
	for _, w := range a.jobs {
		if w != nil {
			w.retire()
			a.withdraw(w)
		}
	}
	a.s.within(a.life, within, func() {
		for _, w := range a.jobs {
			if w != nil && !a.s.has(staysFull) {
				w.giveBackAll()
			}
		}
		if a.ledger.Free.CPU != a.ledger.Total.CPU || a.ledger.Free.Memory != a.ledger.Total.Memory {
			a.s.fail("node %s isn't empty though it was drained: %+v of %+v are free", a.name, a.ledger.Free, a.ledger.Total)
		}
	})
	a.s.within(a.life, within+rest, func() {
		a.draining = false
		for _, w := range a.jobs {
			if w != nil {
				w.offer.parked, w.offer.rest = false, 0
			}
		}
		a.offer()
	})
}

// retire gives back what hasn't begun, and lets workers end with the rest.
func (w *work) retire() {
	for _, r := range sorted(w.tasks) {
		if !r.given || !r.began && !r.once {
			w.forget(r)
			w.up.say(protocol.GiveBack{Attempt: r.at, Reason: protocol.Returned})
		}
	}
	w.former = slices.DeleteFunc(w.former, func(r *run) bool {
		goes := !r.began && !r.once && !r.orphan
		if goes {
			w.forget(r)
			w.up.say(protocol.Held{Key: keyOf(r.task), Gone: true})
		}
		return goes
	})
	if w.main != nil {
		w.main.last, w.main = true, nil
	}
	for _, p := range w.singles {
		p.last = true
	}
	w.singles = nil
}

// withdraw has an offer of nothing take the place of one that waits.
func (a *agent) withdraw(w *work) {
	if o := &w.offer; o.parked {
		o.number++
		x := protocol.Offer{Epoch: w.epoch, Number: o.number, Node: a.name, Life: w.life, Taken: o.taken}
		a.s.toDriver(a, w.job, func(d *driver) { d.onOffer(x) }, func() {})
	}
}

// giveBackAll ends what still runs.
func (w *work) giveBackAll() {
	for _, r := range append(sorted(w.tasks), w.former...) {
		w.a.s.truth.excuse(r, "drained")
		if r.on != nil {
			r.on.life.over = true
		}
		w.forget(r)
		why := protocol.Returned
		if r.given && r.once {
			why = protocol.WorkerDied // it may have begun
		}
		switch {
		case r.epoch == w.epoch && !r.orphan && !slices.Contains(w.former, r):
			w.up.say(protocol.GiveBack{Attempt: r.at, Reason: why})
		case !r.orphan:
			w.up.say(protocol.Held{Key: keyOf(r.task), Gone: true})
		}
	}
	w.former = nil
}
