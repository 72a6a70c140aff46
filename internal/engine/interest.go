package engine

import (
	"runtime"
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

// linger keeps a context that outlives its function within reach of what governs it, for as long as something holds it:
// the reference is weak, and who holds only the Done channel sees it closed once nobody can ask the context why.
func (sc *Scope) linger(r *Run) {
	in := r.interest.Load()
	if in == nil || in.failure() != nil || sc.ctx == nil && sc.run == nil {
		return
	}
	runtime.AddCleanup(r, func(in *interest) { in.end(ErrCanceled) }, in)
	if len(sc.lingering) >= sc.sweepAt {
		sc.lingers()
		sc.sweepAt = 2*len(sc.lingering) + 64
	}
	sc.lingering = append(sc.lingering, weak.Make(r))
}

// lingers forgets the contexts that nobody holds and reports whether any is left.
func (sc *Scope) lingers() bool {
	sc.lingering = slices.DeleteFunc(sc.lingering, func(w weak.Pointer[Run]) bool { return w.Value() == nil })
	return len(sc.lingering) > 0
}
