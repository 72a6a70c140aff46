package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// run is an attempt that an agent has.
type run struct {
	ledger.Charge
	w      *work
	at     protocol.Attempt
	epoch  uint32
	task   int32
	alone  bool
	once   bool
	deps   []protocol.Dep
	need   int64   // CPU: a task of a pack is charged a part of it
	on     *worker // nil while it waits for one
	given  bool    // to a worker
	began  bool    // its function runs
	over   bool
	spoke  bool
	orphan bool
	waited bool   // for what it has called
	told   bool   // to a driver after its own
	wants  int    // calls that it waits for
	exec   uint32 // which execution it is
	inputs uint64
}

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

// begin calls the function.
func (r *run) begin() {
	r.began = true
	s, w := r.w.a.s, r.w
	if w.a.draining && !r.once {
		s.fail("node %s begins task %d of job %d though it is drained", w.a.name, r.task, w.job.n)
	}
	t := &w.job.program.tasks[r.task]
	for _, d := range r.deps {
		if s.has(mixesValues) {
			d = r.deps[0]
		}
		r.inputs = mix(r.inputs, binary.LittleEndian.Uint32(d.Value.Data))
	}
	r.exec = s.truth.begin(w.job, r.task)
	s.checkLimit(w.job.user)
	took := time.Duration(float64(t.took) * w.a.slow)
	switch {
	case t.nature == poison:
		r.after(min(took, time.Millisecond), func() { r.on.die() })
	case t.many > 0:
		r.after(took/2, r.call)
	default:
		r.after(took, func() { r.finish(took) })
	}
}

// after goes on with the function, unless that has ended.
func (r *run) after(d time.Duration, do func()) {
	r.w.a.s.within(r.w.a.life, d, func() {
		if !r.over && !r.on.life.over {
			do()
		}
	})
}

// call calls other tasks, and waits for them.
func (r *run) call() {
	t := &r.w.job.program.tasks[r.task]
	if r.epoch != r.w.epoch || r.orphan {
		r.becomeOrphan()
		return
	}
	r.spoke = true
	var items []protocol.Item
	for k := t.kids; k < t.kids+t.many; k++ {
		arg := binary.LittleEndian.AppendUint32(nil, uint32(k))
		items = append(items, protocol.Call{By: r.at, Seq: uint64(k-t.kids) + 1, Arg: arg})
	}
	if t.nature == hasty {
		r.w.up.say(items...)
		r.after(t.took/2, func() { r.finish(t.took) })
		return
	}
	for k := t.kids; k < t.kids+t.many; k++ {
		items = append(items, protocol.Want{By: r.at, Ref: refOf(k), Waits: true})
	}
	r.wants = int(t.many)
	r.w.up.say(append(items, protocol.Block{By: r.at, Waits: true})...)
	r.w.a.lend(r)
	r.waited = true
	r.on.running--
	r.on.pump()
	r.w.giveSingles()
	r.w.a.grantResumes()
	r.w.a.offer()
}

// becomeOrphan ends an attempt that calls when nobody could answer it.
func (r *run) becomeOrphan() {
	r.orphan = true
	r.w.a.s.truth.excuse(r, "orphan")
	r.w.up.say(protocol.Held{Key: keyOf(r.task), Gone: true})
	r.stop()
}

// settle brings a value that was asked for.
func (r *run) settle(s protocol.Settle) {
	if r.wants == 0 || r.over {
		return
	}
	r.inputs += mix(uint64(binary.LittleEndian.Uint32([]byte(s.Ref))), binary.LittleEndian.Uint32(s.Value.Data)) // in any order
	if r.wants--; r.wants == 0 {
		r.w.a.resume = append(r.w.a.resume, r)
		r.w.a.grantResumes()
	}
}

// grantResumes lets attempts go on whose wait has ended, in order, as far as there are CPUs.
func (a *agent) grantResumes() {
	for len(a.resume) > 0 {
		r := a.resume[0]
		if !r.over {
			if !a.regain(r) {
				return
			}
			r.on.running++
			r.w.up.say(protocol.Block{By: r.at})
			took := r.w.job.program.tasks[r.task].took
			r.after(time.Duration(float64(took)*a.slow)/2, func() { r.finish(took) })
		}
		a.resume = a.resume[1:]
	}
}

// finish ends an attempt by itself.
func (r *run) finish(took time.Duration) {
	t := &r.w.job.program.tasks[r.task]
	how := succeeded
	if t.nature == broken || t.nature == flaky && r.at.N == 1 {
		how = failed
		r.w.a.s.truth.excuse(r, "failed")
	}
	r.ends(how, took)
}

// stop interrupts an attempt.
func (r *run) stop() {
	if r.over {
		return
	}
	r.ends(canceled, 0)
}

// ends records an outcome.
func (r *run) ends(how status, took time.Duration) {
	w, a, p := r.w, r.w.a, r.on
	w.a.s.truth.end(r)
	w.forget(r)
	w.former = slices.DeleteFunc(w.former, func(x *run) bool { return x == r })
	if !r.orphan {
		w.out.add(r.epoch, outcome{
			id: coordinator.ID(r.at.Task), attempt: r.at.N, task: r.task, status: how, took: took, exec: r.exec,
			untold: r.epoch < w.epoch && !r.told,
		})
		w.out.wake()
	}
	a.grantResumes()
	p.pump()
	if len(w.waiting) > 0 {
		w.giveSingles()
	}
	a.offer()
}
