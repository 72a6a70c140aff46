package engine

import (
	"errors"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// begin makes the attempt that the machine has handed out. The mutex is held.
func (s *Session) begin(id coordinator.ID, now int64) *Run {
	t := s.taskOf(id)
	sp := t.ops.Spec()
	r := &Run{s: s, t: t, scope: t.scope, id: id, num: s.m.Number(id), attempt: int32(s.m.Attempt(id)), start: now}
	t.run = r
	s.load.started()
	if d := sp.Opts.Timeout; d > 0 && !t.is(once) {
		r.left = int64(d)
		s.startClock(r, now)
	}
	if s.listens(r.t, event.TaskStarted) {
		s.log.add(s.describe(t, event.TaskStarted, nil))
	}
	return r
}

// worker is a goroutine that runs one attempt after the other as long as there are any.
type worker struct {
	s    *Session
	next *Run
	cur  *Run
}

func (s *Session) work(r *Run) {
	if s.labels != nil {
		pprof.SetGoroutineLabels(s.labels)
	}
	w := &worker{s: s, next: r}
	for w.drain() {
	}
}

// drain runs attempts until there are none, and reports whether a panic stopped it before.
func (w *worker) drain() (more bool) {
	defer func() {
		if w.cur != nil {
			more = w.rescue(recover())
		}
	}()
	for w.next != nil {
		w.cur = w.next
		err := runAttempt(w.cur)
		r := w.cur
		w.cur = nil
		w.next = w.s.finish(r, err)
	}
	return false
}

// runAttempt stands in every stack of a running function, so that stackOf finds it by its argument.
//
//go:noinline
func runAttempt(r *Run) error {
	err := r.t.ops.Exec(r)
	runtime.KeepAlive(r) // so that the stack shows it
	return err
}

// rescue ends an attempt whose function panicked or called Goexit, after which the goroutine ends and another goes on.
func (w *worker) rescue(value any) bool {
	r := w.cur
	w.cur = nil
	r.Commit()
	if value == nil {
		if w.next = w.s.finish(r, errGoexit); w.next != nil {
			go w.s.work(w.next)
		}
		return false
	}
	w.next = w.s.finish(r, newPanic(value))
	return true
}

// newPanic is called while the panic unwinds, so that the stack is the function's.
func newPanic(value any) error {
	return &panicError{value, trimStack(string(debug.Stack()))}
}

// finish ends an attempt and gives the worker its next one, or nil.
func (s *Session) finish(r *Run, err error) *Run {
	now := s.now()
	late := r.fate.Load() == abandoned
	var res coordinator.Result
	returned := err
	if err = r.timedOut(returned); err != nil {
		res = r.judge(r.timedOut(r.original(returned)))
	}
	s.mu.Lock()
	if late {
		s.cameBack(r)
	} else {
		s.conclude(r, err, res, now)
	}
	id, ok := s.m.Next()
	if !ok {
		if !late {
			s.release()
		}
		s.flush()
		return nil
	}
	if late {
		s.busy++
	}
	next := s.begin(id, now)
	s.flush()
	return next
}

// judge says whether another attempt could mend it.
func (r *Run) judge(err error) coordinator.Result {
	if f := r.t.ops.Spec().Opts.RetryIf; r.final || f != nil && !f(err) {
		return coordinator.Fatal
	}
	return coordinator.Error
}

// conclude tells the machine how an attempt went and does what it decides. The mutex is held.
func (s *Session) conclude(r *Run, err error, res coordinator.Result, now int64) {
	t := r.t
	s.stopTimers(r)
	err = r.timedOut(err)
	took := time.Duration(now - r.start)
	t.took = float32(took.Seconds())
	out, why := s.m.Finish(r.id, int(r.attempt), res)
	if out == coordinator.Ignored {
		return
	}
	r.over = true
	s.letOn(r)
	if r.lent {
		s.load.running++ // it ends now
	}
	s.load.ended(took)
	s.handOver(r, out == coordinator.Done, t.ops.Results)
	s.linger(r)
	s.noteCached(r)
	switch out {
	case coordinator.Retry:
		s.retry(r, s.failure(t, r, err), took)
		s.carryOut()
		return
	case coordinator.Canceled:
		s.settleCanceled(t, r, why)
	case coordinator.Failed:
		s.recordFailure(t, r, err)
		s.settle(t, s.failure(t, r, err), event.TaskFailed)
	default:
		s.settle(t, nil, event.TaskDone)
	}
	s.carryOut()
	s.forget(r.id)
}

// retry waits out the pause before the next attempt.
func (s *Session) retry(r *Run, err error, took time.Duration) {
	if s.listens(r.t, event.TaskRetrying) {
		e := s.describe(r.t, event.TaskRetrying, err)
		e.Took = took
		s.log.add(e)
	}
	r.t.run = nil
	s.pause(r.t, int(r.attempt))
}

// pause makes the task ready again after its back-off.
func (s *Session) pause(t *Task, attempt int) {
	id := t.id
	d := t.ops.Spec().Opts.backoff(attempt)
	if d <= 0 {
		s.m.Due(id, attempt)
		return
	}
	s.pauses[id] = s.after(d, func() {
		delete(s.pauses, id)
		s.m.Due(id, attempt)
		s.carryOut()
	})
}

// handOver decides about the tasks that r's function has started: those whose Ref is in its result are governed by what
// governs r, the others are cancelled.
func (s *Session) handOver(r *Run, ok bool, results func(func(*Task))) {
	if r.kids == nil {
		return
	}
	kids := r.kids
	r.kids = nil
	if kids.err != nil {
		return // it ended with the attempt's context
	}
	heir := s.awake(r.scope)
	if ok && heir.err == nil {
		s.adopt(results, kids, heir)
	}
	s.m.CancelScope(kids.id, byParent)
	s.closeScope(kids)
	kids.heir = heir
	if heir.err == nil {
		s.keepLingering(heir, kids.lingering...)
	} else {
		s.endLingering(kids, heir.err)
	}
	kids.lingering = nil
	s.carryOut()
}

var errStuck = errors.New("its function hasn't returned")
