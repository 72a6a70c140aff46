package engine

import (
	"errors"
	"fmt"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// Unconfirmed gives out again what a node never said that it has.
func (s *Session) Unconfirmed(node string, tasks []protocol.Attempt) {
	s.mu.Lock()
	for _, a := range tasks {
		if r := s.runOn(node, a); r != nil {
			s.takeBack(r, false)
		}
	}
	s.flush()
}

// Lost gives out again what a dead node had. What ran on it may have killed it, so it runs alone from now on.
func (s *Session) Lost(node string) {
	s.mu.Lock()
	var runs []*Run
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		if r := s.currentRun(uint64(id)); r != nil && r.away.node == node {
			runs = append(runs, r)
		}
		return true
	})
	for _, r := range runs {
		s.recordOf(r.id).suspect = true
		s.lose(r, errNodeLost)
	}
	s.forgetHeld(node)
	s.flush()
}

var errNodeLost = errors.New("its node is gone")

// lose is takeBack of an attempt that may have begun: listeners are told. The mutex is held.
func (s *Session) lose(r *Run, why error) {
	if s.log.has(event.TaskLost) && r.fate.Load() == running && !r.away.started {
		e := s.describe(r.t, event.TaskLost, why)
		if r.t.is(quiet) {
			e.Task = 0 // a chunk of a Map isn't a task to its listeners
		}
		s.log.add(e)
	}
	s.takeBack(r, false)
}

// takeBack ends an attempt that won't have an outcome. With first its task goes before others of its priority. The mutex is
// held.
func (s *Session) takeBack(r *Run, first bool) {
	if !r.fate.CompareAndSwap(running, returned) {
		return // its outcome is being taken, or it was given up
	}
	if r.away.started {
		s.arrived(r, ErrMaybeRan, coordinator.Fatal, 0, s.now())
		return
	}
	if s.takenBack(r, first) {
		s.release()
	}
}

// takenBack ends an attempt that won't have an outcome, and reports whether it was still known. The mutex is held.
func (s *Session) takenBack(r *Run, first bool) bool {
	s.stopTimers(r)
	out, why := s.m.GiveBack(r.id, int(r.attempt), first)
	if out == coordinator.Ignored {
		return false
	}
	r.over = true
	s.delist(r)
	s.recordOf(r.id).lost(r)
	s.load.ended(0)
	s.endWaits(r)
	s.handOver(r, false, nil)
	s.linger(r)
	if out == coordinator.Canceled {
		s.settleCanceled(r.t, r, why)
		s.carryOut()
		s.forget(r.id)
	}
	r.t.run = nil
	return true
}

// gaveBack takes a node's word that an attempt ended without an outcome. The mutex is held.
func (s *Session) gaveBack(r *Run, g *protocol.GiveBack) {
	if g.Reason != protocol.WorkerDied {
		r.away.started = false // it was about to begin, and hasn't
		s.takeBack(r, g.Reason == protocol.Returned && s.keepsTurn(r.id))
		return
	}
	s.tellDeath(r.away.node, g.Text)
	rec := s.recordOf(r.id)
	rec.suspect = true
	if g.Alone {
		rec.deaths++
	}
	n := rec.deaths
	if n < maxDeaths {
		s.lose(r, errors.New("its worker died: "+g.Text))
		return
	}
	if !r.Commit() {
		return
	}
	err := fmt.Errorf("its worker died %d times while it ran alone, last on node %s: %s", n, r.away.node, g.Text)
	s.arrived(r, err, coordinator.Fatal, 0, s.now())
}

// maxTurns is how often a task that comes back may go first.
const maxTurns = 3

// keepsTurn reports whether a task that a node gives back, since it was asked for or is left, goes before others. One that
// comes back again and again would keep what stands behind it from that node. The mutex is held.
func (s *Session) keepsTurn(id coordinator.ID) bool {
	rec := s.carried.records[id]
	return rec == nil || !rec.suspect && len(rec.nodes) < maxTurns
}

// maxDeaths is how many workers a task may kill before it fails.
const maxDeaths = 3

// tellDeath tells of a worker's death, once for all that ran in it. The mutex is held.
func (s *Session) tellDeath(node, text string) {
	if s.told.first("death " + node + " " + text) {
		text = fmt.Sprintf("a worker on node %s died, and what it ran is run again: %s", node, text)
		s.note(event.Event{Kind: event.Hint, Item: -1, Text: text})
	}
}

// record is what is known of a task that an attempt was lost of.
type record struct {
	suspect bool              // it may have killed a worker, so it runs alone
	deaths  int               // of workers in which it was alone
	nodes   map[uint32]string // that had the attempts that were taken back: one may have succeeded all the same
}

// lost notes an attempt that was taken back.
func (rec *record) lost(r *Run) {
	if rec.nodes == nil {
		rec.nodes = map[uint32]string{}
	}
	rec.nodes[uint32(r.attempt)] = r.away.node
}

// recordOf is the record of a task. The mutex is held, as for the others below.
func (s *Session) recordOf(id coordinator.ID) *record {
	if s.carried.records == nil {
		s.carried.records = map[coordinator.ID]*record{}
	}
	rec := s.carried.records[id]
	if rec == nil {
		rec = &record{}
		s.carried.records[id] = rec
	}
	return rec
}

func (s *Session) isSuspect(id coordinator.ID) bool {
	rec := s.carried.records[id]
	return rec != nil && rec.suspect
}

// acquit forgets what is held against a task. Who had its earlier attempts stays known: they may have succeeded.
func (s *Session) acquit(id coordinator.ID) {
	if rec := s.carried.records[id]; rec != nil {
		rec.suspect, rec.deaths = false, 0
	}
}

// clearRecord forgets a task's record.
func (s *Session) clearRecord(id coordinator.ID) {
	if len(s.carried.records) > 0 {
		delete(s.carried.records, id)
	}
}
