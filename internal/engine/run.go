package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/internal/coordinator"
)

// Run is one attempt of a task, and the context that the function is given: it carries the caller's cancellation and
// deadline and none of its values. It isn't cancelled when the function returns; what governs the task may still cancel
// it later, while something holds it.
type Run struct {
	s        *Session
	t        *Task
	scope    *Scope          // what governs it; guarded by the session's mutex
	values   context.Context // Local's caller; nil for others
	sent     error           // the function's own error, in a strict session; its goroutine's
	interest atomic.Pointer[interest]
	deadline atomic.Int64 // of the attempt, in ns since the session's start; 0 for none
	fate     atomic.Int32 // running, returned or abandoned
	attempt  int32
	id       coordinator.ID
	num      uint64
	start    int64 // ns since the session's start
	left     int64 // Timeout that is left while the function waits, in ns
	timeout  *timer
	grace    *timer
	lending  *lending                    // its waits, once there was one
	kids     *Scope                      // governs the tasks started with this context
	ended    error                       // why its context ended; guarded by the session's mutex until it is told
	expired  atomic.Bool                 // by its timeout
	final    bool                        // its outcome was recorded by another run: no retries
	over     bool                        // the machine knows of its end; guarded by the session's mutex
	lingers  bool                        // what governs it knows that somebody watches; likewise
	restored int                         // results that came from the cache
	chain    *cache.Chain                // of the cached call that it computes, or that waits for it
	computes atomic.Pointer[cache.Chain] // the first of these
	item     atomic.Int64                // of a chunk of a recorded Map: the one it works at
	keys     atomic.Pointer[keyring]
	away     *awayRun // of an attempt on another machine
}

// Fates of an attempt: whoever changes running decides who may publish.
const (
	running int32 = iota
	returned
	abandoned
)

// Commit reports whether the function's result counts; the caller stores it then. It is called once, when the function
// has returned.
func (r *Run) Commit() bool { return r.fate.CompareAndSwap(running, returned) }

// runsIn reports whether a task of s runs with this context.
func (r *Run) runsIn(s *Session) bool { return r != nil && r.s == s && r.fate.Load() == running }

func (r *Run) number() uint64 {
	if r == nil {
		return 0
	}
	return r.num
}

// Attempt counts from 1.
func (r *Run) Attempt() int { return int(r.attempt) }

// Done is closed when the attempt is cancelled or its time is over. The channel is made when it is first asked for.
func (r *Run) Done() <-chan struct{} { return r.interested().done }

// Err is nil until the attempt is cancelled or its time is over.
func (r *Run) Err() error {
	in := r.interest.Load()
	if in == nil {
		if r.fate.Load() == running {
			return nil
		}
		in = r.interested()
	}
	return in.failure()
}

// Deadline is the earlier one of the caller's and the attempt's.
func (r *Run) Deadline() (at time.Time, ok bool) {
	if c := r.govern(); c != nil {
		at, ok = c.Deadline()
	}
	if ns := r.deadline.Load(); ns != 0 {
		if d := r.s.base.Add(time.Duration(ns)); !ok || d.Before(at) {
			return d, true
		}
	}
	return at, ok
}

// Value finds the attempt itself for muster, and for Local the caller's values.
func (r *Run) Value(key any) any {
	if key == (siteKey{}) {
		return r
	}
	if key == (cache.ChainKey{}) && r.chain != nil {
		return r.chain
	}
	if r.values != nil {
		return r.values.Value(key)
	}
	return nil
}

// AfterFunc has contexts derived from this one registered without a goroutine each: the context package looks for it.
func (r *Run) AfterFunc(f func()) (stop func() bool) { return r.interested().add(f) }

// govern is the context that was passed to Go, or that of the task that called Go.
func (r *Run) govern() context.Context {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sc := r.scope.resolve()
	if sc.run != nil {
		return sc.run
	}
	return sc.ctx
}
