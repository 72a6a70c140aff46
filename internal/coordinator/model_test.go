package coordinator

import (
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
	bear  int // times that the first task of a need lets others take what it lacks
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
	urgent            bool // others lack what it holds, or what waits for it does
	passed            int  // times that others took what it lacks
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
			w.inherit(dep, t.prio, false)
		}
	}
	w.conclude()
}

// inherit lets t, and all it waits for, have at least the priority p, and be urgent if asked to.
func (w *world) inherit(t *task, p int32, urgent bool) {
	if t.state == Free || t.prio >= p && (t.urgent || !urgent) {
		return
	}
	t.prio = max(t.prio, p)
	t.urgent = t.urgent || urgent
	if t.state == Ready || t.state == Resuming {
		w.enter(t, t.state)
	}
	for _, d := range t.deps {
		w.inherit(d, p, urgent)
	}
}

// hurry makes those urgent who are blocked and hold what a ready task lacks, with all they wait for.
func (w *world) hurry() {
	var late []*task
	for d := range w.total {
		free := w.free(d)
		if Dim(d) == CPU || !slices.ContainsFunc(w.tasks, func(t *task) bool { return t.state == Ready && t.need[d] > free }) {
			continue
		}
		for _, o := range w.tasks {
			if o.state == Blocked && o.charge(d) > 0 {
				late = append(late, o)
			}
		}
	}
	slices.SortFunc(late, func(a, b *task) int { return int(a.num) - int(b.num) })
	for _, o := range late {
		w.inherit(o, o.prio, true)
	}
}

// enter puts t at the end of the queue of its state.
func (w *world) enter(t *task, s State) {
	w.seq++
	t.state, t.since = s, w.seq
}

func (t *task) rank() [3]int64 {
	r := [3]int64{0, int64(t.prio), min(int64(t.spec.Depth), 1<<30-1)}
	if t.front() {
		r[0] = 1
	}
	return r
}

func (t *task) front() bool { return t.spec.Front || t.urgent }

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

// next is the task to be given out. The first ones of each need are looked at in order: of the highest rank, then the
// oldest. One that lacks room holds it; the first one that fits and isn't held back is the one.
func (w *world) next() *task {
	var passed []*task
	var best *task
	for _, t := range w.heads() {
		if len(w.lacking(t)) > 0 {
			passed = append(passed, t)
			continue
		}
		if t.front() || !slices.ContainsFunc(passed, func(p *task) bool { return w.keeps(p, t) }) {
			best = t
			break
		}
	}
	if best != nil {
		for _, p := range passed {
			if shares(w.lacking(p), best) {
				p.passed = min(p.passed+1, w.bear)
			}
		}
		best.state, best.deps, best.outside, best.passed = Running, nil, false, 0
		best.attempt++
	}
	w.conclude()
	return best
}

// heads are the first ready tasks of each need, in order.
func (w *world) heads() (heads []*task) {
	first := map[NeedID]*task{}
	for _, t := range w.tasks {
		if o := first[t.spec.Need]; t.state == Ready && (o == nil || t.before(o)) {
			first[t.spec.Need] = t
		}
	}
	for _, t := range w.tasks {
		if first[t.spec.Need] == t {
			heads = append(heads, t)
		}
	}
	slices.SortStableFunc(heads, func(a, b *task) int {
		ra, rb := a.rank(), b.rank()
		return slices.Compare(rb[:], ra[:])
	})
	return heads
}

// lacking are the dimensions of which t lacks some. While tasks wait to be resumed, who needs CPU lacks all it needs.
func (w *world) lacking(t *task) (dims []int) {
	resuming := slices.ContainsFunc(w.tasks, func(t *task) bool { return t.state == Resuming })
	for d, n := range t.need {
		if n > 0 && (w.free(d) < n || resuming && t.need[CPU] > 0) {
			dims = append(dims, d)
		}
	}
	return dims
}

// keeps reports whether p, which lacks room, keeps t, which comes later, from starting.
func (w *world) keeps(p, t *task) bool {
	if p.passed >= w.bear {
		for d, n := range p.need {
			if n > 0 && t.need[d] > 0 {
				return true
			}
		}
	}
	rp, rt := p.rank(), t.rank()
	return slices.Compare(rt[:2], rp[:2]) < 0 && shares(w.lacking(p), t)
}

func shares(dims []int, t *task) bool {
	return slices.ContainsFunc(dims, func(d int) bool { return t.need[d] > 0 })
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
