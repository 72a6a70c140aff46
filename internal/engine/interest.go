package engine

import "sync"

// interest is what somebody who watches an attempt's context has asked for.
type interest struct {
	done chan struct{}
	*hooks
}

// hooks are the part of an interest that doesn't hold its channel: see lingerer.
type hooks struct {
	mu   sync.Mutex
	err  error
	next int
	fns  map[int]func()
}

func newInterest() *interest { return &interest{make(chan struct{}), &hooks{}} }

func (h *hooks) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// called reports whether somebody is to be called at the end.
func (h *hooks) called() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.fns) > 0
}

func (h *hooks) add(f func()) (stop func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		go f() // as context.AfterFunc does for a context that has ended
		return func() bool { return false }
	}
	if h.fns == nil {
		h.fns = map[int]func(){}
	}
	n := h.next
	h.next++
	h.fns[n] = f
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, found := h.fns[n]
		delete(h.fns, n)
		return found
	}
}

// end closes done, if anybody has it, and calls what was registered, once.
func (h *hooks) end(done chan struct{}, err error) {
	h.mu.Lock()
	if h.err != nil {
		h.mu.Unlock()
		return
	}
	h.err = err
	fns := h.fns
	h.fns = nil
	if done != nil {
		close(done)
	}
	h.mu.Unlock()
	for _, f := range fns {
		f()
	}
}

// cancel ends the context of the attempt.
func (r *Run) cancel(err error) {
	in := r.watched()
	in.end(in.done, err)
}

// watched makes the interest, if need be.
func (r *Run) watched() *interest {
	if in := r.interest.Load(); in != nil {
		return in
	}
	r.interest.CompareAndSwap(nil, newInterest())
	return r.interest.Load()
}

// interested is watched by somebody outside of muster. Interest in the context of an attempt that is over is new to
// what governs it.
func (r *Run) interested() *interest {
	if in := r.interest.Load(); in != nil {
		return in
	}
	in := r.watched()
	if r.fate.Load() != running {
		r.s.mu.Lock()
		if r.over {
			r.s.linger(r)
		} // else its end will do it
		r.s.flush()
	}
	return in
}
