package coordinator

import (
	"fmt"
	"math"

	"pgregory.net/rapid"
)

// manyTasks is how many live tasks a run has at most.
const manyTasks = 30

// actions are the random events, each as often as its weight says.
func (w *walk) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){}
	for _, a := range []struct {
		name   string
		weight int
		do     func()
	}{
		{"submit", 10, w.submit}, {"next", 7, w.next}, {"finish", 4, w.finish}, {"block", 5, w.block}, {"unblock", 2, w.unblock},
		{"due", 2, w.due}, {"cancel", 1, w.cancel}, {"scope", 1, w.openOrClose}, {"adopt", 1, w.adopt}, {"expire", 1, w.expire},
		{"join", 1, w.join}, {"call", 3, w.call}, {"include", 3, w.include},
	} {
		for i := range a.weight {
			all[fmt.Sprintf("%s %d", a.name, i)] = func(*rapid.T) { a.do() }
		}
	}
	return all
}

func (w *walk) number(name string, least, most int) int {
	return rapid.IntRange(least, most).Draw(w.T, name)
}

func (w *walk) chance(name string, oneIn int) bool { return w.number(name, 1, oneIn) == oneIn }

// pick is mostly a task in one of the given states; sometimes, and if there is none, any that ever was, or none.
func (w *walk) pick(states ...State) ID {
	var some []ID
	for _, t := range w.w.tasks {
		for _, s := range states {
			if t.state == s {
				some = append(some, t.id)
			}
		}
	}
	if len(some) > 0 && !w.chance("stray", 10) {
		return some[w.number("task", 0, len(some)-1)]
	}
	if i := w.number("any task", 0, len(w.all)); i > 0 {
		return w.all[len(w.all)-i]
	}
	return 0
}

// pickFor is a task that the given one may wait for: in most runs not one that waits for it, since that is the caller's
// deadlock, which no machine can mend.
func (w *walk) pickFor(id ID) ID {
	var may []ID
	t := w.w.find(id)
	for _, o := range w.w.all() {
		if o.state == Set && (t == nil || !t.holds()) {
			continue // only functions wait for sets
		}
		if w.cycles || !w.w.reach([]ID{o.id})[t] {
			may = append(may, o.id)
		}
	}
	if len(may) == 0 || w.chance("stray", 10) {
		if n := len(w.recorded); n > 0 {
			for _, id := range w.all[w.number("ended", 0, len(w.all)-1):] {
				if _, ended := w.recorded[id]; ended {
					return id
				}
			}
		}
		return 0
	}
	return may[w.number("on", 0, len(may)-1)]
}

// attempt is mostly the right one.
func (w *walk) attempt(id ID) int {
	if w.chance("stale", 20) {
		return w.number("attempt", 0, 3)
	}
	return w.m.Attempt(id)
}

func (w *walk) submit() {
	if len(w.w.tasks) >= manyTasks {
		w.finish()
		return
	}
	s := Spec{
		Priority: int32(w.number("priority", -1, 1)), Depth: uint32(w.number("depth", 0, 2)),
		Front: w.chance("front", 10),
	}
	if w.chance("extreme", 50) {
		s.Priority, s.Depth = math.MinInt32, math.MaxUint32
	}
	if w.chance("scoped", 2) {
		s.Scope = w.pickScope()
	}
	if w.chance("needs more", 2) {
		s.Need = NeedID(w.number("need", 0, len(w.needs)-1))
	}
	if w.cycles && w.chance("hopeless", 2) {
		live := w.w.live()
		for _, t := range w.w.tasks {
			if t.state == Blocked && !live[t] {
				s.Need = t.spec.Need // it may be stuck at once
			}
		}
	}
	if w.chance("retries", 2) {
		s.Retries = uint16(w.number("retries", 1, 2))
	}
	if w.chance("attempts", 10) {
		s.Attempts = 1
	} else {
		s.Value = w.chance("value", 6)
		for range w.number("deps", 0, 3) {
			s.Deps = append(s.Deps, w.pick(Waiting, Ready, Running, Blocked))
		}
	}
	w.submitOne(s)
}

// call is what a nested call does: a running task starts another, mostly with its own need, and waits for it.
func (w *walk) call() {
	caller := w.w.find(w.pick(Running))
	if caller == nil || len(w.w.tasks) >= manyTasks {
		w.finish()
		return
	}
	s := Spec{Need: caller.spec.Need, Depth: caller.spec.Depth + 1}
	if w.chance("another need", 3) {
		s.Need = NeedID(w.number("need", 0, len(w.needs)-1))
	}
	id := w.submitOne(s)
	if w.chance("value", 3) {
		id = w.submitOne(Spec{Value: true, Deps: []ID{id}})
	}
	w.m.Block(caller.id, id)
	w.w.block(caller, []ID{id})
	w.check("call", caller.id, id)
}

func (w *walk) submitOne(s Spec) ID {
	id := w.m.Submit(s)
	w.w.submit(id, s, w.needs[s.Need])
	w.all = append(w.all, id)
	w.passed("submit", arrow{Free, w.m.State(id)})
	w.states[id] = w.m.State(id)
	if w.states[id] == Free {
		delete(w.states, id)
	}
	w.check("submit", s)
	return id
}

func (w *walk) next() { w.nextOne() }

func (w *walk) nextOne() bool {
	id, ok := w.m.Next()
	var want ID
	if t := w.w.next(); t != nil {
		want = t.id
	}
	if id != want || ok != (want != 0) {
		w.Fatalf("next is %#x, %v; want %#x", id, ok, want)
	}
	w.check("next", id)
	return ok
}

func (w *walk) finish() {
	id := w.pick(Running, Running, Joining, Blocked, Resuming)
	w.finishOne(id, w.attempt(id), Result(max(0, w.number("result", -5, 2))))
}

func (w *walk) finishOne(id ID, attempt int, res Result) {
	out, why := w.m.Finish(id, attempt, res)
	wantOut, wantWhy := w.w.finish(w.w.find(id), attempt, res)
	if out != wantOut || why != wantWhy {
		w.Fatalf("finish: outcome %d, reason %d; want %d, %d", out, why, wantOut, wantWhy)
	}
	if out == Done || out == Failed || out == Canceled {
		w.end(id, out)
	}
	w.check("finish", id, attempt, res)
}

func (w *walk) block() {
	id := w.pick(Running, Running, Running, Blocked, Resuming)
	var on []ID
	for range w.number("awaited", 0, 2) {
		on = append(on, w.pickFor(id))
	}
	switch {
	case w.cycles && w.chance("itself", 5):
		on = []ID{id}
	case w.chance("outside", 10):
		on = append(on, Outside)
	}
	w.m.Block(id, on...)
	w.w.block(w.w.find(id), on)
	w.check("block", id, on)
}

// include adds a task to a set, or to a new one.
func (w *walk) include() {
	var set *task
	var on ID
	if n := len(w.w.sets); n > 0 && (n > 3 || w.chance("old set", 2)) {
		set = w.w.sets[w.number("set", 0, n-1)]
		on = w.pickFor(set.id)
	} else {
		on = w.pick(Ready, Running, Waiting, Blocked)
	}
	var id ID
	if set != nil {
		id = set.id
	}
	got := w.m.Include(id, on)
	if made := got != id; made != (set == nil && w.w.find(on) != nil) {
		w.Fatalf("include %#x in %#x: %#x", on, id, got)
	}
	w.w.include(set, got, on)
	w.check("include", id, on)
}

func (w *walk) unblock() { w.unblockOne(w.pick(Blocked)) }

func (w *walk) unblockOne(id ID) {
	if got, want := w.m.Unblock(id), w.w.unblock(w.w.find(id)); got != want {
		w.Fatalf("unblock %#x: %v, want %v", id, got, want)
	}
	w.check("unblock", id)
}

func (w *walk) due() {
	id := w.pick(Backoff)
	w.dueOne(id, w.attempt(id))
}

func (w *walk) dueOne(id ID, attempt int) {
	w.m.Due(id, attempt)
	w.w.due(w.w.find(id), attempt)
	w.check("due", id, attempt)
}

func (w *walk) expire() {
	id := w.pick(Running, Blocked, Resuming)
	attempt := w.attempt(id)
	w.m.Expire(id, attempt)
	w.w.expire(w.w.find(id), attempt)
	w.check("expire", id, attempt)
}

func (w *walk) join() {
	id := w.pick(Joining)
	dep := w.pickFor(id)
	w.m.Join(id, dep)
	w.w.join(w.w.find(id), dep)
	w.check("join", id, dep)
}
