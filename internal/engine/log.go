package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/event"
)

// log numbers the events under the session's mutex and hands them to the listeners outside it, in order, from one
// goroutine at a time.
type log struct {
	set atomic.Pointer[listeners] // read without a lock: asked for each event
	seq uint64

	mu      sync.Mutex // guards pending
	pending []event.Event
	waiting atomic.Int64
	turn    sync.Mutex // held while the listeners are called
}

// Listener is told of the events it asks for.
type Listener struct {
	Mask event.Mask
	Tell func(event.Event)
}

// listeners are those that were added so far; a set doesn't change.
type listeners struct {
	mask event.Mask
	list []Listener
}

var nobodyListens = &listeners{}

func (l *log) all() *listeners {
	if s := l.set.Load(); s != nil {
		return s
	}
	return nobodyListens
}

func (l *log) has(k event.Kind) bool { return l.all().mask.Has(k) }

func (l *log) add(e event.Event) {
	l.seq++
	e.Seq = l.seq
	e.Time = time.Now()
	l.mu.Lock()
	l.pending = append(l.pending, e)
	l.mu.Unlock()
	l.waiting.Add(1)
}

// drain calls the listeners with what is pending, unless another goroutine is at it: that one goes on until nothing is
// left. A listener that is slower than the events makes them wait in memory, at most a few for each task in flight.
func (l *log) drain() {
	for l.all().mask != 0 && l.waiting.Load() > 0 && l.turn.TryLock() {
		l.tell()
	}
}

// tell calls the listeners with what is pending, and gives up the turn. If one panics or calls Goexit, the rest is told
// by whoever comes next.
func (l *log) tell() {
	l.mu.Lock()
	batch := l.pending
	l.pending = nil
	l.mu.Unlock()
	l.waiting.Add(-int64(len(batch)))
	told := 0
	defer func() {
		if rest := batch[told:]; len(rest) > 0 {
			l.mu.Lock()
			l.pending = append(rest, l.pending...)
			l.mu.Unlock()
			l.waiting.Add(int64(len(rest)))
		}
		l.turn.Unlock()
	}()
	for _, e := range batch {
		told++
		for _, li := range l.all().list {
			if li.Mask.Has(e.Kind) {
				li.Tell(e)
			}
		}
	}
}

// settle calls the listeners with all that has happened so far, and waits for those that are being called.
func (l *log) settle() {
	l.drain()
	l.turn.Lock()
	l.turn.Unlock() //nolint:staticcheck // the wait is the point
	l.drain()
}

// Listen adds a listener; it must be called before the session's first task.
func (s *Session) Listen(l Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.log.all()
	s.log.set.Store(&listeners{old.mask | l.Mask, append(slices.Clone(old.list), l)})
}

// listens reports whether the task's events of a kind are wanted. Values such as Gather's have none: nothing runs.
func (s *Session) listens(t *Task, k event.Kind) bool { return s.log.has(k) && !t.is(quiet|joins) }

// note records an event of the session itself. The mutex is held.
func (s *Session) note(e event.Event) {
	if s.log.has(e.Kind) {
		s.log.add(e)
	}
}

// Note tells the listeners of a change that the machine doesn't know, such as a chunk of a Map.
func (s *Session) Note(e event.Event) {
	if s.log.has(e.Kind) {
		s.mu.Lock()
		s.log.add(e)
		s.mu.Unlock()
		s.log.drain()
	}
}
