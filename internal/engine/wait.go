package engine

import (
	"context"
	"sync/atomic"
)

// waiter is told once when a task ends. The list of a task's waiters hangs on one atomic pointer, so that a task that
// nobody waits for has no channel, and waiting takes no lock.
type waiter struct {
	next *waiter
	tell notifier
	dead atomic.Bool // it was told, or gave up: whoever claims it decides
}

type notifier interface {
	// settled is called first, under the mutex of the task's session and before anything new is given out: who has lent
	// a slot of that session asks for it now. It reports whether that is all, so that notify needn't be called.
	settled(s *Session) bool
	// notify is called after the mutex was released.
	notify()
}

// claim reports whether the caller is the one who tells the waiter, or gives up.
func (w *waiter) claim() bool { return w.dead.CompareAndSwap(false, true) }

// settled does nothing: it is for waiters that lend no slot.
func (w *waiter) settled(*Session) bool { return false }

// ended stands in Task.waiters once the outcome may be read.
var ended = new(waiter)

// push adds w, unless the task has ended.
func (t *Task) push(w *waiter) bool {
	for {
		head := t.waiters.Load()
		if head == ended {
			return false
		}
		w.next = head
		if t.waiters.CompareAndSwap(head, w) {
			return true
		}
	}
}

// nearFront is how far unlink looks for a waiter.
const nearFront = 64

// unlink takes out one that gave up, so that polling with short contexts doesn't grow the list. It reports whether the
// waiter may be used again: one that stands far behind stays until the task ends. The mutex is held, as whenever a link
// is followed or changed.
func (t *Task) unlink(w *waiter) bool {
	for {
		head := t.waiters.Load()
		if head == w {
			if t.waiters.CompareAndSwap(w, w.next) {
				return true
			}
			continue
		}
		for n := 0; head != nil && head != ended && n < nearFront; n++ {
			if head.next == w {
				head.next = w.next
				return true
			}
			head = head.next
		}
		return false
	}
}

// publish lets the outcome be read and returns who waits for it, in the order in which they came.
func (t *Task) publish() (first *waiter) {
	for w := t.waiters.Swap(ended); w != nil; {
		next := w.next
		w.next, first = first, w
		w = next
	}
	return first
}

// settled tells the waiters of a task that has ended what is done under the mutex, which is held, and returns the rest.
func (s *Session) settled(w *waiter) (rest *waiter) {
	last := &rest
	for w != nil {
		next := w.next // w may be used again once it is told
		if !w.tell.settled(s) {
			*last, last = w, &w.next
		}
		w = next
	}
	*last = nil
	return rest
}

// notifyAll tells the rest.
func notifyAll(w *waiter) {
	for w != nil {
		next := w.next
		w.tell.notify()
		w = next
	}
}

// parked is a goroutine that waits.
type parked struct {
	waiter
	ch chan struct{}
	r  *Run // has lent its slot; or nil
}

func (p *parked) settled(s *Session) bool {
	if p.r == nil || p.r.s != s {
		return false
	}
	if p.claim() {
		s.reclaim(p.r, p, true)
	}
	return true
}

func (p *parked) notify() {
	switch {
	case !p.claim():
	case p.r == nil:
		p.ch <- struct{}{}
	default:
		s := p.r.s
		s.mu.Lock()
		s.reclaim(p.r, p, true)
		s.flush()
	}
}

func (p *parked) slotBack() { p.ch <- struct{}{} }

// park gives a parked for use; the session keeps them, since a channel of one synctest bubble can't serve another.
func (s *Session) park() *parked {
	if p, ok := s.parking.Get().(*parked); ok {
		p.next, p.r = nil, nil
		p.dead.Store(false)
		return p
	}
	return newParked()
}

func newParked() *parked {
	p := &parked{ch: make(chan struct{}, 1)}
	p.tell = p
	return p
}

// Wait waits until t has ended or ctx has. Inside a task it lends the task's CPU slot meanwhile. A nil error says that
// t has ended, not that it succeeded.
func (t *Task) Wait(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if t.Done() {
		return nil
	}
	at, err := siteOf(ctx)
	if err != nil {
		return err
	}
	t.s.demand(t)
	return t.wait(at.run, ctx.Done(), ctx)
}

// wait waits until t has ended or stop is closed, as it is when ctx ends.
func (t *Task) wait(r *Run, stop <-chan struct{}, ctx context.Context) error {
	if r.runsIn(t.s) {
		return t.waitInside(r, stop, ctx)
	}
	p := t.s.park()
	if !t.push(&p.waiter) {
		t.s.parking.Put(p)
		return nil
	}
	select {
	case <-p.ch:
	case <-stop:
		if p.claim() {
			t.s.mu.Lock()
			defer t.s.mu.Unlock()
			return t.gaveUp(p, ctx)
		}
		<-p.ch
	}
	t.s.parking.Put(p)
	return nil
}

// gaveUp ends a wait that ctx has ended. The mutex is held.
func (t *Task) gaveUp(p *parked, ctx context.Context) error {
	if t.unlink(&p.waiter) {
		t.s.parking.Put(p)
	}
	if t.Done() {
		return nil
	}
	return ctx.Err()
}

// waitInside is wait by the function of r, which lends its slot.
func (t *Task) waitInside(r *Run, stop <-chan struct{}, ctx context.Context) error {
	s := t.s
	p := s.park()
	until := stop != nil && r.endsAlone(ctx)
	s.mu.Lock()
	if !r.over {
		p.r = r
	}
	if !t.push(&p.waiter) {
		s.mu.Unlock()
		s.parking.Put(p)
		return nil
	}
	s.lend(r, true, t.id, outside(until))
	s.flush()
	select {
	case <-p.ch:
		s.parking.Put(p)
		return nil
	case <-stop:
	}
	s.mu.Lock()
	late := p.claim()
	if late {
		s.reclaim(r, p, true)
	}
	s.flush()
	<-p.ch // the slot is back
	if late {
		s.mu.Lock()
		defer s.mu.Unlock()
		return t.gaveUp(p, ctx)
	}
	s.parking.Put(p)
	return nil
}
