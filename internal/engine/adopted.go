package engine

import (
	"encoding/binary"
	"maps"

	"github.com/musterrun/muster/internal/journal"
	"github.com/musterrun/muster/protocol"
)

// A driver that is started again finds what its predecessor's tasks have come to: outcomes in the job's stream, and
// tasks that still run. Both are known by the tasks' keys alone.

// Replay takes outcomes of earlier epochs from the job's stream: those of tasks that run on for this driver, and those
// that its own journal lacks, until somebody asks for them.
func (s *Session) Replay(o *protocol.Outcomes) {
	for i := range o.List {
		s.replay(o.Node, &o.List[i])
	}
}

func (s *Session) replay(node string, o *protocol.Outcome) {
	s.mu.Lock()
	r := s.carried.adopted[o.Key]
	delete(s.carried.adopted, o.Key)
	delete(s.carried.held, o.Key)
	if r == nil || r.over || len(o.Refs) > 0 {
		if r != nil {
			s.takeBack(r, false) // what its Refs stand for, nobody knows any more
		}
		if r = s.overtaken(node, o); r == nil {
			s.flush()
			return
		}
	}
	s.flush()
	b := outcome{r: r}
	s.open(&b, o)
	if b.r == nil {
		return
	}
	s.mu.Lock()
	s.arrived(b.r, b.err, b.res, b.took, s.now())
	s.flush()
}

// overtaken keeps an outcome for which no attempt stands. If one of the same key was given out meanwhile, since the node
// of that outcome wasn't heard in time, that is the attempt that it settles: the first success in the stream counts. The
// mutex is held.
func (s *Session) overtaken(node string, o *protocol.Outcome) *Run {
	if !s.keepReplayed(node, o) {
		return nil
	}
	r := s.givenOut(o.Key)
	if r != nil {
		delete(s.carried.replayed, o.Key)
		s.cfg.Carrier.Send(r.away.node, protocol.Stop{Attempt: r.wire(), Grace: s.cfg.Grace})
	}
	return r
}

// givenOut is the attempt of a key that a node has, if there is one. The mutex is held.
func (s *Session) givenOut(key protocol.Key) *Run {
	for r := s.carried.first; r != nil; r = r.away.after {
		if id := r.t.ident; id != nil && id.known.Load() && protocol.Key(id.key) == key {
			return r
		}
	}
	return nil
}

// keepReplayed remembers the first success of a key, and reports whether the journal hasn't any. The mutex is held.
func (s *Session) keepReplayed(node string, o *protocol.Outcome) bool {
	if s.cfg.Journal == nil || binary.LittleEndian.Uint64(o.Key[8:]) == 0 {
		return false // a number means nothing any more
	}
	if o.Status != protocol.Succeeded || len(o.Refs) > 0 {
		s.failDecided(o)
		if s.carried.useless == nil {
			s.carried.useless = map[protocol.Key]string{}
		}
		s.carried.useless[o.Key] = node
		return false
	}
	if e, ok := s.cfg.Journal.Task(journal.Key(o.Key)); ok && e.Status == journal.OK || s.carried.replayed[o.Key] != nil {
		return false
	}
	if s.carried.replayed == nil {
		s.carried.replayed = map[protocol.Key]*protocol.Outcome{}
	}
	kept := *o
	s.carried.replayed[o.Key] = &kept
	s.watchReady()
	s.noteCut(o.Key)
	return true
}

// takeReplayed is the recorded outcome of a key, which is given once.
func (s *Session) takeReplayed(key journal.Key) *protocol.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.carried.replayed[protocol.Key(key)]
	delete(s.carried.replayed, protocol.Key(key))
	return o
}

// upHeld notes what a node runs for an earlier epoch. If a failure of that key has come from that node, it is as a rule
// the outcome of what the node speaks of: nothing else would come, and whoever waited for it would do so for ever.
func (s *Session) upHeld(node string, h protocol.Held) {
	s.mu.Lock()
	defer s.flush()
	if !h.Gone {
		if s.carried.useless[h.Key] == node {
			return
		}
		if s.carried.held == nil {
			s.carried.held = map[protocol.Key]string{}
		}
		s.carried.held[h.Key] = node
		s.noteCut(h.Key)
		return
	}
	delete(s.carried.held, h.Key)
	if r := s.carried.adopted[h.Key]; r != nil {
		delete(s.carried.adopted, h.Key)
		s.takeBack(r, false)
	}
}

// adoptRunning has an attempt stand for what a node runs already, instead of running it once more.
func (s *Session) adoptRunning(r *Run, key protocol.Key) bool {
	if r.t.ident == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	node, ok := s.carried.held[key]
	if !ok || s.carried.adopted[key] != nil {
		return false
	}
	if s.carried.adopted == nil {
		s.carried.adopted = map[protocol.Key]*Run{}
	}
	s.carried.adopted[key] = r
	r.away.node, r.away.started = node, r.t.ops.Spec().Opts.Once
	return true
}

// forgetHeld forgets what a dead node ran. The mutex is held.
func (s *Session) forgetHeld(node string) {
	maps.DeleteFunc(s.carried.held, func(k protocol.Key, n string) bool {
		if n == node {
			delete(s.carried.adopted, k)
		}
		return n == node
	})
}
