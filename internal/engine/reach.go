package engine

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// reaching is on which nodes there are tasks of microseconds, by their need.
type reaching struct {
	needs map[coordinator.NeedID]*dispatch.Reach
	puts  bool // some that are ready were put off
}

// putOff has Take pass over tasks of microseconds of which enough are on other nodes, if an offer's room is offered to other
// jobs too, and the node has had nothing of this one's or may have given it to others by now. Tasks that have been away for
// long show that they may not be as short as they seem. The mutex is held, as for the others below.
func (s *Session) putOff(o *protocol.Offer, late bool, now int64) {
	c := &s.carried
	if !o.Shared || !late && o.Taken != 0 || c.first == nil || c.first.start <= c.recallable(now) {
		s.m.PassFar(nil)
		return
	}
	s.m.PassFar(func(need coordinator.NeedID, pack int) bool {
		r := c.reaching.needs[need]
		enough := r != nil && r.Suffices(pack, time.Duration(now))
		c.reaching.puts = c.reaching.puts || enough
		return enough
	})
}

// reached notes what a node was given. A job that has the cluster for itself is spared that.
func (s *Session) reached(o *protocol.Offer, runs []*Run, now int64) {
	if len(runs) == 0 || !o.Shared || !dispatch.IsShort(s.m.PackOf(runs[0].id)) {
		return
	}
	c := &s.carried.reaching
	need, _ := s.m.NeedOf(runs[0].id)
	r := c.needs[need]
	if r == nil {
		if c.needs == nil {
			c.needs = map[coordinator.NeedID]*dispatch.Reach{}
		}
		r = &dispatch.Reach{}
		c.needs[need] = r
	}
	at := r.Give(o.Node, o.CPU, len(runs), time.Duration(now))
	for _, run := range runs {
		run.away.reached = at
	}
}

// left notes that an attempt is no longer on its node: what was put off may go on then.
func (s *Session) left(r *Run) {
	at := r.away.reached
	if at == nil {
		return
	}
	r.away.reached = nil
	if !at.End() {
		return
	}
	at.Leave(time.Duration(s.now()))
	if c := &s.carried.reaching; c.puts {
		c.puts = false
		s.cfg.Carrier.Wake()
	}
}
