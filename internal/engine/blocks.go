package engine

import (
	"context"
	"math"
	"time"

	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/internal/coordinator"
)

// A function lends its CPU slot from its first wait until its last one is over. That is when the slot is asked for:
// under the mutex under which the awaited task ends, before anything new is given out, and not when the waiting
// goroutine comes round to it. All of this belongs to one attempt, not to its task: a wait that an attempt has left
// behind doesn't touch the next one.

// lending is what an attempt has lent.
type lending struct {
	waits int32      // Gets and Dones that have lent the slot
	halts int32      // those of them in which the function stands still
	lent  bool       // the slot isn't back yet
	ends  bool       // the agent knows that the wait may end by something else than what it was asked for
	back  []returner // told when the slot is back
}

// returner is told when the slot is back, or at once if there is nothing to wait for.
type returner interface{ slotBack() }

// block lends the slot of r's task while its function waits for on, whatever that is.
func (s *Session) block(r *Run, on ...*Task) {
	s.mu.Lock()
	ids := make([]coordinator.ID, 0, 4)
	for _, t := range on {
		ids = append(ids, t.id)
	}
	s.lend(r, true, ids...)
	s.flush()
}

// unblock ends the wait of block: it returns when the slot is back, unless the function still waits elsewhere.
func (s *Session) unblock(r *Run) {
	p := s.park()
	s.mu.Lock()
	s.reclaim(r, p, true)
	s.flush()
	<-p.ch
	s.parking.Put(p)
}

// lend begins a wait for any of some tasks and sets, or for something that the machine doesn't know. If it halts the
// function, its clock stands still meanwhile; with an open Done channel it may run on. The mutex is held.
func (s *Session) lend(r *Run, halts bool, on ...coordinator.ID) {
	if r.over {
		return
	}
	if r.lending == nil {
		r.lending = &lending{}
	}
	l := r.lending
	l.waits++
	if halts {
		l.halts++
		s.stopClock(r)
	}
	began := false
	if !l.lent {
		l.lent, began = true, true
		s.load.running--
		if s.listens(r.t, event.TaskBlocked) {
			s.report(r.t, event.TaskBlocked, nil)
		}
	}
	s.letOn(r)
	s.m.Block(r.id, on...)
	s.tellWait(r, began)
	s.carryOut()
}

// reclaim ends a wait and tells back when the function may go on. The mutex is held; carryOut goes on.
func (s *Session) reclaim(r *Run, back returner, halted bool) {
	if r.over {
		s.out.open = append(s.out.open, back)
		return
	}
	l := r.lending
	l.back = append(l.back, back)
	l.waits--
	if halted {
		l.halts--
	}
	if l.waits > 0 {
		s.letOn(r)
		s.startClock(r, s.now())
		return
	}
	s.reclaimed = append(s.reclaimed, r)
}

// regain asks the machine for the slot of a function whose waits are over.
func (s *Session) regain(r *Run) {
	if !r.over && r.lending.waits == 0 && s.m.Unblock(r.id) {
		s.resumed(r)
	}
}

// letOn lets goroutines of the function go on that wait for the slot: they have it, or the function waits elsewhere.
func (s *Session) letOn(r *Run) {
	s.out.open = append(s.out.open, r.lending.back...)
	r.lending.back = nil
}

// endWaits lets all go on that wait within an attempt that is over.
func (s *Session) endWaits(r *Run) {
	l := r.lending
	if l == nil {
		return
	}
	s.letOn(r)
	if l.lent {
		s.load.running++ // it ends now
	}
}

// resumed lets the function run on.
func (s *Session) resumed(r *Run) {
	s.letOn(r)
	r.lending.lent, r.lending.ends = false, false
	s.load.running++
	if s.tellsBlocks(r) {
		s.tellBlock(r, false, false)
	}
	s.startClock(r, s.now())
	if s.listens(r.t, event.TaskResumed) {
		s.report(r.t, event.TaskResumed, nil)
	}
}

// startClock lets the attempt's Timeout run, unless its function is halted.
func (s *Session) startClock(r *Run, now int64) {
	if r.left == 0 || r.lending != nil && r.lending.halts > 0 || r.deadline.Load() != 0 {
		return
	}
	at := now + r.left
	if at < now {
		at = math.MaxInt64
	}
	r.deadline.Store(at)
	r.timeout = s.after(time.Duration(r.left), func() {
		r.expired.Store(true)
		s.m.Expire(r.id, int(r.attempt))
		s.carryOut()
	})
}

func (s *Session) stopClock(r *Run) {
	if r.timeout.stop(s) {
		r.left = max(1, r.deadline.Load()-s.now())
		r.deadline.Store(0)
	}
}

// endsAlone reports whether a wait with ctx ends by itself, sooner than what governs the attempt: such a wait keeps
// nobody from anything for ever.
func (r *Run) endsAlone(ctx context.Context) bool {
	if _, own := ctx.(*Run); own {
		return false
	}
	at, ok := ctx.Deadline()
	if !ok {
		return false
	}
	own, has := r.Deadline()
	return !has || at.Before(own)
}

// outside is what Block is told of a wait that ends by itself.
func outside(ends bool) coordinator.ID {
	if ends {
		return coordinator.Outside
	}
	return 0
}
