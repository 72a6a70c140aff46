package dispatch

import "slices"

// Births tell an agent that goes on from one that has begun anew on the same node, and has nothing of what that had: it
// was started again, or has ended the job's work since the head told it to. Not for concurrent use.
type Births struct {
	nodes  map[string][]uint64 // the lives of each node, the present one first
	reborn []string            // nodes that have begun anew and of which the Job hasn't heard that
}

// maxLives is how many lives of a node are remembered: an offer of an older one may still be on its way.
const maxLives = 8

// Of takes the life that an offer names. Reborn says that it is a new one of a node that had another; stale that it is
// one that is over.
func (b *Births) Of(node string, life uint64) (reborn, stale bool) {
	had := b.nodes[node]
	if i := slices.Index(had, life); life == 0 || i >= 0 {
		return false, i > 0
	}
	if b.nodes == nil {
		b.nodes = map[string][]uint64{}
	}
	if len(b.nodes) >= maxParked && had == nil {
		return false, false // an agent can claim any name
	}
	b.nodes[node] = append([]uint64{life}, had[:min(len(had), maxLives-1)]...)
	if reborn = len(had) > 0; reborn {
		b.reborn = append(b.reborn, node)
	}
	return reborn, false
}

// Take takes out the nodes that have begun anew.
func (b *Births) Take() (reborn []string) {
	reborn, b.reborn = b.reborn, nil
	return reborn
}
