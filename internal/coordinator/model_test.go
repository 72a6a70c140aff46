package coordinator

import (
	"math"
	"slices"
)

// world is a second coordinator, slow and obvious: it keeps no list, count or order that could be derived, and after
// each event it looks at everything until nothing changes. The Machine is compared with it.
type world struct {
	total []int64
	tasks []*task // live, in order of submission
	sets  []*task // of the state Set; their deps are what is in them
	num   uint64
	seq   int // of the last entry into a queue
	acts  []Action
}

type task struct {
	id                ID
	num               uint64
	spec              Spec
	need              []int64 // by dimension
	prio              int32
	state             State
	attempt           int
	deps              []*task // what a Waiting task waits for, what a Blocked one has waited for since; ended ones too
	outside           bool    // a Blocked one: something else will end its wait
	canceled, expired bool
	why               uint8
	scope             ScopeID
	since             int // when it entered its queue
	out               Outcome
}

func (w *world) find(id ID) *task {
	for _, t := range w.all() {
		if t.id == id {
			return t
		}
	}
	return nil
}

// all are the tasks and the sets.
func (w *world) all() []*task { return append(slices.Clone(w.tasks), w.sets...) }

func (w *world) act(a Action) { w.acts = append(w.acts, a) }

func (w *world) submit(id ID, s Spec, need []int64) {
	w.num++
	t := &task{id: id, num: w.num, spec: s, need: need, prio: s.Priority, state: Waiting, attempt: int(s.Attempts), scope: s.Scope}
	if s.Attempts > 0 {
		t.state = Backoff
	}
	w.tasks = append(w.tasks, t)
	for _, d := range s.Deps {
		if dep := w.find(d); dep != nil {
			t.deps = append(t.deps, dep)
			w.inherit(dep, t.prio)
		}
	}
	w.conclude()
}

// inherit lets t, and all it waits for, have at least the priority p.
func (w *world) inherit(t *task, p int32) {
	if t.state == Free || t.prio >= p {
		return
	}
	t.prio = p
	if t.state == Ready || t.state == Resuming {
		w.enter(t, t.state)
	}
	for _, d := range t.deps {
		w.inherit(d, p)
	}
}

// enter puts t at the end of the queue of its state.
func (w *world) enter(t *task, s State) {
	w.seq++
	t.state, t.since = s, w.seq
}

func (t *task) rank() [3]int64 {
	r := [3]int64{0, int64(t.prio), min(int64(t.spec.Depth), math.MaxInt32)}
	if t.spec.Front {
		r[0] = 1
	}
	return r
}

// before reports whether t goes before o in one queue.
func (t *task) before(o *task) bool {
	a, b := t.rank(), o.rank()
	if c := slices.Compare(a[:], b[:]); c != 0 {
		return c > 0
	}
	return t.since < o.since
}

// first is the first of those that pass, in the order that before gives.
func (w *world) first(pass func(*task) bool) (best *task) {
	for _, t := range w.tasks {
		if pass(t) && (best == nil || t.before(best)) {
			best = t
		}
	}
	return best
}

// next is the task to be given out: of the first ones of each need that fit, the one of the highest rank, then the oldest.
func (w *world) next() *task {
	resuming := w.first(func(t *task) bool { return t.state == Resuming }) != nil
	var best *task
	for _, t := range w.tasks {
		if t.state != Ready || !w.fits(t) || resuming && t.need[CPU] > 0 {
			continue
		}
		if w.first(func(o *task) bool { return o.state == Ready && o.spec.Need == t.spec.Need }) != t {
			continue
		}
		if best == nil || t.rank() != best.rank() && t.before(best) || t.rank() == best.rank() && t.num < best.num {
			best = t
		}
	}
	if best != nil {
		best.state, best.deps, best.outside = Running, nil, false
		best.attempt++
	}
	w.conclude()
	return best
}

func (t *task) holds() bool  { return t.state == Running || t.state == Blocked || t.state == Resuming }
func (t *task) active() bool { return t.holds() || t.state == Joining }

// charge is what t is charged with.
func (t *task) charge(d int) int64 {
	if !t.holds() || Dim(d) == CPU && t.state != Running {
		return 0
	}
	return t.need[d]
}

func (w *world) free(d int) int64 {
	free := w.total[d]
	for _, t := range w.tasks {
		free -= t.charge(d)
	}
	return free
}

func (w *world) fits(t *task) bool {
	for d, n := range t.need {
		if n > 0 && w.free(d) < n {
			return false
		}
	}
	return true
}

func (w *world) finish(t *task, attempt int, res Result) (Outcome, uint8) {
	if t == nil || !t.active() || t.attempt != attempt {
		return Ignored, 0
	}
	good := res == Succeeded && !t.expired
	if !good && res != Fatal && t.state != Joining && !t.canceled && t.attempt <= int(t.spec.Retries) {
		t.state, t.expired, t.deps, t.outside = Backoff, false, nil, false
		w.conclude()
		return Retry, 0
	}
	out := Failed
	switch {
	case t.canceled:
		out = Canceled
	case good:
		out = Done
	}
	w.end(t, out)
	w.conclude()
	return out, t.why
}

func (w *world) end(t *task, out Outcome) {
	t.state, t.out = Free, out
	w.tasks = slices.DeleteFunc(w.tasks, func(o *task) bool { return o == t })
}

// settle ends a task that isn't active.
func (w *world) settle(t *task, a Action) {
	a.Verb, a.ID = Settle, t.id
	w.act(a)
	w.end(t, a.Outcome)
}

func (w *world) due(t *task, attempt int) {
	if t != nil && t.state == Backoff && t.attempt == attempt {
		w.enter(t, Ready)
		w.conclude()
	}
}

func (w *world) cancel(t *task, why uint8) {
	switch {
	case t == nil || t.canceled:
	case t.active():
		t.canceled, t.why = true, why
		w.act(Action{Verb: Interrupt, ID: t.id, Why: why})
	default:
		w.settle(t, Action{Outcome: Canceled, Why: why, Started: t.attempt > 0})
	}
	w.conclude()
}

func (w *world) cancelScope(s ScopeID, why uint8) {
	all := slices.Clone(w.tasks)
	slices.Reverse(all)
	for _, t := range all {
		if t.scope == s {
			w.cancel(w.find(t.id), why)
		}
	}
}

func (w *world) expire(t *task, attempt int) {
	if t != nil && t.holds() && t.attempt == attempt && !t.canceled && !t.expired {
		t.expired = true
		w.act(Action{Verb: Interrupt, ID: t.id})
	}
	w.conclude()
}
