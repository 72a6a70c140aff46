package engine

import (
	"fmt"
	"sync"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

// Upstream is a worker's agent: where its tasks come from, and where the calls go that they make. Its methods are called
// under the session's mutex: they are quick and don't block.
type Upstream interface {
	// Outcome says how an attempt ended. What was sent before arrives before it. o and the bytes in it are
	// used again afterwards.
	Outcome(o *protocol.Outcome)
	Send(items ...protocol.Item)
	// Log writes a line into the job's log.
	Log(by protocol.Attempt, line string)
	valueStore
}

// host is what a worker knows of an attempt that its agent has given it.
type host struct {
	s     *Session
	t     *Task
	at    protocol.Attempt
	key   protocol.Key
	alone bool
	deps  []protocol.Dep
	over  bool // guarded by the session's mutex
	back  bool // it is taken back before it has begun; likewise
	run   Run  // of the task of the agent's, when it begins first

	mu    sync.Mutex
	byRef map[protocol.RefID]*Task
	ids   map[*Task]protocol.RefID
	seq   uint64
	maps  uint64
}

// hosting is what a worker's session knows of its job.
type hosting struct {
	fns   []*registration // by the number that the job gives them; nil for one that isn't here
	names []string
	node  string
	out   protocol.Outcome // the last one that was sent; guarded by the session's mutex

	mu    sync.Mutex                 // inside a host's
	spoke map[protocol.Attempt]*host // those that have made a call
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
}

// Tasks runs what the agent has admitted. It keeps what the tasks point to, not b.
func (s *Session) Tasks(b *protocol.Batch) {
	s.mu.Lock()
	for rest := b.Tasks; len(rest) > 0; {
		n := piece(rest)
		s.hostTasks(rest[:n])
		rest = rest[n:]
	}
	s.flush()
}

// atOnce is how many tasks of the agent's may lie in one piece of memory, which stays as long as anything holds one of them,
// such as a function's context.
const atOnce = 8

// piece is how many of some tasks, the first ones, are to lie together: they are of one function, and bring no values,
// which would stay as long as that.
func piece(tasks []protocol.Task) int {
	n := 0
	for n < min(len(tasks), atOnce) && tasks[n].Func == tasks[0].Func && len(tasks[n].Deps) == 0 {
		n++
	}
	return max(1, n)
}

// hostTasks starts tasks of the agent's that are of one function. The mutex is held.
func (s *Session) hostTasks(list []protocol.Task) {
	n := list[0].Func
	if int(n) < len(s.hosting.fns) && s.hosting.fns[n] != nil {
		s.hosting.fns[n].fn.hosted(s, list)
		return
	}
	for i := range list {
		s.refuse(&list[i], s.lacks(n))
	}
}

// begin starts t as a task of the agent's. The mutex is held.
func (h *host) begin(s *Session, t *Task, ops Ops, p *protocol.Task) {
	h.s, h.t, h.key, h.deps = s, t, p.Key, p.Deps
	h.at = protocol.Attempt{Task: p.ID, N: p.Attempt}
	h.alone = p.Flags&protocol.Alone != 0
	t.s, t.ops, t.scope, t.host = s, ops, s.root, h
	s.submit(t, nil)
}

// refuse answers for a task that can't run here.
func (s *Session) refuse(p *protocol.Task, err error) {
	s.cfg.Upstream.Outcome(&protocol.Outcome{
		ID: p.ID, Attempt: p.Attempt, Key: p.Key, Status: protocol.Failed, Value: failure(err),
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
	var back map[protocol.Attempt]bool
	for _, it := range d.Items {
		switch i := it.(type) {
		case protocol.TakeBack:
			if back == nil {
				back = map[protocol.Attempt]bool{}
			}
			back[i.Attempt] = true
		case protocol.Settle:
			s.downSettle(&i)
		case protocol.Stop:
			s.downStop(&i)
		}
	}
	if back != nil {
		s.downTakeBack(back)
	}
}

// downTakeBack gives back those of some attempts that haven't begun.
func (s *Session) downTakeBack(asked map[protocol.Attempt]bool) {
	s.mu.Lock()
	var list []*host
	s.m.Each(func(id coordinator.ID, at coordinator.State) bool {
		if h := s.taskOf(id).host; at == coordinator.Ready && h != nil && h.t.id == id && asked[h.at] {
			list = append(list, h)
		}
		return true
	})
	for _, h := range list {
		h.back = true
		s.m.Cancel(h.t.id, byContext)
		s.carryOut()
	}
	s.flush()
}

// downStop interrupts an attempt.
func (s *Session) downStop(i *protocol.Stop) {
	s.mu.Lock()
	if h := s.hosted(i.Attempt); h != nil {
		s.m.Cancel(h.t.id, byContext)
		s.carryOut()
	}
	s.flush()
}

// downSettle brings the value that an attempt has asked for.
func (s *Session) downSettle(i *protocol.Settle) {
	h := s.hosting.find(i.By)
	if h == nil {
		return
	}
	t := h.known(i.Ref)
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

// find is an attempt that has made a call.
func (x *hosting) find(at protocol.Attempt) *host {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.spoke[at]
}

// hosted is an attempt that the agent has given and that hasn't ended, or nil. Few are asked for that have made no call, so
// those are looked for. The mutex is held.
func (s *Session) hosted(at protocol.Attempt) (found *host) {
	if h := s.hosting.find(at); h != nil {
		return h
	}
	s.m.Each(func(id coordinator.ID, _ coordinator.State) bool {
		if h := s.taskOf(id).host; h != nil && h.at == at && h.t.id == id {
			found = h
		}
		return found == nil
	})
	return found
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byRef == nil {
		return
	}
	s.hosting.mu.Lock()
	delete(s.hosting.spoke, h.at)
	s.hosting.mu.Unlock()
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
	return h != nil && h.t == r.t && !h.over && !r.expired.Load()
}
