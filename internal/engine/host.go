package engine

import (
	"fmt"
	"sync"

	"github.com/musterrun/muster/protocol"
)

// Upstream is a worker's agent: where its tasks come from, and where the calls go that they make. Its methods are called
// under the session's mutex: they are quick and don't block.
type Upstream interface {
	// Outcome says how an attempt ended. What was sent before arrives before it.
	Outcome(o *protocol.Outcome)
	Send(items ...protocol.Item)
	// Log writes a line into the job's log.
	Log(by protocol.Attempt, line string)
	valueStore
}

// host is what a worker knows of an attempt that its agent has given it.
type host struct {
	s     *Session
	at    protocol.Attempt
	key   protocol.Key
	alone bool
	deps  []protocol.Dep
	over  bool // guarded by the session's mutex

	mu    sync.Mutex
	byRef map[protocol.RefID]*Task
	ids   map[*Task]protocol.RefID
	seq   uint64
	maps  uint64
}

// hosting is what a worker's session knows of its job.
type hosting struct {
	fns   []*registration // by the number that the job gives them; nil for one that isn't here
	hosts map[protocol.Attempt]*Task
	names []string
	node  string
}

// Welcome tells the session how the job numbers the functions.
func (s *Session) Welcome(w *protocol.Welcome) {
	mine := map[string]*registration{}
	for _, r := range functions() {
		mine[r.name] = r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosting.names, s.hosting.node = w.Functions, w.Node
	s.hosting.fns = make([]*registration, len(w.Functions))
	for i, name := range w.Functions {
		s.hosting.fns[i] = mine[name]
	}
	s.hosting.hosts = map[protocol.Attempt]*Task{}
}

// Tasks runs what the agent has admitted. What b holds is kept.
func (s *Session) Tasks(b *protocol.Batch) {
	s.mu.Lock()
	for i := range b.Tasks {
		s.hostTask(&b.Tasks[i])
	}
	s.flush()
}

// hostTask starts a task of the agent's. The mutex is held.
func (s *Session) hostTask(p *protocol.Task) {
	h := &host{s: s, at: protocol.Attempt{Task: p.ID, N: p.Attempt}, key: p.Key, deps: p.Deps, alone: p.Flags&protocol.Alone != 0}
	if int(p.Func) >= len(s.hosting.fns) || s.hosting.fns[p.Func] == nil {
		s.refuse(h, s.lacks(p.Func))
		return
	}
	t, ops := s.hosting.fns[p.Func].fn.hosted(h, p)
	t.s, t.ops, t.host, t.scope = s, ops, h, s.root
	s.hosting.hosts[h.at] = t
	s.submit(t, nil)
}

// refuse answers for a task that can't run here.
func (s *Session) refuse(h *host, err error) {
	s.cfg.Upstream.Outcome(&protocol.Outcome{
		ID: h.at.Task, Attempt: h.at.N, Key: h.key, Status: protocol.Failed, Value: failure(err),
	})
}

// lacks says that the worker doesn't know a function of the job.
func (s *Session) lacks(n uint32) error {
	name := fmt.Sprintf("number %d", n)
	if int(n) < len(s.hosting.names) {
		name = fmt.Sprintf("%q", s.hosting.names[n])
	}
	return fmt.Errorf("the worker doesn't know the function %s: is it registered under a condition, "+
		"or in a file that is built for the driver's platform only?", name)
}

// Down takes what the job says of attempts that run here.
func (s *Session) Down(d *protocol.Down) {
	for _, it := range d.Items {
		switch i := it.(type) {
		case protocol.Settle:
			s.downSettle(&i)
		case protocol.Stop:
			s.downStop(&i)
		}
	}
}

// downStop interrupts an attempt.
func (s *Session) downStop(i *protocol.Stop) {
	s.mu.Lock()
	if t := s.hosting.hosts[i.Attempt]; t != nil {
		s.m.Cancel(t.id, byContext)
		s.carryOut()
	}
	s.flush()
}

// downSettle brings the value that an attempt has asked for.
func (s *Session) downSettle(i *protocol.Settle) {
	s.mu.Lock()
	top := s.hosting.hosts[i.By]
	s.mu.Unlock()
	if top == nil {
		return
	}
	t := top.host.known(i.Ref)
	if t == nil {
		return
	}
	err := failureOr(&i.Value, func() error { return t.ops.(uplink).fill(&i.Value) })
	s.mu.Lock()
	if t.phase == live {
		s.joined(t, nil, err)
	}
	s.flush()
}

func failureOr(v *protocol.Value, fill func() error) error {
	if v.Form == protocol.Failure {
		return failureOf(v)
	}
	return fill()
}

// leave ends what belongs to an attempt that is over. The mutex is held.
func (s *Session) leave(h *host) {
	h.over = true
	delete(s.hosting.hosts, h.at)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.byRef {
		if t.phase == live {
			s.m.Cancel(t.id, byParent)
		}
	}
}

// leftToAgent reports whether an attempt was stopped by the agent: if it doesn't return, the agent replaces the whole
// worker, which frees what it holds. The mutex is held.
func (s *Session) leftToAgent(r *Run) bool {
	h := r.t.host
	return h != nil && s.hosting.hosts[h.at] == r.t && !r.expired.Load()
}
