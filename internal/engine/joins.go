package engine

import (
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// joined ends a value that was assembled, or lets it wait for the inner task it named. The mutex is held.
func (s *Session) joined(t *Task, inner *Task, err error) {
	if t.phase == over {
		return
	}
	if inner != nil && inner.s == s {
		if inner.phase == fresh {
			s.submit(inner, nil)
		}
		s.m.Join(t.id, inner.id)
		s.carryOut()
		return
	}
	if inner != nil {
		err = s.failure(t, nil, errForeign)
	}
	res := coordinator.Succeeded
	if err != nil {
		res = coordinator.Fatal
	}
	id := t.id
	switch out, why := s.m.Finish(id, 0, res); out {
	case coordinator.Ignored:
		return
	case coordinator.Canceled:
		s.settleCanceled(t, nil, why)
	case coordinator.Failed:
		s.settle(t, err, event.TaskFailed)
	default:
		s.settle(t, nil, event.TaskDone)
	}
	s.carryOut()
	s.forget(id)
}
