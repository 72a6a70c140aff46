package coordinator

import (
	"math"
	"slices"
)

// over stands for a task that has ended and that nobody knows any more.
var over = &task{}

func (w *world) block(t *task, ids []ID) {
	if t == nil || !t.holds() {
		return
	}
	t.state = Blocked
	t.deps = slices.DeleteFunc(t.deps, func(d *task) bool { return d.state == Free }) // it has gone on since
	ids = slices.DeleteFunc(slices.Clone(ids), func(id ID) bool { return id == 0 })
	t.outside = t.outside || len(ids) == 0
	for _, id := range ids {
		switch on := w.find(id); {
		case on != nil:
			t.deps = append(t.deps, on)
			w.inherit(on, t.prio, t.urgent)
		case id == Outside:
			t.outside = true
		default:
			t.deps = append(t.deps, over)
		}
	}
	w.conclude()
}

func (w *world) include(set *task, id, on ID) {
	if d := w.find(on); d != nil {
		if set == nil {
			set = &task{id: id, state: Set, prio: math.MinInt32}
			w.sets = append(w.sets, set)
		}
		set.deps = append(set.deps, d)
		w.inherit(d, set.prio, set.urgent)
	}
	w.conclude()
}

// ring takes out of the sets what has ended, and has those go on who are blocked on them.
func (w *world) ring() {
	ended := func(d *task) bool { return d.state == Free }
	for _, set := range w.sets {
		if !slices.ContainsFunc(set.deps, ended) {
			continue
		}
		set.deps = slices.DeleteFunc(set.deps, ended)
		for _, t := range w.tasks {
			if slices.Contains(t.deps, set) {
				t.deps = append(t.deps, over)
			}
		}
		if len(set.deps) == 0 {
			set.state = Free
		}
	}
	w.sets = slices.DeleteFunc(w.sets, ended)
}

func (w *world) unblock(t *task) bool {
	if t == nil || t.state != Blocked {
		return t == nil || t.state != Resuming
	}
	t.deps, t.outside = nil, false
	queue := w.first(func(o *task) bool { return o.state == Resuming }) != nil
	if t.need[CPU] == 0 || !queue && w.free(int(CPU)) >= t.need[CPU] {
		t.state = Running
		w.conclude()
		return true
	}
	w.enter(t, Resuming)
	w.conclude()
	return false
}

func (w *world) join(t *task, id ID) {
	if t == nil || t.state != Joining {
		return
	}
	if t.canceled {
		w.settle(t, Action{Outcome: Canceled, Why: t.why})
	} else {
		t.state, t.deps = Waiting, nil
		if dep := w.find(id); dep != nil {
			t.deps = []*task{dep}
			w.inherit(dep, t.prio, t.urgent)
		}
	}
	w.conclude()
}

func (w *world) adopt(ids []ID, from, to ScopeID) {
	for t := range w.reach(ids) {
		if t.scope == from {
			t.scope = to
		}
	}
}

// reach is the set of the live tasks of ids and of all they wait for.
func (w *world) reach(ids []ID) map[*task]bool {
	set := map[*task]bool{}
	for _, id := range ids {
		if t := w.find(id); t != nil {
			set[t] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for t := range set {
			for _, d := range t.deps {
				if d.state != Free && !set[d] {
					set[d], grown = true, true
				}
			}
		}
	}
	return set
}

// conclude applies the rules until none applies.
func (w *world) conclude() {
	w.propagate()
	w.resume()
	for w.unstick() {
		w.propagate()
	}
	w.hurry()
	w.resume()
}

// propagate moves on tasks whose dependencies have ended.
func (w *world) propagate() {
	for again := true; again; {
		again = false
		for _, t := range append([]*task(nil), w.tasks...) {
			if t.state == Waiting && w.moveOn(t) {
				again = true
			}
		}
	}
	w.ring()
}

func (w *world) moveOn(t *task) bool {
	left, failed := 0, false
	for _, d := range t.deps {
		if d.state != Free {
			left++
		} else if d.out != Done {
			failed = true
		}
	}
	switch {
	case failed && !t.spec.Value:
		w.settle(t, Action{Outcome: DepFailed})
	case left > 0:
		return false
	case t.spec.Value:
		t.state, t.deps = Joining, nil
		w.act(Action{Verb: Join, ID: t.id})
	default:
		t.deps = nil
		w.enter(t, Ready)
	}
	return true
}

func (w *world) resume() {
	for {
		t := w.first(func(t *task) bool { return t.state == Resuming })
		if t == nil || w.free(int(CPU)) < t.need[CPU] {
			return
		}
		t.state = Running
		w.act(Action{Verb: Resume, ID: t.id})
	}
}

// unstick fails one task that can never start, if there is any.
func (w *world) unstick() bool {
	live := w.live()
	var stuck []*task
	wanted := map[int]bool{}
	var holders []*task
	for _, t := range w.tasks {
		if t.state == Ready && !live[t] {
			stuck = append(stuck, t)
			for _, d := range w.lacks(t, live) {
				wanted[d] = true
			}
		}
	}
	if len(stuck) == 0 {
		return false
	}
	for _, t := range w.tasks {
		for d := range wanted {
			if t.charge(d) > 0 {
				holders = append(holders, t.deps...)
			}
		}
	}
	awaited := w.awaited(holders, live)
	victim := stuck[0]
	for _, t := range stuck { // in order of submission
		if awaited[t] || !awaited[victim] {
			victim = t
		}
	}
	w.settle(victim, Action{Outcome: Stuck, Dim: Dim(w.lacks(victim, live)[0]), Started: victim.attempt > 0})
	return true
}

// awaited is the set of the given tasks, and of all that those of them wait for that can't run.
func (w *world) awaited(tasks []*task, live map[*task]bool) map[*task]bool {
	set := map[*task]bool{}
	for len(tasks) > 0 {
		t := tasks[0]
		tasks = tasks[1:]
		if set[t] || t.state == Free {
			continue
		}
		set[t] = true
		if !live[t] {
			tasks = append(tasks, t.deps...)
		}
	}
	return set
}

// lacks lists the dimensions of which t lacks some, and no holder can run.
func (w *world) lacks(t *task, live map[*task]bool) (dims []int) {
	for d := range t.need {
		if Dim(d) == CPU || w.free(d) >= t.need[d] {
			continue
		}
		mended := false
		for _, o := range w.tasks {
			mended = mended || o.charge(d) > 0 && live[o]
		}
		if !mended {
			dims = append(dims, d)
		}
	}
	return dims
}

// live is the set of the tasks that can run or end, grown from nothing.
func (w *world) live() map[*task]bool {
	live := map[*task]bool{}
	for grown := true; grown; {
		grown = false
		for _, t := range w.all() {
			if !live[t] && w.canRun(t, live) {
				live[t], grown = true, true
			}
		}
	}
	return live
}

func (w *world) canRun(t *task, live map[*task]bool) bool {
	some, all := len(t.deps) == 0, true
	for _, d := range t.deps {
		can := d.state == Free || live[d]
		some, all = some || can, all && can
	}
	switch t.state {
	case Ready:
		return len(w.lacks(t, live)) == 0
	case Waiting:
		return all
	case Blocked:
		return some || t.outside || t.canceled || t.expired
	case Set:
		return some
	default:
		return true
	}
}
