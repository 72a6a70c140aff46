package engine

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// unfit is a need that no node can meet.
type unfit struct {
	since int64 // in ns since the session began
	seen  bool  // by the present survey
}

// Survey compares what tasks need with what the cluster's nodes have in all. What no node can ever meet is told at once,
// and refused when nodes had time to join. The list is kept.
func (s *Session) Survey(nodes []protocol.NodeInfo) {
	s.mu.Lock()
	s.carried.nodes = nodes
	s.countCPUs(nodes)
	refuse := map[coordinator.NeedID]error{}
	s.m.EachAway(func(id coordinator.NeedID, amounts []coordinator.Amount, class uint32, first coordinator.ID) {
		if err := s.unmetBy(nodes, amounts, s.carried.classes.where[class]); err != nil && s.isOverdue(id, first, err) {
			refuse[id] = err
		}
	})
	s.forgetFit()
	for id, why := range refuse {
		s.carried.refusal = fmt.Errorf("%w, after %v: add such a node, or ask for less", why, s.cfg.UnsatisfiableAfter)
		s.m.Refuse(id)
		s.carryOut()
	}
	s.unstickAway(nodes)
	s.flush()
}

// HasTasks reports whether there are tasks that haven't ended.
func (s *Session) HasTasks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.Len() > 0
}

// unstickAway fails tasks that can never start on any node, since what they lack there is held by tasks that wait for
// them. The mutex is held.
func (s *Session) unstickAway(list []protocol.NodeInfo) {
	var nodes []coordinator.Node
	number := map[string]int{}
	for i := range list {
		n := &list[i]
		if !n.Alive {
			continue
		}
		room := make([]int64, int(coordinator.FirstNamed)+len(s.dims))
		for d := range room {
			room[d] = s.totalOf(n, coordinator.Dim(d))
		}
		labels := n.AllLabels()
		number[n.Node] = len(nodes)
		nodes = append(nodes, coordinator.Node{Room: room, Suits: func(class uint32) bool {
			return s.carried.classes.where[class].matches(labels)
		}})
	}
	s.m.UnstickFar(nodes, s.limits(), func(id coordinator.ID) int {
		if r := s.currentRun(uint64(id)); r != nil {
			if n, ok := number[r.away.node]; ok {
				return n
			}
		}
		return -1
	})
	s.carryOut()
}

// forgetFit forgets the needs that the present survey didn't find unmet. The mutex is held.
func (s *Session) forgetFit() {
	for id, u := range s.carried.unfit {
		if !u.seen {
			delete(s.carried.unfit, id)
			continue
		}
		u.seen = false
		s.carried.unfit[id] = u
	}
}

// countCPUs notes how much runs at once, for the Maps. The mutex is held.
func (s *Session) countCPUs(nodes []protocol.NodeInfo) {
	s.carried.cpus = 0
	for i := range nodes {
		if nodes[i].Alive && nodes[i].Refusal == "" && nodes[i].Drain == "" {
			s.carried.cpus += nodes[i].CPUs
		}
	}
}

// isOverdue tells of a need that nobody can meet, once, and reports whether that has been so for too long.
func (s *Session) isOverdue(id coordinator.NeedID, first coordinator.ID, why error) bool {
	u, known := s.carried.unfit[id]
	if !known {
		u.since = s.now()
		name := s.taskOf(first).ops.Spec().Name
		s.note(event.Event{Kind: event.Hint, Func: name, Item: -1, Text: fmt.Sprintf("%s waits: %v", name, why)})
	}
	u.seen = true
	if s.carried.unfit == nil {
		s.carried.unfit = map[coordinator.NeedID]unfit{}
	}
	s.carried.unfit[id] = u
	limit := s.cfg.UnsatisfiableAfter
	return limit >= 0 && time.Duration(s.now()-u.since) >= limit
}

// unmetBy says why none of the nodes can ever run a task, or nothing. One that is drained will take tasks again.
func (s *Session) unmetBy(nodes []protocol.NodeInfo, amounts []coordinator.Amount, where Where) error {
	most := make([]int64, len(amounts))
	suited, refusal := false, ""
	for i := range nodes {
		n := &nodes[i]
		switch {
		case !n.Alive || !where.matches(n.AllLabels()):
			continue
		case n.Refusal != "":
			refusal = fmt.Sprintf("node %s: %s", n.Name, n.Refusal)
			continue
		}
		suited = true
		fits := true
		for k, a := range amounts {
			has := s.totalOf(n, a.Dim)
			most[k] = max(most[k], has)
			fits = fits && has >= a.N
		}
		if fits {
			return nil
		}
	}
	switch {
	case suited:
		return s.tooLittle(amounts, most)
	case refusal != "" && where != nil:
		return fmt.Errorf("no node with the labels %q serves this user's jobs; %s", where, refusal)
	case refusal != "":
		return fmt.Errorf("no node serves this user's jobs; %s", refusal)
	case where != nil:
		return fmt.Errorf("no node has the labels %q", where)
	default:
		return errors.New("the cluster has no node")
	}
}

// tooLittle names what is asked for and what nodes have at most.
func (s *Session) tooLittle(amounts []coordinator.Amount, most []int64) error {
	var lacks, all []string
	for k, a := range amounts {
		unit := float64(coordinator.Unit)
		if a.Dim == coordinator.Memory || a.Dim == coordinator.IO {
			unit = 1
		}
		text := s.amountText(a)
		all = append(all, text)
		if most[k] < a.N {
			lacks = append(lacks, fmt.Sprintf("%s; no node has more than %v", text, float64(most[k])/unit))
		}
	}
	if len(lacks) == 0 {
		return fmt.Errorf("it needs %s; no node has all of that together", strings.Join(all, " and "))
	}
	return fmt.Errorf("it needs %s", strings.Join(lacks, ", and "))
}

// totalOf is what a node has of a dimension.
func (s *Session) totalOf(n *protocol.NodeInfo, d coordinator.Dim) int64 {
	switch d {
	case coordinator.CPU:
		return units(n.CPUs)
	case coordinator.IO:
		return math.MaxInt64
	case coordinator.Memory:
		return n.Memory
	}
	if name := s.name(d); name != GPU {
		return n.Named[name]
	}
	return units(n.GPUs)
}
