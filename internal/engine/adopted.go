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
		s.replay(&o.List[i])
	}
}

func (s *Session) replay(o *protocol.Outcome) {
	s.mu.Lock()
	r := s.carried.adopted[o.Key]
	delete(s.carried.adopted, o.Key)
	delete(s.carried.held, o.Key)
	if r == nil || r.over || len(o.Refs) > 0 {
		if r != nil {
			s.takeBack(r) // what its Refs stand for, nobody knows any more
		}
		s.keepReplayed(o)
		s.flush()
		return
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

// keepReplayed remembers a success that the journal doesn't have. The mutex is held.
func (s *Session) keepReplayed(o *protocol.Outcome) {
	if s.cfg.Journal == nil || o.Status != protocol.Succeeded || len(o.Refs) > 0 {
		s.failDecided(o)
		return
	}
	if binary.LittleEndian.Uint64(o.Key[8:]) == 0 {
		return // a number, which means nothing any more
	}
	if e, ok := s.cfg.Journal.Task(journal.Key(o.Key)); ok && e.Status == journal.OK {
		return
	}
	if s.carried.replayed == nil {
		s.carried.replayed = map[protocol.Key]*protocol.Outcome{}
	}
	kept := *o
	s.carried.replayed[o.Key] = &kept
	s.noteCut(o.Key)
}

// takeReplayed is the recorded outcome of a key, which is given once.
func (s *Session) takeReplayed(key journal.Key) *protocol.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.carried.replayed[protocol.Key(key)]
	delete(s.carried.replayed, protocol.Key(key))
	return o
}

// upHeld notes what a node runs for an earlier epoch.
func (s *Session) upHeld(node string, h protocol.Held) {
	s.mu.Lock()
	defer s.flush()
	if !h.Gone {
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
		s.takeBack(r)
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
