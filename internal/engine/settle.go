package engine

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// settle writes a task's outcome; who waits is told when the mutex, which is held, is released.
func (s *Session) settle(t *Task, err error, kind event.Kind) {
	if s.listens(t, kind) {
		s.report(t, kind, err)
	}
	if kind == event.TaskCanceled {
		t.traits |= dropped
	}
	t.err = err
	t.phase = over
	s.load.count(t, kind)
	t.planEnded()
	if c, ok := t.ops.(interface{ ended() }); ok {
		c.ended()
	}
	if !t.is(lazily) { // it was submitted
		s.pressure.remove(t.bulk)
	}
	if len(s.pauses) > 0 {
		s.pauses[t.id].stop(s)
		delete(s.pauses, t.id)
	}
	t.scope, t.run = nil, nil
	if !s.stuckIn(t) {
		t.ops.Release(err != nil)
	}
	if w := s.settled(t.publish()); w != nil {
		s.out.wake = append(s.out.wake, w)
	}
}

func (s *Session) settleCanceled(t *Task, r *Run, why uint8) {
	s.settle(t, s.failure(t, r, canceled(why, t.scope)), event.TaskCanceled)
}

// report adds the event of a task's change. It isn't inlined: events are large, and would make the stack of every new
// goroutine grow.
//
//go:noinline
func (s *Session) report(t *Task, kind event.Kind, err error) { s.log.add(s.describe(t, kind, err)) }

// describe is the event of a task's change.
func (s *Session) describe(t *Task, kind event.Kind, err error) event.Event {
	e := event.Event{Kind: kind, Func: t.ops.Spec().Name, Item: -1, Err: err}
	if r := t.run; r != nil {
		e.Task, e.Attempt, e.Node = r.num, int(r.attempt), r.onNode()
		if kind.Ends() {
			e.Took = t.lasted()
		}
	} else {
		e.Task, e.Attempt = s.m.Last(t.id)
	}
	return e
}

// onNode is the id of the node that has the attempt; "" if this process has it.
func (r *Run) onNode() string {
	if r.away == nil {
		return ""
	}
	return r.away.node
}

// lasted is how long the attempt that ended ran: at least a nanosecond, so that it differs from none.
func (t *Task) lasted() time.Duration {
	return max(1, time.Duration(float64(t.took)*float64(time.Second)))
}

// failure is the error of a task; r is the attempt that failed, if one had begun.
func (s *Session) failure(t *Task, r *Run, err error) error {
	if err == nil {
		return nil
	}
	e := &TaskError{Func: t.ops.Spec().Name, Item: -1, Err: err, Stack: stackIn(err)}
	if r != nil {
		e.Task, e.Attempt = r.num, int(r.attempt)
	} else {
		e.Task, e.Attempt = s.m.Last(t.id)
	}
	return e
}

// namedHolders is how many holders an error names.
const namedHolders = 8

// stuckError names who holds what a task lacks.
func (s *Session) stuckError(t *Task, d coordinator.Dim) error {
	var holders []string
	each, remedy := s.m.Holders, "raise the session's total"
	if s.isAway(t.ops.Spec()) {
		each, remedy = s.m.HoldersFar, "add a node that has more"
		if limits := s.limits(); int(d) < len(limits) && limits[d] < math.MaxInt64 {
			remedy += " and have the limit raised"
		}
	}
	each(d, func(id coordinator.ID) {
		if len(holders) == namedHolders {
			holders = append(holders, "...")
		}
		if len(holders) > namedHolders {
			return
		}
		holder := s.label(id)
		if r := s.taskOf(id).run; r != nil && r.away != nil && r.away.apart == nil {
			holder += " on node " + s.nodeName(r.away.node)
		}
		holders = append(holders, holder)
	})
	return fmt.Errorf("it needs %s, which only tasks hold that wait for it or for tasks like it (%s): "+
		"release it before Get, or %s", s.dimName(d), strings.Join(holders, ", "), remedy)
}
