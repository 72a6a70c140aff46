package engine

import (
	"fmt"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// A task that must not run twice (the option AtMostOnce) is recorded before it begins: in the job's journal as a failure,
// ErrMaybeRan, which its outcome replaces; on a cluster in the job's stream too, which a driver on another machine reads.

// upStarted has it recorded that an attempt begins that must not begin twice. What is no attempt any more is told to end.
func (s *Session) upStarted(node string, a protocol.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runOn(node, a)
	switch {
	case r == nil || !r.t.ops.Spec().Opts.Once:
		s.cfg.Carrier.Send(node, protocol.Stop{Attempt: a, Grace: s.cfg.Grace})
	case !r.away.started: // else it is said again, and was heard
		r.away.started = true
		s.cfg.Carrier.Decide(protocol.Decision{Key: s.wireKey(r), Kind: protocol.Began}, func() { s.begins(r) })
	}
}

// begins lets an attempt begin: that it does is recorded.
func (s *Session) begins(r *Run) {
	if c, ok := r.t.ops.(itemRecorder); ok && c.recordsItem() {
		c.recordFailure(int(r.attempt), ErrMaybeRan)
	} else if id := r.t.ident; id != nil && id.known.Load() {
		s.recordBegun(r.t.ops.Spec(), journal.Record{Key: id.key, Attempt: int(r.attempt)})
	}
	s.mu.Lock()
	defer s.flush()
	if d, ok := s.decisionOf(r); ok { // an earlier driver's came late
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
		if r.Commit() {
			s.arrived(r, decidedError(d), coordinator.Fatal, 0, s.now())
		}
		return
	}
	if r.over || r.fate.Load() != running {
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
		return
	}
	s.cfg.Carrier.Send(r.away.node, protocol.Begin{Attempt: r.wire()})
}

// recordBegun appends that a call may have run.
func (s *Session) recordBegun(sp *Spec, rec journal.Record) {
	data, err := codec.AppendError(nil, ErrMaybeRan)
	if err != nil {
		panic(fmt.Sprintf("muster: ErrMaybeRan can't be encoded: %v", err)) // it is registered
	}
	rec.Status, rec.Data = journal.Failed, data
	s.append(sp, rec)
}

// syncJournal waits until what is recorded is on the disk. If that fails it was told, and the run goes on without.
func (s *Session) syncJournal() { _ = s.cfg.Journal.Sync() }

// Decided takes what earlier drivers of the job have decided.
func (s *Session) Decided(d *protocol.Decisions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Journal == nil {
		return // nothing is found by its key
	}
	if s.carried.decided == nil {
		s.carried.decided = map[protocol.Key]protocol.Decision{}
	}
	for _, x := range d.List {
		if x.Kind == protocol.Began || x.Kind == protocol.FailedForGood {
			s.carried.decided[x.Key] = x
			s.watchReady()
		}
	}
}

// failDecided notes that a task of an earlier driver that had begun failed by itself. The mutex is held.
func (s *Session) failDecided(o *protocol.Outcome) {
	if d, ok := s.carried.decided[o.Key]; ok && d.Kind == protocol.Began && o.Status == protocol.Failed {
		d.Kind, d.Data = protocol.FailedForGood, o.Value.Data
		s.carried.decided[o.Key] = d
	}
}

// decisionOf is what an earlier driver has decided about an attempt's task. The mutex is held.
func (s *Session) decisionOf(r *Run) (protocol.Decision, bool) {
	id := r.t.ident
	if id == nil || !id.known.Load() {
		return protocol.Decision{}, false
	}
	d, ok := s.carried.decided[protocol.Key(id.key)]
	return d, ok
}

func decidedError(d protocol.Decision) error {
	if d.Kind == protocol.Began {
		return ErrMaybeRan
	}
	return failureOf(&protocol.Value{Form: protocol.Failure, Data: d.Data})
}

// recallDecided is the failure that stands for a task: an earlier driver's word that it failed for good, if failures
// count, or that it has begun, if it must not run twice.
func (s *Session) recallDecided(r *Run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.decisionOf(r)
	if !ok || !r.t.ops.Spec().Opts.Once && !(s.cfg.ResumeFailures && d.Kind == protocol.FailedForGood) {
		return nil
	}
	r.final = true
	return decidedError(d)
}

// comes reports whether the outcome of a key that an earlier driver gave out is there, or on its way.
func (s *Session) comes(key journal.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, runs := s.carried.held[protocol.Key(key)]
	return runs || s.carried.replayed[protocol.Key(key)] != nil
}
