package sim

import (
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

// worker is a process that runs a job's tasks.
type worker struct {
	w       *work
	life    *life
	ready   bool
	last    bool // it gets no more tasks
	queue   []*run
	running int
	charged int64
	runs    []*run // all that it has
}

const startWorker = 200 * time.Millisecond

// dispatch gives a run to a worker, or has it wait for one of its own.
func (w *work) dispatch(r *run) {
	if r.alone {
		w.waiting = append(w.waiting, r)
		w.giveSingles()
		return
	}
	if w.main == nil {
		w.main = w.startWorker()
	}
	w.main.give(r)
}

// giveSingles gives runs that are to be alone to workers that have none, of which as many as CPUs are busy.
func (w *work) giveSingles() {
	w.singles = slices.DeleteFunc(w.singles, func(p *worker) bool { return p.life.over || p.last })
	for len(w.waiting) > 0 {
		i := slices.IndexFunc(w.singles, func(p *worker) bool { return len(p.runs) == 0 })
		if i < 0 && w.busySingles() >= int(w.a.ledger.Total.CPU/coordinator.Unit) {
			return
		}
		if i < 0 {
			i = len(w.singles)
			w.singles = append(w.singles, w.startWorker())
		}
		r := w.waiting[0]
		w.waiting = w.waiting[1:]
		w.singles[i].give(r)
	}
}

// busySingles is how many of them have a run that doesn't wait.
func (w *work) busySingles() (n int) {
	for _, p := range w.singles {
		if !p.runs[0].Lent {
			n++
		}
	}
	return n
}

func (w *work) startWorker() *worker {
	p := &worker{w: w, life: &life{}}
	w.a.s.within(w.a.life, startWorker, func() {
		if !p.life.over {
			p.ready = true
			p.pump()
		}
	})
	return p
}

func (p *worker) give(r *run) {
	r.on, r.given = p, true
	p.runs = append(p.runs, r)
	p.queue = append(p.queue, r)
	p.charged += r.CPU
	p.pump()
}

func (p *worker) drop(r *run) {
	p.runs = slices.DeleteFunc(p.runs, func(x *run) bool { return x == r })
	p.queue = slices.DeleteFunc(p.queue, func(x *run) bool { return x == r })
	p.charged -= r.CPU
	if r.began && !r.Lent {
		p.running--
	}
}

// slots is how many functions run at once: those of a pack share what they are charged.
func (p *worker) slots() int {
	return max(1, int((p.charged+coordinator.Unit/2)/coordinator.Unit))
}

// pump begins what may run.
func (p *worker) pump() {
	for p.ready && len(p.queue) > 0 && p.running < p.slots() {
		r := p.queue[0]
		p.queue = p.queue[1:]
		p.running++
		r.begin()
	}
}
