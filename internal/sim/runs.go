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
