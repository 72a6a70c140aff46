package remote

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// rollCall is what a driver waits for that goes on with a job: each node that lives has said what it still runs for the
// driver before, so that none of that is given out again. Who offers room has said it. Not for concurrent use.
type rollCall struct {
	until   time.Time       // who hasn't answered then isn't waited for
	heard   map[string]bool // nodes that have answered
	missing map[string]bool // nodes that live and haven't; nil until the first digest
	over    bool
}

// rollCallFor is how long nodes may take.
const rollCallFor = 2 * time.Second

func newRollCall(epoch uint32, now time.Time) rollCall {
	return rollCall{until: now.Add(rollCallFor), heard: map[string]bool{}, over: epoch <= 1}
}

// answer notes that a node has said what it has. It reports whether that was all that was waited for.
func (r *rollCall) answer(node string) (ends bool) {
	if r.over || len(r.heard) >= maxParked {
		return false
	}
	r.heard[node] = true
	delete(r.missing, node)
	return r.end(r.missing != nil && len(r.missing) == 0)
}

// digest says which nodes live.
func (r *rollCall) digest(d *protocol.ClusterDigest) (ends bool) {
	if r.over || r.missing != nil {
		return false
	}
	r.missing = map[string]bool{}
	for _, n := range d.Nodes {
		if !n.Dead && !r.heard[n.Node] {
			r.missing[n.Node] = true
		}
	}
	return r.end(len(r.missing) == 0)
}

// late ends the wait when its time is over.
func (r *rollCall) late(now time.Time) (ends bool) {
	return !r.over && r.end(!now.Before(r.until))
}

func (r *rollCall) end(yes bool) bool {
	if yes {
		r.over, r.heard, r.missing = true, nil, nil
	}
	return yes
}

// rolled gives out tasks once the roll call is over.
func (c *Carrier) rolled(over bool) {
	if over {
		c.Wake()
	}
}
