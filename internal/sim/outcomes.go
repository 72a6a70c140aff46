package sim

import (
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// outcomes takes what the journal says of this driver's attempts (internal/engine/outcomes.go).
func (s *session) outcomes(r *record) {
	for i := range r.outcomes {
		o := &r.outcomes[i]
		if at, exec := s.attemptFor(r.node, o); at != nil {
			n := s.needFor(&s.d.job.program.tasks[at.inst.task])
			if o.status != canceled {
				n.pack.Observe(o.took)
				n.measured = true
			}
			s.arrive(at, o.status, exec)
			if o.status == succeeded && s.d.s.errs(countsTwice) {
				s.arrive(at, o.status, o.exec)
			}
		} else if s.d.job.program.tasks[o.task].parent >= 0 {
			s.d.s.truth.excuseTask(s.d.job, o.task, "called by what was lost")
		}
	}
	for i := range s.needs {
		if n := &s.needs[i]; n.measured {
			n.measured = false
			s.brain.m.SetPack(n.id, s.quota.pack(n.pack.Size()))
		}
	}
}

// attemptFor is the running attempt that an outcome settles, and by which value: its own, or for a success of one that was
// taken back the present one. If an earlier driver's success came meanwhile, that is first.
func (s *session) attemptFor(node *agent, o *outcome) (*attempt, uint32) {
	if at := s.runOf(protocol.Attempt{Task: uint64(o.id), N: o.attempt}); at != nil {
		if at.on != node {
			return nil, 0
		}
		return at, o.exec
	}
	c := s.callOf(o.id)
	if c == nil || o.status != succeeded || c.lost[o.attempt] != node || s.d.s.has(dropsLate) {
		return nil, 0
	}
	exec := o.exec
	if c.at != nil {
		s.d.tell(c.at.on, protocol.Stop{Attempt: c.at.wire(), Grace: grace})
	} else if s.brain.m.Pick(c.id) {
		s.begin(c, node)
		if first := s.recorded[c.task]; first != 0 {
			exec = first
		}
	}
	return c.at, exec
}

// replay takes an outcome of an earlier epoch (internal/engine/adopted.go).
func (s *session) replay(node *agent, o *outcome) {
	if s.gave[o.task] && !o.untold && !s.known[o.task] {
		s.d.s.truth.excuseTask(s.d.job, o.task, "not known in time")
	}
	at := s.adopted[o.task]
	delete(s.adopted, o.task)
	delete(s.held, o.task)
	if at != nil && !at.over {
		s.arrive(at, o.status, o.exec)
		return
	}
	if o.status != succeeded {
		s.useless[o.task] = node
		return
	}
	if s.recorded[o.task] != 0 && !s.d.s.has(lastCounts) {
		return
	}
	s.recorded[o.task] = o.exec
	if at := s.givenOut(o.task); at != nil { // it came too late to be waited for, and is the first all the same
		s.d.tell(at.on, protocol.Stop{Attempt: at.wire(), Grace: grace})
		s.arrive(at, succeeded, o.exec)
	}
}

// givenOut is the attempt at a task that runs, if there is one.
func (s *session) givenOut(task int32) *attempt {
	for at := s.first; at != nil; at = at.after {
		if at.inst.task == task {
			return at
		}
	}
	return nil
}

// adopt has an attempt stand for what a node runs already.
func (s *session) adopt(at *attempt) bool {
	t := at.inst.task
	on := s.held[t]
	if on == nil || s.adopted[t] != nil {
		return false
	}
	s.adopted[t] = at
	at.on, at.started = on, s.d.job.program.tasks[t].nature == once
	return true
}

// unconfirmed gives out again what a node never said that it has.
func (s *session) unconfirmed(node string, tasks []protocol.Attempt) {
	on := s.d.s.agent(node)
	for _, a := range tasks {
		if at := s.runOn(on, a); at != nil {
			s.d.s.truth.excuseTask(s.d.job, at.inst.task, "unconfirmed")
			s.takeBack(at, false)
		}
	}
}

// lost gives out again what a node had that is dead: each alone in a worker.
func (s *session) lost(node string) {
	on := s.d.s.agent(node)
	var all []*attempt
	for at := s.first; at != nil; at = at.after {
		if at.on == on {
			all = append(all, at)
		}
	}
	for _, at := range all {
		if !at.over {
			s.d.s.truth.excuseTask(s.d.job, at.inst.task, "taken for dead")
			at.inst.suspect = true
			s.takeBack(at, false)
		}
	}
	for t, who := range s.held {
		if who == on {
			delete(s.held, t)
			delete(s.adopted, t)
			delete(s.known, t)
		}
	}
}

// takeBack ends an attempt that won't have an outcome; with first its task keeps its turn (internal/engine/takeback.go).
func (s *session) takeBack(at *attempt, first bool) {
	c := at.inst
	if at.started {
		c.maybe = true
		s.arrive(at, canceled, 0)
		return
	}
	s.end(at)
	s.brain.begin()
	out, _ := s.brain.m.GiveBack(c.id, int(at.n), first)
	s.brain.end()
	if out == coordinator.Ignored {
		s.d.s.fail("task %d of job %d has no attempt %d", c.task, s.d.job.n, at.n)
		return
	}
	c.at = nil
	if c.lost == nil {
		c.lost = map[uint32]*agent{}
	}
	c.lost[at.n] = at.on
	if out == coordinator.Canceled {
		s.settle(c, canceled, 0)
	}
	s.carryOut()
	s.news()
}

// maxTurns is how often a task that comes back may go first.
const maxTurns = 3

// gaveBack takes a node's word that an attempt ended without an outcome.
func (s *session) gaveBack(on *agent, g *protocol.GiveBack) {
	at := s.runOn(on, g.Attempt)
	if at == nil {
		return
	}
	if g.Reason != protocol.WorkerDied {
		at.started = false
		s.takeBack(at, g.Reason == protocol.Returned && !at.inst.suspect && len(at.inst.lost) < maxTurns)
		return
	}
	c := at.inst
	c.suspect = true
	if g.Alone {
		c.deaths++
	}
	if c.deaths >= maxDeaths {
		s.arrive(at, canceled, 0) // it fails for good
		return
	}
	s.takeBack(at, false)
}
