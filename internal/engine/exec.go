package engine

import (
	"errors"
	"fmt"
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
	if h := t.host; h != nil && h.t == t && h.run.s == nil {
		return s.beginAs(&h.run, t, now)
	}
	return s.beginAs(&Run{}, t, now)
}

func (s *Session) beginAs(r *Run, t *Task, now int64) *Run {
	id := t.id
	sp := t.ops.Spec()
	r.s, r.t, r.scope, r.chain, r.start = s, t, t.scope, t.chain, now
	r.id, r.num, r.attempt = id, s.m.Number(id), int32(s.m.Attempt(id))
	t.run = r
	s.load.started()
	if d := sp.Opts.Timeout; d > 0 && !t.is(once) && !s.isAway(sp) && !s.leavesProcess(t, sp) {
		r.left = int64(d)
		s.startClock(r, now)
	}
	if s.listens(r.t, event.TaskStarted) {
		s.report(t, event.TaskStarted, nil)
	}
	return r
}

// worker is a goroutine that runs one attempt after the other as long as there are any.
type worker struct {
	s     *Session
	next  *Run
	cur   *Run
	stays bool // it counts as busy until it leaves
}

func (s *Session) work(r *Run) {
	if s.labels != nil {
		pprof.SetGoroutineLabels(s.labels)
	}
	w := &worker{s: s, next: r}
	defer w.leave()
	for w.drain() {
	}
}

// leave ends the goroutine, which may be by a Goexit: then another one goes on.
func (w *worker) leave() {
	if w.next != nil {
		go w.s.work(w.next)
	}
	if w.stays {
		w.s.mu.Lock()
		w.s.release()
		w.s.mu.Unlock()
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
		w.finish(r, err)
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
		w.finish(r, errGoexit)
		return false
	}
	w.finish(r, newPanic(value))
	return true
}

// newPanic is called while the panic unwinds, so that the stack is the function's.
func newPanic(value any) error {
	err, _ := value.(error)
	return &panicError{fmt.Sprint(value), err, trimStack(string(debug.Stack()))}
}

// finish ends an attempt and gives the worker its next one, if there is one. A listener may panic in it, or call Goexit.
func (w *worker) finish(r *Run, err error) {
	s := w.s
	w.next = nil
	now := s.now()
	late := r.fate.Load() == abandoned
	again, err := s.bereaved(r, err)
	var res coordinator.Result
	if !again {
		res, err = r.judge(err, r.original(err))
	}
	s.mu.Lock()
	switch {
	case late:
		s.cameBack(r)
	case again:
		s.takenBack(r, false)
	default:
		if r.away != nil {
			s.acquit(r.id) // it has ended by itself
		}
		s.conclude(r, err, res, now)
	}
	for len(s.out.joins) > 0 { // what needs the values may go before what is ready now
		s.round()
	}
	id, ok := s.m.Next()
	switch {
	case !ok && !late && len(s.out.after) > 0:
		w.stays = true // Close waits for what goes into the journal
	case !ok && !late:
		s.release()
	case ok && late:
		s.busy++
		fallthrough
	case ok:
		w.next = s.begin(id, now)
	}
	s.flush()
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
	s.delist(r)
	s.endWaits(r)
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
