package dispatch

import (
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// Nodes are those that have had tasks of the job, and whether they are alive. A node is dead when the head counts it as
// dead or doesn't know it, AND doesn't answer a question, AND both were seen from a connection that has been up for
// long: the head's absence, or this driver's, is nobody's death. Not for concurrent use.
type Nodes struct {
	ages      protocol.Ages
	connected time.Time            // since when; zero while it isn't
	used      map[string]bool      // have had tasks, and aren't dead
	asked     map[string]time.Time // those of them that were asked whether they live, and when
	gone      map[string]bool      // dead, and not heard of since
}

// NewNodes knows none yet, and no connection.
func NewNodes(ages protocol.Ages) *Nodes {
	return &Nodes{ages: ages, used: map[string]bool{}, asked: map[string]time.Time{}, gone: map[string]bool{}}
}

// Use notes that a node gets tasks.
func (n *Nodes) Use(node string) {
	n.Heard(node)
	n.used[node] = true
}

// Heard notes that a node has said something: it lives.
func (n *Nodes) Heard(node string) {
	delete(n.gone, node)
	delete(n.asked, node)
}

// Link notes that the connection is up, or down if up is zero.
func (n *Nodes) Link(up time.Time) {
	n.connected = up
	clear(n.asked)
}

// Gone reports whether a node is dead and hasn't been heard of since.
func (n *Nodes) Gone(node string) bool { return n.gone[node] }

// Used reports whether a node has had tasks, and isn't dead.
func (n *Nodes) Used(node string) bool { return n.used[node] }

// IsConnected reports whether the connection is up.
func (n *Nodes) IsConnected() bool { return !n.connected.IsZero() }

// Digest takes the head's word on who is alive, and gives the nodes that are to be asked.
func (n *Nodes) Digest(d *protocol.ClusterDigest, now time.Time) (ask []string) {
	dead := n.ages.Dead
	if len(n.used) == 0 || n.connected.IsZero() || now.Sub(n.connected) < dead || d.Up < dead.Seconds() {
		return nil
	}
	live := 0
	for i := range d.Nodes {
		if x := &d.Nodes[i]; !x.Dead && n.used[x.Node] {
			delete(n.asked, x.Node)
			live++
		}
	}
	if live == len(n.used) {
		return nil // as nearly always, and for many nodes
	}
	alive := make(map[string]bool, len(d.Nodes))
	for i := range d.Nodes {
		alive[d.Nodes[i].Node] = !d.Nodes[i].Dead
	}
	for node := range n.used {
		if _, asked := n.asked[node]; !asked && !alive[node] {
			n.asked[node] = now
			ask = append(ask, node)
		}
	}
	slices.Sort(ask)
	return ask
}

// Dead takes out the nodes that were asked and haven't answered.
func (n *Nodes) Dead(now time.Time) (dead []string) {
	for node, asked := range n.asked {
		if now.Sub(asked) >= n.ages.Ask {
			dead = append(dead, node)
			delete(n.used, node)
			delete(n.asked, node)
			n.gone[node] = true
		}
	}
	slices.Sort(dead)
	return dead
}

// All are the nodes that have had tasks and aren't dead.
func (n *Nodes) All() []string {
	all := make([]string, 0, len(n.used))
	for node := range n.used {
		all = append(all, node)
	}
	slices.Sort(all)
	return all
}
