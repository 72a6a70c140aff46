package engine

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/musterrun/muster/event"
)

// timer calls a function under the session's mutex, unless it is stopped before.
type timer struct {
	t       *time.Timer
	due     int64 // in ns since the session began
	stopped bool
}

// after arms a timer. The mutex is held now, and when f is called. In a session that has ended it never fires.
func (s *Session) after(d time.Duration, f func()) *timer {
	if s.ended {
		return &timer{stopped: true}
	}
	tm := &timer{due: s.now() + int64(d)}
	s.busy++
	tm.t = time.AfterFunc(d, func() {
		s.mu.Lock()
		if !tm.stopped {
			tm.stopped = true
			f()
			s.release()
		}
		s.flush()
	})
	return tm
}

// timedOut is err, or the timeout with err if that came first.
func (r *Run) timedOut(err error) error {
	//nolint:errorlint // one of another task is this function's error
	if _, already := bare(err).(*timeoutError); already || !r.expired.Load() {
		return err
	}
	return &timeoutError{after: r.t.ops.Spec().Opts.Timeout, err: err}
}

// stop reports whether the timer was still to come. The mutex is held.
func (tm *timer) stop(s *Session) bool {
	if tm == nil || tm.stopped {
		return false
	}
	tm.stopped = true
	tm.t.Stop()
	s.release()
	return true
}

func (s *Session) stopTimers(r *Run) {
	r.timeout.stop(s)
	r.grace.stop(s)
}

// interrupt ends the context of an attempt, and with it what was started with that, and gives its function the grace
// period to return. The mutex is held; carryOut goes on.
func (s *Session) interrupt(r *Run, why uint8) {
	if r == nil {
		return // a value: it's assembled at once
	}
	if r.ended == nil {
		r.ended = r.verdict(why)
	}
	if r.kids != nil {
		s.orphaned = append(s.orphaned, r.kids)
	}
	s.out.stops = append(s.out.stops, r)
	s.stopAway(r)
	if r.grace == nil && !s.leftToAgent(r) {
		r.grace = s.after(s.cfg.Grace, func() { s.abandon(r) })
	}
}

// verdict is what the function sees as its context's error.
func (r *Run) verdict(why uint8) error {
	if r.expired.Load() || why == byContext && r.scope.resolve().err == context.DeadlineExceeded { //nolint:errorlint // ctx.Err is bare
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// abandon gives up on a function that doesn't return: its task ends, its room is free again, its goroutine stays.
func (s *Session) abandon(r *Run) {
	if !r.fate.CompareAndSwap(running, abandoned) {
		return
	}
	if r.away == nil || r.away.apart != nil { // else its node deals with it
		s.stuck[r] = struct{}{}
	}
	if c := r.computes.Load(); c != nil {
		s.out.after = append(s.out.after, c.GiveUp)
	}
	if s.listens(r.t, event.TaskStuck) {
		e := s.describe(r.t, event.TaskStuck, errStuck)
		e.Text = stackOf(r)
		s.log.add(e)
	}
	s.mu.Unlock() // judge calls the user's code
	late := fmt.Errorf("%w within %v of its cancel", errStuck, s.cfg.Grace)
	if r.away != nil && r.away.apart == nil {
		late = fmt.Errorf("node %s hasn't said within %v of its cancel that it has ended", r.away.node, s.cfg.Grace)
	}
	res, err := r.judge(late, late)
	s.mu.Lock()
	s.conclude(r, err, res, s.now())
	s.release() // its worker's
}

// stuckIn reports whether a function that was given up may still use the task's argument.
func (s *Session) stuckIn(t *Task) bool {
	for r := range s.stuck {
		if r.t == t {
			return true
		}
	}
	return false
}

// cameBack notes that an abandoned function has returned after all.
func (s *Session) cameBack(r *Run) {
	delete(s.stuck, r)
	if s.listens(r.t, event.TaskReturned) {
		s.log.add(event.Event{Kind: event.TaskReturned, Task: r.num, Func: r.t.ops.Spec().Name, Attempt: int(r.attempt), Item: -1})
	}
}

// stackOf is the stack of the goroutine that runs r: the one in which runAttempt was called with r.
func stackOf(r *Run) string {
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= 64<<20 {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 4*len(buf))
	}
	mark := fmt.Sprintf("engine.runAttempt(%p", r)
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(g, mark) {
			return trimStack(g)
		}
	}
	return ""
}
