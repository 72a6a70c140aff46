package engine

import (
	"time"

	"github.com/musterrun/muster/event"
)

// block lends the CPU slot of r's task while its function waits for on.
func (s *Session) block(r *Run, on ...*Task) {
	s.mu.Lock()
	s.lend(r, on...)
	s.flush()
}

func (s *Session) lend(r *Run, on ...*Task) {
	r.waits++
	s.m.Block(r.id, 0)
	for _, t := range on {
		s.m.Block(r.id, t.id)
	}
	s.carryOut()
	if r.waits > 1 {
		return
	}
	s.load.running--
	if r.timeout.stop(s) {
		r.left = max(1, r.deadline.Load()-s.now())
		r.deadline.Store(0)
	}
	if s.listens(r.t, event.TaskBlocked) {
		s.log.add(s.describe(r.t, event.TaskBlocked, nil))
	}
}

// unblock waits until the slot is back, unless the function still waits elsewhere.
func (s *Session) unblock(r *Run) {
	ch := make(chan struct{})
	s.mu.Lock()
	s.reclaim(r, ch)
	s.flush()
	<-ch
}

// reclaim asks for the slot; ch is closed when it's back, or at once while the function waits for something else.
func (s *Session) reclaim(r *Run, ch chan struct{}) {
	if r.waits--; r.waits > 0 {
		close(ch)
		return
	}
	r.back = append(r.back, ch)
	if s.m.Unblock(r.id) {
		s.resumed(r)
	}
	s.carryOut()
}

// resumed lets the function run on.
func (s *Session) resumed(r *Run) {
	s.out.open = append(s.out.open, r.back...)
	r.back = nil
	if r.fate.Load() != running {
		return
	}
	s.load.running++
	if r.left > 0 && !r.expired.Load() {
		s.startTimeout(r, s.now())
	}
	if s.listens(r.t, event.TaskResumed) {
		s.log.add(s.describe(r.t, event.TaskResumed, nil))
	}
}

// startTimeout lets the attempt's clock run; it stands still while the function waits for a Ref.
func (s *Session) startTimeout(r *Run, now int64) {
	r.deadline.Store(now + r.left)
	r.timeout = s.after(time.Duration(r.left), func() {
		r.expired.Store(true)
		s.m.Expire(r.id, int(r.attempt))
		s.carryOut()
	})
}
