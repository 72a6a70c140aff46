package sim

import (
	"slices"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// take takes a batch for what was offered, as far as there is room.
func (w *work) take(b *protocol.Batch, offered int64) {
	a := w.a
	kept := a.keep(w)
	defer a.ledger.GiveUp(&kept)
	admission := a.ledger.Admit(offered, b.Tasks)
	for i := range b.Tasks {
		t := &b.Tasks[i]
		at := protocol.Attempt{Task: t.ID, N: t.Attempt}
		if w.tasks[at] != nil {
			continue
		}
		c, ok := admission.Charge(&t.Need)
		if ok && a.draining && !a.s.has(takesDrained) {
			a.ledger.Release(&c)
			ok = false
		}
		if !ok {
			w.up.say(protocol.GiveBack{Attempt: at, Reason: protocol.NotStarted})
			continue
		}
		r := &run{
			Charge: c, w: w, at: at, epoch: b.Epoch, task: taskOf(t.Key), deps: t.Deps, need: t.Need.CPU,
			alone: t.Flags&protocol.Alone != 0, once: t.Flags&protocol.Once != 0,
		}
		w.uses(&c, 1)
		a.came(w, &t.Need)
		w.tasks[at] = r
		if r.once && !a.s.has(beginsUnrecorded) {
			w.up.say(protocol.Started{Attempt: at})
		} else {
			w.dispatch(r)
		}
	}
}

// uses notes that a run has something of the machine, or hasn't it any more.
func (w *work) uses(c *ledger.Charge, sign int64) {
	w.used.Count(c, sign)
	w.moved = true
}

// lend makes a run's CPU free while it waits: it isn't its job's meanwhile.
func (a *agent) lend(r *run) {
	r.w.used.CPU -= r.CPU
	r.w.lends++
	r.w.moved = true
	a.ledger.Lend(&r.Charge)
}

// regain takes it again, if it is free.
func (a *agent) regain(r *run) bool {
	if !a.ledger.Regain(&r.Charge) {
		return false
	}
	r.w.used.CPU += r.CPU
	r.w.lends--
	r.w.moved = true
	return true
}

// forget takes back what a run holds: it is over.
func (w *work) forget(r *run) {
	if r.over {
		w.a.s.fail("node %s ends task %d twice", w.a.name, r.task)
	}
	r.over = true
	if w.tasks[r.at] == r { // an earlier epoch's may have the same name
		delete(w.tasks, r.at)
	}
	if p := r.on; p != nil {
		p.drop(r)
	}
	w.uses(&r.Charge, -1)
	if r.Lent {
		w.lends--
	}
	if w.a.s.has(keepsLent) {
		r.Lent = false
	}
	w.a.ledger.Release(&r.Charge)
	w.a.check()
	w.waiting = slices.DeleteFunc(w.waiting, func(x *run) bool { return x == r })
}

// check sees that all that is free comes from somewhere.
func (a *agent) check() {
	free, total := &a.ledger.Free, &a.ledger.Total
	if free.CPU < 0 || free.Memory < 0 || free.CPU > total.CPU || free.Memory > total.Memory {
		a.s.fail("node %s has %d of %d CPU free", a.name, free.CPU, total.CPU)
	}
}
