package dispatch

import (
	"math"
	"time"
)

// Reach is on how many CPUs there are tasks of microseconds of one kind. On as many as do a million of them a second, which
// is about what a driver gives out, it is far enough: a further node has a worker to start, gets smaller batches, and takes
// room that others want. The zero value is ready. Times are by a clock of the caller's. Not for concurrent use.
type Reach struct {
	nodes map[string]*Reached
	cpus  int64         // of these, in 1/10,000
	mean  float64       // of cpus over the last second or so: between two batches a node has nothing for a moment
	at    time.Duration // when mean was found
	left  time.Duration // when the last node had none any more
}

// Reached is a node that has some of these tasks.
type Reached struct {
	of    *Reach
	node  string
	cpus  int64
	tasks int
}

const (
	reachUnit = 10_000 // a CPU
	reachFull = 2048   // tasks that share the CPU of one where they are shortest
	reachFree = 2      // of those that take longest and still share one: they may go anywhere
	reachMean = float64(time.Second)
	reachIdle = 250 * time.Millisecond // after which nodes that have none count no more: they may be gone
)

// IsShort reports whether tasks of which so many share a CPU are what a Reach is for.
func IsShort(pack int) bool { return pack > reachFree }

// Give notes that a node was given so many tasks for so many CPUs.
func (r *Reach) Give(node string, cpus int64, tasks int, now time.Duration) *Reached {
	n := r.nodes[node]
	if n == nil {
		if r.nodes == nil {
			r.nodes = map[string]*Reached{}
		}
		n = &Reached{of: r, node: node}
		r.nodes[node] = n
	}
	r.fade(now)
	more := max(cpus-n.cpus, 0)
	r.cpus += more
	n.cpus += more
	n.tasks += tasks
	return n
}

// End notes that one of a node's tasks is over, and reports whether it was the last: then Leave is to be called. That alone
// needs the time, which isn't asked for each task.
func (n *Reached) End() (last bool) {
	n.tasks--
	return n.tasks <= 0
}

// Leave notes that a node has none of the tasks any more.
func (n *Reached) Leave(now time.Duration) {
	n.of.fade(now)
	n.of.cpus -= n.cpus
	n.of.left = now
	delete(n.of.nodes, n.node)
}

// Suffices reports whether a further node is of no use to tasks of which so many share a CPU.
func (r *Reach) Suffices(pack int, now time.Duration) bool {
	r.fade(now)
	if r.cpus == 0 && now-r.left > reachIdle {
		return false
	}
	return IsShort(pack) && max(float64(r.cpus), r.mean)*float64(pack) >= reachFull*reachUnit
}

func (r *Reach) fade(now time.Duration) {
	if passed := now - r.at; passed > 0 {
		r.mean += (float64(r.cpus) - r.mean) * -math.Expm1(-float64(passed)/reachMean)
		r.at = now
	}
}
