package coordinator

import "slices"

func (w *walk) cancel() {
	if s := w.pickScope(); s != 0 && w.chance("all", 4) {
		w.cancelScope(s)
		return
	}
	id := w.pick(Waiting, Ready, Running, Blocked, Resuming, Backoff, Joining)
	w.cancelOne(id, uint8(w.number("why", 1, 9)))
}

func (w *walk) cancelOne(id ID, why uint8) {
	w.m.Cancel(id, why)
	w.w.cancel(w.w.find(id), why)
	w.check("cancel", id)
}

// pickScope is an open scope, or zero if there is none.
func (w *walk) pickScope() ScopeID {
	return w.scopes[w.number("scope", min(1, len(w.scopes)-1), len(w.scopes)-1)]
}

func (w *walk) cancelScope(s ScopeID) {
	w.m.CancelScope(s, 7)
	w.w.cancelScope(s, 7)
	w.check("cancel scope", s)
}

func (w *walk) openOrClose() {
	s := w.pickScope()
	if s == 0 || len(w.scopes) < 4 && w.chance("open", 2) {
		w.scopes = append(w.scopes, w.m.OpenScope())
		w.check("open scope")
		return
	}
	idle := !slices.ContainsFunc(w.w.tasks, func(t *task) bool { return t.scope == s })
	if w.m.Idle(s) != idle {
		w.Fatalf("scope %d: idle is %v, want %v", s, !idle, idle)
	}
	w.m.CloseScope(s)
	w.scopes = slices.DeleteFunc(w.scopes, func(o ScopeID) bool { return o == s })
	w.check("close scope", s)
}

func (w *walk) adopt() {
	var ids []ID
	for range w.number("adopted", 0, 3) {
		ids = append(ids, w.pick(Waiting, Ready, Running, Blocked, Joining))
	}
	from, to := w.pickScope(), w.scopes[w.number("to", 0, len(w.scopes)-1)]
	w.m.Adopt(ids, from, to)
	w.w.adopt(ids, from, to)
	w.check("adopt", ids, from, to)
}

// drain lets every task come to its end, as an engine would, in a random order: nothing new is submitted, and a function
// that waits goes on only when something it waits for has ended, or its attempt was interrupted. That alone must get
// there, unless functions wait for each other.
func (w *walk) drain() {
	for w.drainOne() || w.breakCycle() {
	}
	if w.m.Len() != 0 {
		w.Fatalf("no progress: %d tasks are left: %v", w.m.Len(), w.states)
	}
	for _, s := range w.scopes[1:] {
		if !w.m.Idle(s) {
			w.Fatalf("scope %d isn't idle", s)
		}
		w.m.CloseScope(s)
	}
	if err := structureError(w.m); err != nil {
		w.Fatalf("after the end: %v", err)
	}
	if used := int(max(w.m.scopes.next, 1)) - 1 - len(w.m.scopes.free); used != 0 {
		w.Fatalf("%d scopes are left", used)
	}
	for _, id := range w.all {
		if w.m.State(id) != Free || w.m.Number(id) != 0 || w.m.Attempt(id) != 0 {
			w.Fatalf("task %#x has ended and is %v", id, w.m.State(id))
		}
	}
}

// breakCycle cancels a task of those that are left, in a run in which functions may wait for each other.
func (w *walk) breakCycle() bool {
	for _, t := range w.w.tasks {
		if !w.cycles || t.state != Blocked && t.state != Waiting {
			w.Fatalf("no progress: a %v task is left: %v", t.state, w.states)
		}
	}
	if len(w.w.tasks) == 0 {
		return false
	}
	w.cancelOne(w.w.tasks[w.number("broken", 0, len(w.w.tasks)-1)].id, 1)
	return true
}

// drainOne does one of the things that an engine can do now, and reports whether there was any.
func (w *walk) drainOne() bool {
	if w.chance("next first", 2) && w.nextOne() {
		return true
	}
	var can []*task
	for _, t := range w.w.tasks {
		ended := func(d *task) bool { return d.state == Free }
		wakes := t.outside || t.canceled || t.expired || slices.ContainsFunc(t.deps, ended)
		if t.state == Running || t.state == Joining || t.state == Backoff || t.state == Blocked && wakes {
			can = append(can, t)
		}
	}
	if len(can) == 0 {
		return w.nextOne()
	}
	switch t := can[w.number("drained", 0, len(can)-1)]; t.state {
	case Backoff:
		w.dueOne(t.id, t.attempt)
	case Blocked:
		w.unblockOne(t.id)
	default:
		w.finishOne(t.id, t.attempt, Result(max(0, w.number("result", -2, 2))))
	}
	return true
}
