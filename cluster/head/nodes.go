package head

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

const (
	maxNodes      = 10_000
	forgetNode    = time.Hour // after its death
	maxNodeFields = 256       // labels, named resources, and users
	maxDrivers    = 10_000
)

// nodes is the table of the machines that report. Times are monotonic, and say when a report came, not what it says.
type nodes struct {
	dead time.Duration

	mu  sync.Mutex
	all map[string]*node
}

type node struct {
	info protocol.NodeInfo
	jobs map[string]protocol.Amounts // what they have of it, as it said last
	seen time.Time
	dead bool

	foreign error // its agent speaks a version that the head doesn't understand
}

func newNodes(dead time.Duration) *nodes { return &nodes{dead: dead, all: map[string]*node{}} }

// told is what a report says that is new.
type told int

const (
	nothingNew told = iota
	joined          // the node wasn't known, or was dead or stopped
	stopped         // and now it is
	draining        // it takes no tasks any more
	drained         // and has none
	undrained       // it takes tasks again
	foreign         // its agent isn't understood
)

// report takes a node's report. Of one whose agent isn't understood the error is a *protocol.VersionError.
func (t *nodes) report(in protocol.NodeInfo, now time.Time) (news told, err error) {
	if max(len(in.Labels), len(in.Named), len(in.Refuses)) > maxNodeFields || len(in.Drivers) > maxDrivers {
		return nothingNew, refuse(protocol.CodeMalformed,
			"a node has at most %d labels and as many named resources, and names as many users whom it doesn't serve", maxNodeFields)
	}
	if !plausible(&in) {
		return nothingNew, refuse(protocol.CodeMalformed, "no machine has %v CPUs, %v GPUs, %d bytes of memory, or so much of anything else",
			in.CPUs, in.GPUs, in.Memory)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.all[in.Node]
	if n == nil && len(t.all) >= maxNodes {
		return nothingNew, refuse(protocol.CodeFull, "the head knows %d nodes already", maxNodes)
	}
	if n == nil || n.dead {
		n, news = &node{}, joined
		t.all[in.Node] = n
	}
	switch {
	case in.Stopped && !n.info.Stopped:
		news = stopped
	case !in.Stopped && n.info.Stopped:
		news = joined
	case news == nothingNew && in.Drain != n.info.Drain:
		news = drainNews(in.Drain)
	}
	had := n.foreign
	n.info, n.seen, n.foreign = in, now, protocol.CheckVersion(agentOf(&in), protocol.Own("the head"))
	if n.foreign != nil && had == nil {
		news = foreign
	}
	return news, n.foreign
}

func agentOf(n *protocol.NodeInfo) protocol.Side {
	return protocol.Side{Name: "the agent of node " + short(n.Name), Major: max(n.Major, 1), Minor: n.Minor}
}

// refusal says why a node gets no tasks of a user, or of one job of his if program isn't nil.
func (n *node) refusal(user string, program *protocol.Side) string {
	err := n.foreign
	if err == nil && program != nil {
		err = protocol.CheckVersion(*program, agentOf(&n.info))
	}
	if err != nil {
		return err.Error()
	}
	return n.info.Refuse(user)
}

func drainNews(now protocol.DrainState) told {
	switch now {
	case protocol.Draining:
		return draining
	case protocol.Drained:
		return drained
	default:
		return undrained
	}
}

// lost marks the nodes that have died and gives them, once; those that have stopped were told of. A head that hasn't been
// up for long knows of no death.
func (t *nodes) lost(now time.Time, up time.Duration) []protocol.NodeInfo {
	if up < t.dead {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []protocol.NodeInfo
	for id, n := range t.all {
		age := now.Sub(n.seen)
		if !n.dead && age > t.dead {
			n.dead = true
			if !n.info.Stopped {
				out = append(out, n.info)
			}
		}
		if age > forgetNode+t.dead {
			delete(t.all, id)
		}
	}
	return out
}

// unit is one CPU or GPU.
const unit = 10_000

// list is the nodes, as a user sees them: whom else they don't serve isn't for him.
func (t *nodes) list(now time.Time, user string) []protocol.NodeInfo {
	return t.listFor(now, user, nil)
}

// listFor is the nodes as a job of a user's sees them, which has that program.
func (t *nodes) listFor(now time.Time, user string, program *protocol.Side) []protocol.NodeInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]protocol.NodeInfo, 0, len(t.all))
	for _, n := range t.all {
		info := n.info
		info.Seen, info.Alive = n.seen.Round(0), now.Sub(n.seen) <= t.dead && !n.info.Stopped
		info.Refusal, info.Refuses, info.Drivers = n.refusal(user, program), nil, nil
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b protocol.NodeInfo) int { return strings.Compare(a.Name+" "+a.Node, b.Name+" "+b.Node) })
	return out
}

// get is what a node last reported, and whether it counts as dead.
func (t *nodes) get(id string) (info protocol.NodeInfo, dead, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.all[id]; n != nil {
		return n.info, n.dead, true
	}
	return info, false, false
}

func (t *nodes) digest(now time.Time) []protocol.NodeDigest {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]protocol.NodeDigest, 0, len(t.all))
	for _, id := range slices.Sorted(maps.Keys(t.all)) {
		n := t.all[id]
		out = append(out, protocol.NodeDigest{Node: id, Age: now.Sub(n.seen).Seconds(), Dead: n.dead})
	}
	return out
}
