package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/journal"
)

// Session owns the tasks that are started with its contexts.
type Session struct {
	cfg     Config
	faults  Faults
	labels  context.Context // of the goroutines, or nil
	careful bool            // strict, or faults are injected
	base    time.Time

	mu            sync.Mutex
	m             *coordinator.Machine
	tasks         [][]*Task // by ID.Index, in pages
	root          *Scope
	scopes        map[<-chan struct{}]*Scope
	lastScope     *Scope
	lastDone      <-chan struct{}
	reclaimed     []*Run   // their functions' waits are over: to get their slots back
	orphaned      []*Scope // of attempts that were interrupted: to be ended
	scopesSweepAt int
	amounts       []coordinator.Amount // scratch
	dims          map[string]coordinator.Dim
	closed        bool
	out           *outbox
	spare         atomic.Pointer[outbox]
	stuck         map[*Run]struct{}
	dones         map[doneKey]*doneWaiter
	lazies        int // recorded, not asked for
	strict        []check
	limited       bool          // the total of memory is known
	busy          int           // goroutines and callbacks that are or will be there; not functions that never return
	idle          chan struct{} // closed when a closing session isn't busy
	ended         bool          // idle is closed
	pauses        map[coordinator.ID]*timer
	log           log
	load          load
	parking       sync.Pool
	ring          *keyring // of calls outside of tasks
	lost          lostAttempts
	restoring     sync.Mutex
	restored      map[journal.Key]*restored // guarded by restoring
	resumption    resumption
	told          told
	carried       carried
	hosting       hosting
	dropped       []upDrop // tasks that went up, to be given up
	pressure      pressure
}

// Open makes a session.
func Open(cfg Config, trial Trial) *Session {
	s := &Session{
		cfg: cfg, faults: trial.Faults, labels: trial.label(), careful: cfg.Strict || len(trial.Faults) > 0, base: time.Now(),
		scopes: map[<-chan struct{}]*Scope{}, scopesSweepAt: 64,
		stuck: map[*Run]struct{}{}, dones: map[doneKey]*doneWaiter{},
		out: &outbox{}, idle: make(chan struct{}), pauses: map[coordinator.ID]*timer{},
	}
	s.m = coordinator.New(s.totals())
	s.root = &Scope{id: s.m.OpenScope()}
	s.ring = &keyring{}
	if cfg.Carrier != nil {
		s.Listen(s.lost.listener())
		s.m.WatchAway(cfg.Journal != nil && cfg.Journal.Opened().Records > 0)
	}
	return s
}

// now is the time since the session began: monotonic, and cheaper than the wall clock.
func (s *Session) now() int64 { return int64(time.Since(s.base)) }

// release counts one goroutine or callback less. The mutex is held.
func (s *Session) release() {
	if s.busy--; s.busy == 0 && s.closed && !s.ended {
		s.ended = true
		close(s.idle)
	}
}

func (s *Session) elapsed(since int64) time.Duration { return time.Duration(s.now() - since) }

const pageBits = 10

// keep enters t in the table.
func (s *Session) keep(t *Task, id coordinator.ID) {
	t.id, t.phase = id, live
	if s.cfg.Carrier != nil {
		t.born = uint32(s.now() / int64(time.Millisecond))
	}
	i := id.Index()
	for i>>pageBits >= len(s.tasks) {
		s.tasks = append(s.tasks, make([]*Task, 1<<pageBits))
	}
	s.tasks[i>>pageBits][i&(1<<pageBits-1)] = t
}

func (s *Session) taskOf(id coordinator.ID) *Task {
	i := id.Index()
	return s.tasks[i>>pageBits][i&(1<<pageBits-1)]
}

func (s *Session) forget(id coordinator.ID) {
	i := id.Index()
	s.tasks[i>>pageBits][i&(1<<pageBits-1)] = nil
	s.clearRecord(id)
}

// Mask is the set of events that somebody listens to.
func (s *Session) Mask() event.Mask { return s.log.all().mask }

// Grace is how long an interrupted function may take to return.
func (s *Session) Grace() time.Duration { return s.cfg.Grace }
