package sim

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// crowd is which nodes have more tasks than CPUs (internal/engine/recall.go).
type crowd struct {
	looked time.Duration
	nodes  []int64 // how much more CPU its tasks need than it has, by its number
	count  int     // of those that have too little
}

const recallAfter = 250 * time.Millisecond

// recall asks for tasks that may not have begun, for a node that has room and for which there is nothing else.
func (s *session) recall(on *agent, free []int64) {
	now := s.d.s.now
	if s.first == nil || free[coordinator.CPU] <= 0 || now-s.first.start < recallAfter {
		return
	}
	if now-s.crowd.looked >= recallAfter/2 {
		s.findCrowded(now)
	}
	if s.crowd.count == 0 || s.crowd.nodes[on.n] > 0 {
		return
	}
	m := s.brain.m
	for at := s.last; at != nil && s.crowd.count > 0; at = at.before {
		if now-at.start < recallAfter || s.crowd.nodes[at.on.n] <= 0 || !s.mayRecall(at) || !m.Spend(at.inst.id, free, suits) {
			continue
		}
		at.recalled = true
		if s.crowd.nodes[at.on.n] -= m.CPUOf(at.inst.id); s.crowd.nodes[at.on.n] <= 0 {
			s.crowd.count--
		}
		s.d.tell(at.on, protocol.TakeBack{Attempt: at.wire()})
	}
}

// mayRecallAny reports whether an offer may be a reason to ask others for tasks, as far as is known without looking.
func (s *session) mayRecallAny() bool {
	now := s.d.s.now
	return s.crowd.count > 0 || s.first != nil && now-s.first.start >= recallAfter && now-s.crowd.looked >= recallAfter/2
}

func (s *session) mayRecall(at *attempt) bool {
	return !at.recalled && !at.waits && at.asked == nil && s.d.job.program.tasks[at.inst.task].nature != once
}

func (s *session) findCrowded(now time.Duration) {
	s.crowd.looked, s.crowd.count = now, 0
	clear(s.crowd.nodes)
	for at := s.first; at != nil && now-at.start >= recallAfter; at = at.after {
		if !at.waits {
			s.crowd.nodes[at.on.n] += s.brain.m.CPUOf(at.inst.id)
		}
	}
	for n, a := range s.d.s.agents {
		if s.crowd.nodes[n] -= a.ledger.Total.CPU; s.crowd.nodes[n] > 0 {
			s.crowd.count++
		}
	}
}

// holding is which nodes are held for large tasks (internal/engine/hold.go).
type holding struct {
	looked time.Duration
	firsts map[coordinator.NeedID]firstOne
	nodes  map[*agent]heldFor
}

type firstOne struct {
	num   uint64
	since time.Duration
}

type heldFor struct {
	need coordinator.NeedID
	num  uint64
	told time.Duration // when its agent was told last
}

const (
	holdAfter = 10 * time.Second
	holdTell  = 3 * time.Second
	holdLasts = 10 * time.Second
)

func (s *session) holdFor(on *agent, free []int64) coordinator.NeedID {
	h, now := &s.holds, s.d.s.now
	if now-h.looked >= time.Second {
		s.findFirsts(now)
	}
	if len(h.firsts) == 0 && len(h.nodes) == 0 {
		return 0
	}
	if at, ok := h.nodes[on]; ok {
		if s.isFirst(at.need, at.num) {
			s.tellHold(on, at)
			return at.need
		}
		s.unhold(on)
	}
	best, found := s.longWaiting(on, free, now)
	if !found {
		return 0
	}
	if h.nodes == nil {
		h.nodes = map[*agent]heldFor{}
	}
	best.told = now - holdTell
	s.tellHold(on, best)
	return best.need
}

// tellHold notes a hold, and tells the node's agent of it now and then.
func (s *session) tellHold(on *agent, at heldFor) {
	if s.d.s.now-at.told >= holdTell {
		at.told = s.d.s.now
		amounts, _ := s.brain.m.AmountsOf(at.need)
		s.d.tell(on, protocol.Hold{Need: wireNeed(amounts), For: holdLasts})
	}
	s.holds.nodes[on] = at
}

func (s *session) unhold(on *agent) {
	delete(s.holds.nodes, on)
	s.d.tell(on, protocol.Hold{})
}

func wireNeed(amounts []coordinator.Amount) (n protocol.Need) {
	for _, a := range amounts {
		switch a.Dim {
		case coordinator.CPU:
			n.CPU = a.N
		case coordinator.Memory:
			n.Memory = a.N
		}
	}
	return n
}

func (s *session) isFirst(need coordinator.NeedID, num uint64) bool {
	first := s.brain.m.FirstOf(need)
	return first != 0 && s.brain.m.Number(first) == num
}

func (s *session) findFirsts(now time.Duration) {
	h := &s.holds
	h.looked = now
	firsts := map[coordinator.NeedID]firstOne{}
	s.brain.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, first coordinator.ID) {
		f := firstOne{s.brain.m.Number(first), now}
		if had := h.firsts[id]; had.num == f.num {
			f = had
		}
		firsts[id] = f
	})
	h.firsts = firsts
	for _, a := range s.d.s.agents {
		if at, ok := h.nodes[a]; ok && (firsts[at.need].num != at.num || !s.alive[a.n]) {
			s.unhold(a)
		}
	}
}

func (s *session) longWaiting(on *agent, free []int64, now time.Duration) (best heldFor, found bool) {
	if !s.alive[on.n] {
		return heldFor{}, false
	}
	for id, f := range s.holds.firsts {
		if now-f.since < holdAfter || found && f.num > best.num || !s.isFirst(id, f.num) || s.hasHold(id) {
			continue
		}
		amounts, _ := s.brain.m.AmountsOf(id)
		if s.quota.allows(s.needsOf(id)) && fits(amounts, &on.ledger.Total) && !s.brain.m.FitsFar(id, free) {
			best, found = heldFor{need: id, num: f.num}, true
		}
	}
	return best, found
}

func fits(need []coordinator.Amount, r *ledger.Room) bool {
	for _, a := range need {
		if a.Dim == coordinator.CPU && a.N > r.CPU || a.Dim == coordinator.Memory && a.N > r.Memory {
			return false
		}
	}
	return true
}

func (s *session) hasHold(id coordinator.NeedID) bool {
	for _, at := range s.holds.nodes {
		if at.need == id {
			return true
		}
	}
	return false
}

// survey hears which nodes there are (internal/engine/survey.go).
func (s *session) survey(c *protocol.ClusterDigest) {
	clear(s.alive)
	s.cpus = 0
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if a := s.d.s.agent(n.Node); !n.Dead && !a.draining {
			s.alive[a.n] = true
			s.cpus += float64(a.ledger.Total.CPU) / coordinator.Unit
		}
	}
	if !s.memory {
		return // no task holds anything but CPU, so none can wait for what another holds
	}
	var nodes []coordinator.Node
	number := map[*agent]int{}
	for i, a := range s.d.s.agents {
		if s.alive[i] {
			number[a] = len(nodes)
			nodes = append(nodes, coordinator.Node{Room: []int64{a.ledger.Total.CPU, 0, a.ledger.Total.Memory}, Suits: suits})
		}
	}
	s.brain.m.UnstickFar(nodes, nil, func(id coordinator.ID) int {
		if c := s.callOf(id); c != nil && c.at != nil {
			if n, ok := number[c.at.on]; ok {
				return n
			}
		}
		return -1
	})
	s.carryOut()
}
