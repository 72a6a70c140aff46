package engine

import (
	"sync/atomic"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/coordinator"
)

// Task is the part of a task that doesn't depend on its types. A Ref points at it, and it lives as long as a Ref, an
// unstarted dependent or the session's table does; the session's table forgets it when it ends.
type Task struct {
	codec.Node
	waiters atomic.Pointer[waiter] // ended when the outcome may be read
	s       *Session
	ops     Ops
	scope   *Scope // what governs it; nil when it has ended
	err     error  // read after waiters is ended
	id      coordinator.ID
	run     *Run         // the attempt that runs
	chain   *cache.Chain // of the cached call that started it
	host    *host        // in a worker: the attempt that it is, or that it was started by
	ident   *identity    // its key in the job's journal; nil without one
	plan    *planNode    // what it waited for, for Ref.Plan; nil without dependencies
	took    float32      // seconds of the last attempt
	born    uint32       // milliseconds from the session's start to its own; on a cluster
	depth   uint16       // tasks above it
	bulk    bulk         // of its argument
	phase   phase
	traits  traits
	up      bool // in a worker: it goes to the agent; doesn't change once it has started
	wanted  bool // its value was asked for; guarded by the session's mutex
}

// traits say how the engine treats a kind of task.
type traits uint8

const (
	waits   traits = 1 << iota // Ops.Deps may visit some
	joins                      // a value: Ops.Join instead of Exec
	once                       // no retries, no timeout: the items of a chunk have their own
	quiet                      // no events: a Map makes its own
	lazily                     // recorded, not asked for
	dropped                    // it was cancelled
)

func (t *Task) is(x traits) bool { return t.traits&x != 0 }

// phase is guarded by the session's mutex.
type phase uint8

const (
	fresh phase = iota // a lazy call that nobody has asked for
	live               // in the machine
	over
)

// Typed is a task with the place of its result.
type Typed[T any] struct {
	Task
	out T
}

// Ops is what a task does; each kind of task implements it.
type Ops interface {
	// Spec is the function's, or the value's name.
	Spec() *Spec
	// Deps visits the tasks it needs before it can start.
	Deps(visit func(*Task)) error
	// Exec runs one attempt and stores the result if the attempt still counts.
	Exec(r *Run) error
	// Join assembles a value whose dependencies have ended, or names one more to wait for.
	Join() (*Task, error)
	// Results visits the tasks whose Refs stand in the result.
	Results(visit func(*Task))
	// Release drops the argument; with drop the result too.
	Release(drop bool)
}

// Done reports whether the task has ended.
func (t *Task) Done() bool { return t.waiters.Load() == ended }

// Err is the outcome of a task that has ended.
func (t *Task) Err() error { return t.err }

// Session is the session that runs the task.
func (t *Task) Session() *Session { return t.s }

// Value gives the outcome of a task that has ended.
func (t *Typed[T]) Value() (T, error) {
	if t.err != nil {
		var zero T
		return zero, t.err
	}
	return t.out, nil
}

// Ready makes a task that has ended: a value, or an error.
func Ready[T any](s *Session, out T, err error) *Typed[T] {
	t := &Typed[T]{out: out}
	t.s, t.err, t.phase = s, err, over
	t.waiters.Store(ended)
	return t
}
