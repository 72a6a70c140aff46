package remote

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// session is a Job that keeps a list of tasks: it gives them out again when told to, and takes the first outcome.
type session struct {
	t       testing.TB
	carrier *Carrier

	mu      sync.Mutex
	ready   []protocol.Task
	attempt map[uint64]uint32            // the last of each task
	on      map[string]map[uint64]uint32 // attempts by node
	done    map[uint64]int               // outcomes by task
	ups     []protocol.Item
	lost    []string
	unsure  []protocol.Attempt
	most    int               // tasks that Take gives at once
	empty   int               // offers that got nothing
	emptied map[string]uint64 // the last of them by node
	changed chan struct{}     // gets something after each change
}

func newSession(t testing.TB) *session {
	return &session{
		t: t, most: 1 << 30, attempt: map[uint64]uint32{}, on: map[string]map[uint64]uint32{}, done: map[uint64]int{},
		emptied: map[string]uint64{},
		changed: make(chan struct{}, 1),
	}
}

// add makes n tasks ready, counted from from.
func (s *session) add(from, n int) {
	s.mu.Lock()
	for id := uint64(from); id < uint64(from+n); id++ {
		s.attempt[id]++
		s.ready = append(s.ready, taskOf(id, s.attempt[id]))
	}
	s.mu.Unlock()
	s.carrier.Wake()
}

func taskOf(id uint64, attempt uint32) protocol.Task {
	t := protocol.Task{ID: id, Attempt: attempt, Need: protocol.Need{CPU: 10_000}, Arg: []byte{1}}
	binary.LittleEndian.PutUint64(t.Key[:], id)
	return t
}

func (s *session) Restore() bool { return false }

func (s *session) Take(o *protocol.Offer, _ bool, b *protocol.Batch) (more bool) {
	s.mu.Lock()
	n := min(o.Most, s.most, len(s.ready))
	if n == 0 {
		s.empty++
		s.emptied[o.Node] = o.Number
	}
	b.Tasks = append(b.Tasks, s.ready[:n]...)
	for _, t := range s.ready[:n] {
		if s.on[o.Node] == nil {
			s.on[o.Node] = map[uint64]uint32{}
		}
		s.on[o.Node][t.ID] = t.Attempt
	}
	s.ready = s.ready[n:]
	more = len(s.ready) > 0
	s.mu.Unlock()
	s.change()
	return more
}

func (s *session) change() { signal(s.changed).give() }

func (s *session) Up(node string, items []protocol.Item) {
	s.mu.Lock()
	s.ups = append(s.ups, items...)
	s.mu.Unlock()
	s.change()
}

func (s *session) Outcomes(o *protocol.Outcomes) {
	s.mu.Lock()
	for i := range o.List {
		s.done[o.List[i].ID]++
		delete(s.on[o.Node], o.List[i].ID)
	}
	s.mu.Unlock()
	s.change()
}

func (s *session) Lost(node string) {
	s.mu.Lock()
	s.lost = append(s.lost, node)
	for id, n := range s.on[node] {
		s.again(node, protocol.Attempt{Task: id, N: n})
	}
	s.mu.Unlock()
	s.carrier.Wake()
	s.change()
}

func (s *session) Unconfirmed(node string, tasks []protocol.Attempt) {
	s.mu.Lock()
	s.unsure = append(s.unsure, tasks...)
	for _, a := range tasks {
		s.again(node, a)
	}
	s.mu.Unlock()
	s.carrier.Wake()
	s.change()
}

// again makes a task ready that hasn't an outcome, as a new attempt.
func (s *session) again(node string, a protocol.Attempt) {
	delete(s.on[node], a.Task)
	if s.done[a.Task] == 0 && s.attempt[a.Task] == a.N {
		s.attempt[a.Task]++
		s.ready = append(s.ready, taskOf(a.Task, a.N+1))
	}
}

func (s *session) HasTasks() bool { return true }

func (s *session) Load() protocol.RenewJob {
	s.mu.Lock()
	defer s.mu.Unlock()
	return protocol.RenewJob{Waiting: len(s.ready), Done: uint64(len(s.done))}
}

// until waits until what is asked of the session holds.
func (s *session) until(what string, holds func() bool) {
	s.t.Helper()
	ctx := within(s.t)
	for {
		s.mu.Lock()
		ok := holds()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (*session) ListTasks(*protocol.AskTasks) *protocol.TaskList {
	return &protocol.TaskList{Counts: []protocol.TaskCount{{Func: "f"}}}
}

func item(n int) protocol.Item {
	return protocol.TakeBack{Attempt: protocol.Attempt{Task: uint64(n), N: 1}}
}
