package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// How attempts end from outside: a worker's death, and what a driver says.

// die ends a worker by a crash.
func (p *worker) die() {
	w, a := p.w, p.w.a
	p.life.over = true
	if w.main == p {
		w.main = nil
	}
	one := len(p.runs) == 1
	for _, r := range slices.Clone(p.runs) {
		a.s.truth.excuse(r, "killed with its worker")
		w.forget(r)
		switch {
		case r.epoch == w.epoch:
			w.up.say(protocol.GiveBack{Attempt: r.at, Reason: protocol.WorkerDied, Alone: one})
		case !r.orphan:
			w.up.say(protocol.Held{Key: keyOf(r.task), Gone: true})
		}
	}
	w.former = slices.DeleteFunc(w.former, func(x *run) bool { return x.over })
	if len(w.waiting) > 0 {
		w.giveSingles()
	}
	a.grantResumes()
	a.offer()
}

// onDown takes what a coordinator says, and reports whether it is heard.
func (a *agent) onDown(j *job, epoch uint32, items []protocol.Item) bool {
	w := a.jobs[j.n]
	if w != nil && epoch < w.epoch {
		return false
	}
	if w != nil && epoch > w.epoch {
		a.know(j, epoch)
	}
	for _, it := range items {
		if w == nil || w.over {
			return true
		}
		switch it := it.(type) {
		case protocol.Settle:
			if r := w.tasks[it.By]; r != nil {
				r.settle(it)
			}
		case protocol.Stop:
			w.stop(it.Attempt)
		case protocol.TakeBack:
			w.takeBack(it.Attempt)
		case protocol.Begin:
			if r := w.tasks[it.Attempt]; r != nil && !r.given && r.once {
				w.dispatch(r)
			}
		case protocol.Hold:
			a.holdFor(w, it)
		case protocol.Quit:
			w.end()
		}
	}
	a.offer()
	return true
}

func (w *work) stop(at protocol.Attempt) {
	r := w.tasks[at]
	switch {
	case r == nil:
	case !r.given:
		w.forget(r)
		w.up.say(protocol.GiveBack{Attempt: at, Reason: protocol.NotStarted})
	default:
		r.after(time.Millisecond, r.stop)
	}
}

// takeBack gives back a task that hasn't begun.
func (w *work) takeBack(at protocol.Attempt) {
	r := w.tasks[at]
	if r == nil || r.began || r.spoke || r.once {
		return
	}
	p := r.on
	w.forget(r)
	w.up.say(protocol.GiveBack{Attempt: at, Reason: protocol.Returned})
	if p != nil {
		p.fill()
	}
}

// fill charges what a worker still has its whole need, as far as that is free.
func (p *worker) fill() {
	for _, r := range p.runs {
		more := p.w.a.ledger.Fill(&r.Charge, r.need)
		p.charged += more
		p.w.used.CPU += more
		p.w.moved = p.w.moved || more > 0
	}
	p.pump()
}

func sorted(m map[protocol.Attempt]*run) []*run {
	list := make([]*run, 0, len(m))
	for _, r := range m {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y *run) int {
		if x.at.Task != y.at.Task {
			return int(int64(x.at.Task) - int64(y.at.Task))
		}
		return int(x.at.N) - int(y.at.N)
	})
	return list
}
