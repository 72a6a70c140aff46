package engine

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// judge says how an attempt went, and what its error is. RetryIf is asked about the original of what it returned.
func (r *Run) judge(returned, original error) (coordinator.Result, error) {
	err := r.timedOut(returned)
	if err == nil {
		return coordinator.Succeeded, nil
	}
	if r.final {
		return coordinator.Fatal, err
	}
	again, err := r.t.ops.Spec().Opts.again(r.timedOut(original), err)
	if !again {
		return coordinator.Fatal, err
	}
	return coordinator.Error, err
}

// again asks RetryIf whether another attempt could mend an error. It is the user's code, and may panic or call Goexit
// where no function of a task runs, so it has a goroutine to itself: then the answer is no, and the error says why.
func (o *Options) again(original, err error) (bool, error) {
	if o.RetryIf == nil {
		return true, err
	}
	answer, trouble := false, "called runtime.Goexit"
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		defer func() {
			if v := recover(); v != nil {
				trouble = fmt.Sprintf("panicked: %v", v)
			}
		}()
		answer = o.RetryIf(original)
		trouble = ""
	}()
	<-answered
	if trouble != "" {
		err = &unjudged{err, trouble}
	}
	return answer, err
}

// unjudged is an error that RetryIf couldn't judge.
type unjudged struct {
	error
	trouble string
}

func (e *unjudged) Error() string { return fmt.Sprintf("%v (and its RetryIf %s)", e.error, e.trouble) }
func (e *unjudged) Unwrap() error { return e.error }

// bare is an error without what became of judging it.
func bare(err error) error {
	if u, ok := err.(*unjudged); ok { //nolint:errorlint // that of this attempt
		return u.error
	}
	return err
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
