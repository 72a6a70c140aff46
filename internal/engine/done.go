package engine

import (
	"context"
	"sync"
)

// Closed is a channel that is closed.
var Closed = func() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// doneWaiter closes a channel when a task has ended or a context has; for a channel that a task asked for, once that
// task's CPU slot is back.
type doneWaiter struct {
	waiter
	t    *Task
	r    *Run // the task that asked, or nil
	stop <-chan struct{}
	ch   chan struct{}
	once sync.Once
	off  func() bool // takes the context's callback back
}

func (d *doneWaiter) notify() { d.finish() }

func (d *doneWaiter) finish() {
	d.once.Do(func() {
		s := d.t.s
		s.mu.Lock()
		delete(s.dones, doneKey{d.t, d.r, d.stop})
		if d.off != nil && d.off() {
			s.release()
		}
		if d.r == nil {
			s.out.open = append(s.out.open, d.ch)
		} else {
			s.reclaim(d.r, d.ch)
		}
		s.flush()
	})
}

// doneKey finds the open channel of a task for one who asks again.
type doneKey struct {
	t    *Task
	r    *Run
	stop <-chan struct{}
}

// DoneChannel gives a channel that closes when t has ended or ctx has.
func (t *Task) DoneChannel(ctx context.Context) <-chan struct{} {
	at, err := siteOf(ctx)
	if err != nil || t.Done() || ctx.Err() != nil {
		return Closed
	}
	s := t.s
	s.demand(t)
	s.mu.Lock()
	key := doneKey{t: t, stop: ctx.Done()}
	if at.run.runsIn(s) {
		key.r = at.run
	}
	if d := s.dones[key]; d != nil {
		s.mu.Unlock()
		return d.ch
	}
	d := &doneWaiter{t: t, r: key.r, stop: key.stop, ch: make(chan struct{})}
	d.tell = d
	if !t.push(&d.waiter) {
		s.mu.Unlock()
		return Closed
	}
	s.dones[key] = d
	if d.r != nil {
		s.lend(d.r, t)
	}
	if key.stop != nil {
		s.watchDone(ctx, d)
	}
	s.flush()
	return d.ch
}

// watchDone closes the channel when ctx ends. The mutex is held.
func (s *Session) watchDone(ctx context.Context, d *doneWaiter) {
	s.busy++
	d.off = context.AfterFunc(ctx, func() {
		d.dead.Store(true)
		d.finish()
		s.mu.Lock()
		s.release()
		s.mu.Unlock()
	})
}
