package head

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// driversPerCPU is how many drivers a node has at most. A driver waits nearly all the time, so it isn't charged anything:
// on a node of one CPU, a function that needs one would never start beside it.
const driversPerCPU = 4

// place is the node on which a waiting submission is to be started; "" if none is, and why not. It is the one with the
// fewest drivers for its size among those that may run it, not the one where it went wrong last if there is another. The
// nodes are as the owner sees them.
func (s *submission) place(now time.Time, nodes []protocol.NodeInfo, drivers map[string]int) (node, why string) {
	if now.Before(s.After) {
		return "", ""
	}
	var fit []protocol.NodeInfo
	reasons := map[string]int{}
	for _, n := range nodes {
		if why := s.unfit(&n, drivers[n.Node]); why != "" {
			reasons[why]++
			continue
		}
		fit = append(fit, n)
	}
	if len(fit) == 0 {
		return "", "no node can run it: " + mostOf(reasons)
	}
	return slices.MinFunc(fit, func(a, b protocol.NodeInfo) int {
		return cmp.Or(
			cmp.Compare(penalty(a.Node == s.Avoid), penalty(b.Node == s.Avoid)),
			cmp.Compare(float64(drivers[a.Node])/max(a.CPUs, 1), float64(drivers[b.Node])/max(b.CPUs, 1)),
			cmp.Compare(b.FreeCPU, a.FreeCPU),
			cmp.Compare(a.Node, b.Node),
		)
	}).Node, ""
}

func penalty(is bool) int {
	if is {
		return 1
	}
	return 0
}

// unfit says why a node can't run the driver; "" if it can.
func (s *submission) unfit(n *protocol.NodeInfo, drivers int) string {
	built := func(b protocol.Binary) bool { return b.OS == n.OS && b.Arch == n.Arch }
	labels := n.AllLabels()
	lacks := func(l protocol.Label) bool { return !slices.Contains(labels, l) }
	switch i := slices.IndexFunc(s.Spec.Labels, lacks); {
	case !n.Alive:
		return "is away"
	case n.Drain != "":
		return "is drained"
	case !slices.ContainsFunc(s.Spec.Binaries, built):
		return fmt.Sprintf("is of platform %s/%s, for which it isn't built", n.OS, n.Arch)
	case i >= 0:
		return fmt.Sprintf("isn't labelled %s=%s", s.Spec.Labels[i].Name, s.Spec.Labels[i].Value)
	case n.Refusal != "":
		return "doesn't run the drivers of user " + s.Owner
	case drivers >= max(int(n.CPUs*driversPerCPU), driversPerCPU):
		return fmt.Sprintf("has %d drivers, which is as many as it takes", drivers)
	}
	return ""
}

// mostOf is the reason that most nodes have.
func mostOf(reasons map[string]int) string {
	text, most := "", 0
	for why, n := range reasons {
		if n > most || n == most && why < text {
			text, most = why, n
		}
	}
	switch most {
	case 0:
		return "there is none"
	case 1:
		return "a node " + text
	}
	return fmt.Sprintf("each of %d nodes %s", most, text)
}
