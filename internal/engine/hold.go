package engine

import (
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// A large task would wait for ever if small ones always took what becomes free on each node, one after the other. So one
// that has been the first of its kind for some time has a node held for it that could run it when empty: nothing is given
// to that node that comes after it, until it fits. Each node is held for one at most, and each has one node at most. The
// node's agent is told, so that it gives nothing of other jobs either that would take the room.

const (
	holdAfter = 10 * time.Second // how long a task is the first of its kind before a node is held for it
	holdTell  = 3 * time.Second  // between two words of it to the node
	holdLasts = 10 * time.Second // on the node without another word: its driver may be gone
)

// holding is which nodes are held.
type holding struct {
	looked int64
	firsts map[coordinator.NeedID]firstOne
	nodes  map[string]held
}

// firstOne is the first of a kind, and since when it has been.
type firstOne struct {
	num   uint64
	since int64
}

// held is what a node is held for.
type held struct {
	need coordinator.NeedID
	num  uint64
	told int64 // when its agent was told last
}

// holdFor is the need that a node's offer is held for; 0 for none. The mutex is held, as for the others below.
func (s *Session) holdFor(o *protocol.Offer, free []int64, now int64) coordinator.NeedID {
	h := &s.carried.holding
	if now-h.looked >= int64(time.Second) {
		s.findFirsts(now)
	}
	if len(h.firsts) == 0 && len(h.nodes) == 0 {
		return 0
	}
	if at, ok := h.nodes[o.Node]; ok {
		if s.isFirst(at.need, at.num) {
			s.tellHold(o.Node, at, now)
			return at.need
		}
		s.unhold(o.Node)
	}
	best, found := s.longWaiting(o, free, now)
	if !found {
		return 0
	}
	if h.nodes == nil {
		h.nodes = map[string]held{}
	}
	best.told = now - int64(holdTell)
	s.tellHold(o.Node, best, now)
	return best.need
}

// tellHold notes a hold, and tells the node's agent of it now and then.
func (s *Session) tellHold(node string, at held, now int64) {
	if now-at.told >= int64(holdTell) {
		at.told = now
		amounts, _ := s.m.AmountsOf(at.need)
		s.cfg.Carrier.Send(node, protocol.Hold{Need: s.wireNeed(amounts), For: holdLasts})
	}
	s.carried.holding.nodes[node] = at
}

// unhold ends a hold.
func (s *Session) unhold(node string) {
	delete(s.carried.holding.nodes, node)
	s.cfg.Carrier.Send(node, protocol.Hold{})
}

// wireNeed is a need as messages have it.
func (s *Session) wireNeed(amounts []coordinator.Amount) (n protocol.Need) {
	for _, a := range amounts {
		switch a.Dim {
		case coordinator.CPU:
			n.CPU = a.N
		case coordinator.IO:
			n.IO = a.N
		case coordinator.Memory:
			n.Memory = a.N
		default:
			if name := s.name(a.Dim); name == GPU {
				n.GPUs = a.N
			} else {
				n.Named = append(n.Named, protocol.Amount{Name: name, N: a.N})
			}
		}
	}
	return n
}

func (s *Session) holdAfter() time.Duration {
	if s.cfg.HoldAfter > 0 {
		return s.cfg.HoldAfter
	}
	return holdAfter
}

func (s *Session) isFirst(need coordinator.NeedID, num uint64) bool {
	first := s.m.FirstOf(need)
	return first != 0 && s.m.Number(first) == num
}

// findFirsts notes the first task of each kind, and forgets the holds of those that have started and of nodes that are gone.
func (s *Session) findFirsts(now int64) {
	h := &s.carried.holding
	h.looked = now
	firsts := map[coordinator.NeedID]firstOne{}
	s.m.EachAway(func(id coordinator.NeedID, _ []coordinator.Amount, _ uint32, first coordinator.ID) {
		f := firstOne{s.m.Number(first), now}
		if had := h.firsts[id]; had.num == f.num {
			f = had
		}
		firsts[id] = f
	})
	h.firsts = firsts
	for node, at := range h.nodes {
		if firsts[at.need].num != at.num || s.aliveNode(node) == nil {
			s.unhold(node)
		}
	}
}

// longWaiting is the oldest task that has waited for long, doesn't fit an offer, and would fit its node when empty.
func (s *Session) longWaiting(o *protocol.Offer, free []int64, now int64) (best held, found bool) {
	h := &s.carried.holding
	suits := s.suits(o)
	var node *protocol.NodeInfo // looked for among all of them only if there is such a task
	for id, f := range h.firsts {
		if now-f.since < int64(s.holdAfter()) || found && f.num > best.num || !s.isFirst(id, f.num) || s.hasHold(id) {
			continue
		}
		if node == nil {
			if node = s.aliveNode(o.Node); node == nil {
				return held{}, false
			}
		}
		amounts, class := s.m.AmountsOf(id)
		if suits(class) && s.carried.quota.allows(amounts) && s.hasOf(node, amounts) >= 1 && !s.m.FitsFar(id, free) {
			best, found = held{need: id, num: f.num}, true
		}
	}
	return best, found
}

func (s *Session) hasHold(id coordinator.NeedID) bool {
	for _, at := range s.carried.holding.nodes {
		if at.need == id {
			return true
		}
	}
	return false
}

// aliveNode is a node's record by the last survey, if it lives and takes tasks.
func (s *Session) aliveNode(id string) *protocol.NodeInfo {
	for i := range s.carried.nodes {
		if n := &s.carried.nodes[i]; n.Node == id && n.Alive && n.Drain == "" {
			return n
		}
	}
	return nil
}
