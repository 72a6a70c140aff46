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
	dead atomic.Bool // gave up: to be skipped
}

type notifier interface{ notify() }

// ended stands in Task.waiters once the outcome may be read.
var ended = new(waiter)

// push adds w, unless the task has ended. Waiters at the front that gave up are dropped, so that polling with short
// contexts doesn't grow the list.
func (t *Task) push(w *waiter) bool {
	for {
		head := t.waiters.Load()
		if head == ended {
			return false
		}
		w.next = head
		for w.next != nil && w.next.dead.Load() {
			w.next = w.next.next
		}
		if t.waiters.CompareAndSwap(head, w) {
			return true
		}
	}
}

// publish lets the outcome be read and returns who waits for it, the newest first.
func (t *Task) publish() *waiter { return t.waiters.Swap(ended) }

// notifyAll tells the waiters in the order in which they came.
func notifyAll(w *waiter) {
	var first *waiter
	for w != nil {
		next := w.next
		w.next, first = first, w
		w = next
	}
	for w = first; w != nil; {
		next := w.next // w may be used again once it is told
		if !w.dead.Load() {
			w.tell.notify()
		}
		w = next
	}
}

// parked is a goroutine in Wait.
type parked struct {
	waiter
	ch chan struct{}
}

func (p *parked) notify() { p.ch <- struct{}{} }

// park gives a parked for use; the session keeps them, since a channel of one synctest bubble can't serve another.
func (s *Session) park() *parked {
	if p, ok := s.parking.Get().(*parked); ok {
		p.next = nil
		return p
	}
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

func (t *Task) wait(r *Run, stop <-chan struct{}, ctx context.Context) error {
	p := t.s.park()
	if !t.push(&p.waiter) {
		t.s.parking.Put(p)
		return nil
	}
	if r.runsIn(t.s) {
		t.s.block(r, t)
		defer t.s.unblock(r)
	}
	select {
	case <-p.ch:
		t.s.parking.Put(p)
		return nil
	case <-stop:
		p.dead.Store(true)
		if t.Done() {
			return nil
		}
		return ctx.Err()
	}
}
