package dispatch

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// RollCall is what a driver waits for that goes on with a job: each node that lives has said what it still runs for the
// driver before, so that none of that is given out again. Who offers room has said it. Not for concurrent use.
type RollCall struct {
	until   time.Time       // who hasn't answered then isn't waited for
	heard   map[string]bool // nodes that have answered
	missing map[string]bool // nodes that live and haven't; nil until the first digest
	over    bool
}

// rollCallFor is how long nodes may take.
const rollCallFor = 2 * time.Second

// NewRollCall begins one; the first epoch of a job needs none.
func NewRollCall(epoch uint32, now time.Time) RollCall {
	return RollCall{until: now.Add(rollCallFor), heard: map[string]bool{}, over: epoch <= 1}
}

// Over reports whether nobody is waited for any more.
func (r *RollCall) Over() bool { return r.over }

// Begin counts from now how long nodes may take: they couldn't be heard before.
func (r *RollCall) Begin(now time.Time) { r.until = now.Add(rollCallFor) }

// Answer notes that a node has said what it has. It reports whether that was all that was waited for.
func (r *RollCall) Answer(node string) (ends bool) {
	if r.over || len(r.heard) >= maxParked {
		return false
	}
	r.heard[node] = true
	delete(r.missing, node)
	return r.end(r.missing != nil && len(r.missing) == 0)
}

// Digest says which nodes live.
func (r *RollCall) Digest(d *protocol.ClusterDigest) (ends bool) {
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

// Late ends the wait when its time is over.
func (r *RollCall) Late(now time.Time) (ends bool) {
	return !r.over && r.end(!now.Before(r.until))
}

func (r *RollCall) end(yes bool) bool {
	if yes {
		r.over, r.heard, r.missing = true, nil, nil
	}
	return yes
}
