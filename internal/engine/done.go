package engine

import "context"

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
	off  func() bool // takes the context's callback back
}

func (d *doneWaiter) settled(s *Session) bool {
	if d.claim() {
		s.endDone(d)
	}
	return true
}

func (d *doneWaiter) notify() {} // settled has done it

func (d *doneWaiter) slotBack() { close(d.ch) }

// endDone is called once. The mutex is held.
func (s *Session) endDone(d *doneWaiter) {
	delete(s.dones, doneKey{d.t, d.r, d.stop})
	if d.off != nil && d.off() {
		s.release()
	}
	if d.r == nil {
		s.out.open = append(s.out.open, d)
		return
	}
	s.reclaim(d.r, d, false)
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
	key := doneKey{t: t, stop: ctx.Done()}
	inside := at.run.runsIn(s)
	until := inside && at.run.endsAlone(ctx)
	s.mu.Lock()
	if inside && !at.run.over {
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
	if key.stop != nil {
		s.watchDone(ctx, d)
	}
	if d.r != nil {
		s.lend(d.r, false, t.id, outside(until))
	}
	s.flush()
	return d.ch
}

// watchDone closes the channel when ctx ends. The mutex is held.
func (s *Session) watchDone(ctx context.Context, d *doneWaiter) {
	s.busy++
	d.off = context.AfterFunc(ctx, func() {
		s.mu.Lock()
		if d.claim() {
			d.t.unlink(&d.waiter)
			s.endDone(d)
		}
		s.flush()
		s.mu.Lock()
		s.release()
		s.mu.Unlock()
	})
}
