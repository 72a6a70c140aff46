package head

import (
	"sync"

	"github.com/musterrun/muster/protocol"
)

const keepEvents = 1000

// ring has the last events.
type ring struct {
	mu   sync.Mutex
	all  []protocol.ClusterEvent
	next int
}

func (r *ring) add(e protocol.ClusterEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < keepEvents {
		r.all = append(r.all, e)
		return
	}
	r.all[r.next] = e
	r.next = (r.next + 1) % keepEvents
}

// list is the events, oldest first.
func (r *ring) list() []protocol.ClusterEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append([]protocol.ClusterEvent{}, r.all[r.next:]...), r.all[:r.next]...)
}

// event records and logs one.
func (h *Head) event(kind, job, node, text string) {
	h.counters.event(kind)
	h.events.add(protocol.ClusterEvent{Time: h.cfg.Now(), Kind: kind, Job: job, Node: node, Text: text})
	h.log.Info(text, "event", kind, "job", job, "node", node)
}
