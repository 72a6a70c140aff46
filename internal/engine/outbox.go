package engine

import (
	"slices"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// outbox is what an event leaves to be done outside the session's mutex.
type outbox struct {
	wake   []*waiter  // lists of waiters of tasks that ended
	joins  []*Task    // values to assemble
	ups    []*Task    // calls to send to the agent
	stops  []*Run     // attempts to interrupt
	ends   []ending   // contexts of attempts that are over
	open   []returner // a slot is back
	starts []*Run
	after  []func() // records for the journal
}

func (o *outbox) empty() bool {
	return len(o.wake) == 0 && len(o.joins) == 0 && len(o.stops) == 0 && len(o.ends) == 0 && len(o.open) == 0 &&
		len(o.starts) == 0 && len(o.after) == 0 && len(o.ups) == 0
}

// clear empties the lists and keeps their memory.
func (o *outbox) clear() {
	empty(&o.wake)
	empty(&o.joins)
	empty(&o.ups)
	empty(&o.stops)
	empty(&o.ends)
	empty(&o.open)
	empty(&o.starts)
	empty(&o.after)
}

func empty[T any](list *[]T) {
	clear(*list)
	*list = (*list)[:0]
}

// carryOut does what the machine asks for, as far as it can be done under the mutex, which is held, and what follows
// from that.
func (s *Session) carryOut() {
	for {
		if acts := s.m.Actions(); len(acts) > 0 {
			s.carry(acts)
		} else if n := len(s.reclaimed); n > 0 {
			r := s.reclaimed[0]
			s.reclaimed = slices.Delete(s.reclaimed, 0, 1) // leaves nothing behind that holds values
			s.regain(r)
		} else if n := len(s.dropped); n > 0 {
			d := s.dropped[n-1]
			s.dropped = slices.Delete(s.dropped, n-1, n)
			s.dropUp(d.t, d.why)
		} else if n := len(s.orphaned); n > 0 {
			kids := s.orphaned[n-1]
			s.orphaned = slices.Delete(s.orphaned, n-1, n)
			s.shut(kids, kids.run.ended, byContext)
		} else {
			return
		}
	}
}

// carry carries out the actions of one event.
func (s *Session) carry(acts []coordinator.Action) {
	for _, a := range acts {
		t := s.taskOf(a.ID)
		switch a.Verb {
		case coordinator.Settle:
			s.settleFor(t, a)
		case coordinator.Join:
			if t.up {
				s.out.ups = append(s.out.ups, t)
			} else {
				s.out.joins = append(s.out.joins, t)
			}
		case coordinator.Interrupt:
			if t.up {
				s.dropped = append(s.dropped, upDrop{t, a.Why})
				continue
			}
			s.interrupt(t.run, a.Why)
		case coordinator.Resume:
			s.resumed(t.run)
		}
	}
	for _, a := range acts {
		if a.Verb == coordinator.Settle {
			s.forget(a.ID)
		}
	}
}

// settleFor ends a task as the machine decided.
func (s *Session) settleFor(t *Task, a coordinator.Action) {
	switch a.Outcome {
	case coordinator.DepFailed:
		s.settle(t, s.taskOf(a.Because).err, event.TaskFailed)
	case coordinator.Unfit:
		s.settle(t, s.failure(t, nil, s.carried.refusal), event.TaskUnfit)
	case coordinator.Stuck:
		s.settle(t, s.failure(t, nil, s.stuckError(t, a.Dim)), event.TaskFailed)
	default:
		s.settleCanceled(t, nil, a.Why)
	}
}

// flush hands out what can run, releases the mutex and does the rest.
func (s *Session) flush() {
	s.carryOut()
	for {
		if len(s.out.joins) == 0 { // else what needs the values may go before what is ready now
			s.handOut()
		}
		s.wake()
		s.relieve()
		if s.out.empty() {
			s.mu.Unlock()
			break
		}
		if !s.round() {
			break
		}
	}
	s.log.drain()
}

// round releases the mutex and does what is left to be done. If it assembled values it answers true and holds the mutex
// again: there may be more.
func (s *Session) round() (held bool) {
	o := s.out
	if s.out = s.spare.Swap(nil); s.out == nil {
		s.out = &outbox{}
	}
	s.mu.Unlock()
	held = o.deliver(s)
	o.clear()
	s.spare.Store(o)
	return held
}

// deliver does what is to be done outside the mutex. If it answers true it holds the mutex again, and there may be more.
func (o *outbox) deliver(s *Session) (more bool) {
	for _, r := range o.starts {
		go s.work(r)
	}
	for _, b := range o.open {
		b.slotBack()
	}
	for _, w := range o.wake {
		notifyAll(w)
	}
	for _, r := range o.stops {
		r.cancel(r.ended)
	}
	for _, e := range o.ends {
		e.end(e.done, e.err)
	}
	for _, f := range o.after {
		f()
	}
	for _, t := range o.ups {
		s.joinUp(t)
	}
	if len(o.joins) == 0 {
		return false
	}
	for i, t := range o.joins {
		if i > 0 {
			s.mu.Unlock()
		}
		inner, err := t.ops.Join()
		s.mu.Lock()
		s.joined(t, inner, err)
	}
	return true
}

// handOut starts attempts as long as the machine has a task that fits.
func (s *Session) handOut() {
	for {
		id, ok := s.m.Next()
		if !ok {
			return
		}
		s.busy++
		s.out.starts = append(s.out.starts, s.begin(id, s.now()))
	}
}
