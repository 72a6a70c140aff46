package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// maxNodes is how many nodes an explanation names.
const maxNodes = 3

// whyRoomAway says why no node runs the first task of a need. The mutex is held, as for the others below.
func (s *Session) whyRoomAway(id coordinator.NeedID) string {
	if text := s.whyQuota(id); text != "" {
		return text
	}
	if s.carried.nodes == nil {
		return "the cluster hasn't said yet which nodes there are"
	}
	amounts, class := s.m.AmountsOf(id)
	where := s.carried.classes.where[class]
	if err := s.unmetBy(s.carried.nodes, amounts, where); err != nil {
		return err.Error() + s.nearest(amounts, where) + s.failsIn(id)
	}
	var names []string
	could, idle := 0, false
	for i := range s.carried.nodes {
		n := &s.carried.nodes[i]
		if !n.Alive || !where.matches(n.AllLabels()) || s.hasOf(n, amounts) < 1 {
			continue
		}
		idle = idle || n.Drain == "" && n.FreeCPU >= cpusOf(amounts)
		if could++; could <= maxNodes {
			names = append(names, s.nodeName(n.Node)+" "+roomOn(n))
		}
	}
	if could > maxNodes {
		names = append(names, fmt.Sprintf("%d others", could-maxNodes))
	}
	text := fmt.Sprintf("it waits for room of %s on %s", s.needText(amounts), strings.Join(names, " or "))
	if idle {
		text += "; a node that is new to the job gets its program first"
	}
	mine := s.carried.holding.nodes
	for node, at := range mine {
		if at.need == id {
			text += "; node " + s.nodeName(node) + " is held for it, and gets nothing that comes after it"
		}
	}
	for i := range s.carried.nodes {
		n := &s.carried.nodes[i]
		if _, ok := mine[n.Node]; n.Alive && n.Held != "" && !ok {
			text += "; node " + s.nodeName(n.Node) + " is held for " + n.Held
		}
	}
	return text
}

// cpusOf is how many CPUs are asked for.
func cpusOf(amounts []coordinator.Amount) (n float64) {
	for _, a := range amounts {
		if a.Dim == coordinator.CPU {
			n += float64(a.N) / coordinator.Unit
		}
	}
	return n
}

// roomOn says what a node has for tasks.
func roomOn(n *protocol.NodeInfo) string {
	if n.Drain != "" {
		return "(" + string(n.Drain) + ", it takes no tasks until muster undrain)"
	}
	return fmt.Sprintf("(%v of %v CPUs free)", n.FreeCPU, n.CPUs)
}

// needText writes amounts as people do.
func (s *Session) needText(amounts []coordinator.Amount) string {
	var all []string
	for _, a := range amounts {
		all = append(all, s.amountText(a))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, " and ")
}

// hasOf is how much of what is asked for a node has in all: of that of which it has least, and at most all.
func (s *Session) hasOf(n *protocol.NodeInfo, amounts []coordinator.Amount) float64 {
	least := 1.0
	for _, a := range amounts {
		if a.N > 0 {
			least = min(least, float64(s.totalOf(n, a.Dim))/float64(a.N))
		}
	}
	return least
}

// nearest names the node that comes nearest to what none has.
func (s *Session) nearest(amounts []coordinator.Amount, where Where) string {
	var best *protocol.NodeInfo
	var lacks []string
	for i := range s.carried.nodes {
		n := &s.carried.nodes[i]
		if !n.Alive {
			continue
		}
		misses := where.misses(n.AllLabels())
		if best == nil || len(misses) < len(lacks) || len(misses) == len(lacks) && s.hasOf(n, amounts) > s.hasOf(best, amounts) {
			best, lacks = n, misses
		}
	}
	switch {
	case best == nil:
		return ""
	case len(lacks) > 0:
		return fmt.Sprintf("; node %s comes nearest, and misses %s", s.nodeName(best.Node), strings.Join(lacks, ","))
	}
	return fmt.Sprintf("; node %s comes nearest", s.nodeName(best.Node))
}

// failsIn says when a need that nobody can meet is given up.
func (s *Session) failsIn(id coordinator.NeedID) string {
	u, known := s.carried.unfit[id]
	if !known || s.cfg.UnsatisfiableAfter < 0 {
		return ""
	}
	left := s.cfg.UnsatisfiableAfter - time.Duration(s.now()-u.since)
	return fmt.Sprintf("; it fails in %s unless such a node joins", lasts(max(0, left)))
}

// misses are the terms that labels don't meet.
func (w Where) misses(labels []protocol.Label) (terms []string) {
	for i := range w {
		if one := w[i : i+1]; !one.matches(labels) {
			terms = append(terms, one.String())
		}
	}
	return slices.Clip(terms)
}
