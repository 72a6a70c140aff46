package head

import (
	"context"
	"sync"

	"github.com/musterrun/muster/protocol"
)

// trims are the journals of which what was read is to be removed. One goroutine does it, one after the other: a renewal that
// waited for it would keep others waiting, by which drivers and nodes live, just when a disk is slow.
type trims struct {
	mu     sync.Mutex
	wanted map[string]uint64 // up to which sequence, by job
	some   chan struct{}     // holds a token while some are wanted
}

func newTrims() *trims { return &trims{wanted: map[string]uint64{}, some: make(chan struct{}, 1)} }

// want notes up to where a driver has read its journal.
func (t *trims) want(job string, read uint64) {
	t.mu.Lock()
	t.wanted[job] = max(read, t.wanted[job])
	t.mu.Unlock()
	select {
	case t.some <- struct{}{}:
	default:
	}
}

// take gives one that is wanted.
func (t *trims) take() (job string, read uint64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for job, read = range t.wanted {
		delete(t.wanted, job)
		return job, read, true
	}
	return "", 0, false
}

// keepTrimmed trims journals until the head stops.
func (h *Head) keepTrimmed(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.trims.some:
		}
		for job, read, ok := h.trims.take(); ok && ctx.Err() == nil; job, read, ok = h.trims.take() {
			h.trim(ctx, job, read)
		}
	}
}

// trim removes what a driver has read from its journal, unless that is gone, or JetStream is away: then a later renewal does.
func (h *Head) trim(ctx context.Context, job string, read uint64) {
	if _, open := h.jobs.get(job); !open || h.stalled.Load() { // it may have ended since
		return
	}
	err := within(ctx, purgeTime, func(ctx context.Context) error { return h.purgeJournal(ctx, job, read) })
	if err == nil {
		h.jobs.trimmed(job, read)
		return
	}
	if j, open := h.jobs.get(job); !open || j.info.State != protocol.JobRunning || ctx.Err() != nil { // its journal ends with it
		return
	}
	h.stalled.Store(h.cfg.NATS != nil && isAway(err)) // beat looks again
	h.log.Warn("trim a job's journal later", "job", job, "error", err)
}

// trimmed notes up to where a journal is gone.
func (t *jobs) trimmed(id string, read uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.all[id]; j != nil {
		j.purged = max(j.purged, read)
	}
}
