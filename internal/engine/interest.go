package engine

import (
	"slices"
	"sync"
	"weak"
)

// interest is what a function that watches its context has asked for.
type interest struct {
	done chan struct{}
	mu   sync.Mutex
	err  error
	next int
	fns  map[int]func()
}

func (in *interest) failure() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

func (in *interest) add(f func()) (stop func() bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		go f() // as context.AfterFunc does for a context that has ended
		return func() bool { return false }
	}
	if in.fns == nil {
		in.fns = map[int]func(){}
	}
	n := in.next
	in.next++
	in.fns[n] = f
	return func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		_, found := in.fns[n]
		delete(in.fns, n)
		return found
	}
}

// end closes done and calls what was registered, once.
func (in *interest) end(err error) {
	in.mu.Lock()
	if in.err != nil {
		in.mu.Unlock()
		return
	}
	in.err = err
	fns := in.fns
	in.fns = nil
	close(in.done)
	in.mu.Unlock()
	for _, f := range fns {
		f()
	}
}

// cancel ends the context of the attempt.
func (r *Run) cancel(err error) { r.interested().end(err) }

// lingerer is the context of an attempt that is over. Somebody may hold it still, or only its Done channel.
type lingerer struct {
	run weak.Pointer[Run]
	in  *interest
}

// linger keeps a context that outlives its function within reach of what governs it. Once nobody can ask it why it
// ended, it ends with the next sweep, so that who waits for its Done channel alone doesn't wait for ever. The mutex is
// held.
func (s *Session) linger(r *Run) {
	in := r.interest.Load()
	if in == nil || in.failure() != nil {
		return
	}
	sc := s.awake(r.scope)
	if sc.err != nil {
		s.out.ends = append(s.out.ends, ending{in, sc.err})
		return
	}
	if len(sc.lingering) >= sc.sweepAt {
		s.sweepLingering(sc)
		sc.sweepAt = 2*len(sc.lingering) + 64
	}
	sc.lingering = append(sc.lingering, lingerer{weak.Make(r), in})
}

// sweepLingering ends the contexts that nobody holds. The mutex is held.
func (s *Session) sweepLingering(sc *Scope) {
	sc.lingering = slices.DeleteFunc(sc.lingering, func(l lingerer) bool {
		gone := l.run.Value() == nil
		if gone {
			s.out.ends = append(s.out.ends, ending{l.in, ErrCanceled})
		}
		return gone
	})
}

// ending is a context to end, and its error.
type ending struct {
	in  *interest
	err error
}

// endLingering ends all contexts that outlived their functions. The mutex is held.
func (s *Session) endLingering(sc *Scope, err error) {
	for _, l := range sc.lingering {
		s.out.ends = append(s.out.ends, ending{l.in, err})
	}
	sc.lingering = nil
}
