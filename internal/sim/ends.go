package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// How attempts and calls end in a driver.

// arrive ends an attempt that has an outcome. Canceled is for one that no retry mends.
func (s *session) arrive(at *attempt, how status, exec uint32) {
	c := at.inst
	c.suspect, c.deaths = false, 0
	s.end(at)
	res := [...]coordinator.Result{succeeded: coordinator.Succeeded, failed: coordinator.Error, canceled: coordinator.Fatal}[how]
	s.brain.begin()
	out, _ := s.brain.m.Finish(c.id, int(at.n), res)
	s.brain.end()
	switch out {
	case coordinator.Retry:
		c.at = nil
		n := int(at.n)
		s.d.s.within(s.d.life, time.Second, func() {
			s.brain.m.Due(c.id, n)
			s.carryOut()
			s.news()
		})
	case coordinator.Done:
		s.settle(c, succeeded, exec)
	case coordinator.Canceled:
		if how == succeeded {
			s.d.s.truth.excuseTask(s.d.job, c.task, "called by what was lost")
		}
		s.settle(c, canceled, 0)
	default:
		s.settle(c, failed, 0)
	}
	s.carryOut()
	s.news()
}

// end forgets an attempt, and cancels what it has called.
func (s *session) end(at *attempt) {
	at.over = true
	s.delist(at)
	if !at.waits {
		s.quota.given[0] -= at.cpu
	}
	s.quota.given[1] -= at.memory
	if at.scope != 0 {
		s.brain.m.CancelScope(at.scope, byCaller)
		s.carryOut()
		s.brain.m.CloseScope(at.scope)
		at.scope = 0
	}
}

// settle ends a call, and tells who waits for it.
func (s *session) settle(c *call, how status, exec uint32) {
	if c.over {
		s.d.s.fail("task %d of job %d ends twice", c.task, s.d.job.n)
	}
	c.over, c.status, c.exec, c.at, c.lost = true, how, exec, nil, nil
	if c.id != 0 {
		s.live[c.id.Index()] = nil
	}
	for _, at := range c.wanted {
		s.deliver(at, c)
	}
	c.wanted = nil
	if c.by != nil && how == succeeded && s.recorded[c.task] == 0 {
		s.recorded[c.task] = exec // who calls it may be run again
	}
	switch _, _, isChunk := s.d.job.program.chunkOf(c.task); {
	case isChunk:
		s.mapped(c, how, exec)
	case c.by == nil:
		s.left--
		s.d.s.moved = s.d.s.now
		s.quitIfDone()
	}
}

// carryOut does what the coordinator asks for.
func (s *session) carryOut() {
	for actions := s.brain.m.Actions(); len(actions) > 0; actions = s.brain.m.Actions() {
		for _, a := range slices.Clone(actions) {
			switch c := s.callOf(a.ID); {
			case c == nil:
			case a.Verb == coordinator.Interrupt && c.at != nil:
				s.excuseCall(c)
				s.d.tell(c.at.on, protocol.Stop{Attempt: c.at.wire(), Grace: grace})
			case a.Verb == coordinator.Settle && a.Outcome == coordinator.Canceled:
				s.settle(c, canceled, 0)
			case a.Verb == coordinator.Settle:
				s.settle(c, failed, 0)
			}
		}
	}
}

// excuseCall notes that a call and all that it has called were for nothing: who has called it was lost, or doesn't wait.
func (s *session) excuseCall(c *call) {
	if c.over {
		return
	}
	c.vain = true
	s.d.s.truth.excuseTask(s.d.job, c.task, "called by what was lost")
	if c.at != nil {
		for _, t := range slices.Sorted(maps.Keys(c.at.calls)) {
			s.excuseCall(c.at.calls[t])
		}
	}
}
