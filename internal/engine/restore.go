package engine

import (
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// restoreMost is how many tasks one call of Restore looks at, so that nodes don't wait long for theirs.
const restoreMost = 1024

// watchReady has Restore look at tasks that become ready: there are outcomes to be found. The mutex is held.
func (s *Session) watchReady() { s.m.WatchAway(s.carried.stranded == nil) }

// Restore ends tasks that have become ready and whose outcome an earlier run of the job has recorded: that needs no node.
// Those of which it can't be told by a look at their key, as where their argument has a Ref of a task that isn't
// recorded, are looked up by Take, once a node offers room. More says that there may be others. It has one
// caller, who calls Take as well.
func (s *Session) Restore() (more bool) {
	s.mu.Lock()
	ids := s.m.ReadiedAway(s.carried.readied[:0], restoreMost)
	s.carried.readied = ids
	s.mu.Unlock()
	for _, id := range ids {
		s.restoreReady(id)
	}
	return len(ids) == restoreMost
}

// restoreReady ends a task if it is ready and its outcome is recorded. One that was given out before is let be: what was
// recorded of it couldn't be read.
func (s *Session) restoreReady(id coordinator.ID) {
	s.mu.Lock()
	if s.m.State(id) != coordinator.Ready || s.m.Attempt(id) > 0 || !s.isRecorded(s.taskOf(id)) || !s.m.Pick(id) {
		s.mu.Unlock()
		return
	}
	s.busy++
	r := s.beginAway(id, "", s.now())
	s.flush()
	found, err := r.t.ops.(recaller).recallAway(r)
	if found {
		s.arrive(r, err, 0)
		return
	}
	s.mu.Lock()
	s.takeBack(r, false) // what was recorded can't be read, say: it runs
	s.flush()
}

// isRecorded reports whether a task's outcome is likely to be recorded. The mutex is held.
func (s *Session) isRecorded(t *Task) bool {
	c := &s.carried
	if m, ok := t.ops.(interface{ isRecordedChunk() (prior, cut bool) }); ok {
		prior, cut := m.isRecordedChunk()
		return prior && (len(c.held) == 0 || !t.ops.Spec().Opts.Once) || cut && len(c.replayed) > 0 && len(c.held) == 0
	}
	if _, ok := t.ops.(recaller); !ok || t.ident == nil || !t.ident.known.Load() {
		return false
	}
	once, key := t.ops.Spec().Opts.Once, protocol.Key(t.ident.key)
	if _, runs := c.held[key]; runs && once {
		return false // it is adopted
	}
	if e, ok := s.cfg.Journal.Task(t.ident.key); ok && (e.Status == journal.OK || s.cfg.ResumeFailures || once) {
		return true
	}
	d, decided := c.decided[key]
	return c.replayed[key] != nil || decided && (once || s.cfg.ResumeFailures && d.Kind == protocol.FailedForGood)
}

// isRecordedChunk says whether an earlier run has recorded just these items, or an earlier driver has cut them so.
func (c *chunk[In, Out]) isRecordedChunk() (prior, cut bool) {
	if c.m.rec == nil || c.m.rec.differs.Load() {
		return false, false
	}
	counts := c.m.s.cfg.ResumeFailures || c.m.f.Opts.Once
	return c.prior != nil && (c.prior.Status == journal.OK || counts), c.known
}
