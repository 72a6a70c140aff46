package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/musterrun/muster/internal/coordinator"
)

// Pending is a set of tasks in flight, and of those of them that have ended, in the order in which they did. Its zero
// value is empty. Add, Len and Next may be called by several goroutines. Lock order: the session's mutex, then mu.
type Pending[K, T any] struct {
	mu       sync.Mutex
	ended    []*entry[K, T]
	open     map[*entry[K, T]]struct{}
	sleepers []*parked // in Next: all are woken when one ends, and take it or sleep again
	covers   coverage
	fresh    []*entry[K, T] // that no coverage names; some have ended
}

// coverage is what the machine of one session knows of a Pending: a set that holds each open task once, however often
// functions sleep for it. It is made by the first of them.
type coverage struct {
	s   *Session
	set coordinator.ID
}

type entry[K, T any] struct {
	waiter
	p *Pending[K, T]
	k K
	t *Typed[T]
}

// settled wakes those who have lent a slot of the task's session.
func (e *entry[K, T]) settled(s *Session) bool {
	e.end()
	e.p.mu.Lock()
	rest := e.p.sleepers[:0]
	for _, sl := range e.p.sleepers {
		if !sl.settled(s) {
			rest = append(rest, sl)
		}
	}
	clear(e.p.sleepers[len(rest):])
	e.p.sleepers = rest
	e.p.mu.Unlock()
	return len(rest) == 0
}

func (e *entry[K, T]) notify() {
	e.end()
	e.p.wake()
}

// end moves the entry to those that have ended, unless it was given when a context ended.
func (e *entry[K, T]) end() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	if _, ok := e.p.open[e]; ok {
		delete(e.p.open, e)
		e.p.ended = append(e.p.ended, e)
	}
}

// wake wakes all who sleep. No mutex is held.
func (p *Pending[K, T]) wake() {
	p.mu.Lock()
	all := p.sleepers
	p.sleepers = nil
	p.mu.Unlock()
	for _, sl := range all {
		sl.notify()
	}
}

// Add puts a task into the set; a lazy one is asked for.
func (p *Pending[K, T]) Add(k K, t *Typed[T]) {
	e := &entry[K, T]{p: p, k: k, t: t}
	e.tell = e
	p.mu.Lock()
	if p.open == nil {
		p.open = map[*entry[K, T]]struct{}{}
	}
	p.open[e] = struct{}{}
	if len(p.fresh) > 2*len(p.open)+64 {
		p.fresh = slices.DeleteFunc(p.fresh, func(e *entry[K, T]) bool { return !p.isOpen(e) })
	}
	p.fresh = append(p.fresh, e)
	p.mu.Unlock()
	if t.s != nil {
		t.s.demand(&t.Task)
	}
	if !t.push(&e.waiter) {
		e.notify()
	}
	if s := p.watching(); s != nil {
		s.mu.Lock()
		p.mu.Lock()
		p.cover(s)
		p.mu.Unlock()
		s.flush()
	}
}

func (p *Pending[K, T]) isOpen(e *entry[K, T]) bool {
	_, open := p.open[e]
	return open
}

// watching is the session whose functions sleep now, or nil.
func (p *Pending[K, T]) watching() *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sleepers) == 0 {
		return nil
	}
	return p.covers.s
}

// cover names what is new to the machine, and says what a function of s sleeps for. Both mutexes are held.
func (p *Pending[K, T]) cover(s *Session) []coordinator.ID {
	if p.covers.s == nil {
		p.covers.s = s
	}
	if p.covers.s != s {
		return []coordinator.ID{coordinator.Outside}
	}
	p.fresh = slices.DeleteFunc(p.fresh, func(e *entry[K, T]) bool {
		if !p.isOpen(e) {
			return true
		}
		known := e.t.s == s && e.t.phase == live
		if known {
			p.covers.set = s.m.Include(p.covers.set, e.t.id)
		}
		return known
	})
	on := []coordinator.ID{p.covers.set}
	if len(p.fresh) > 0 { // of another session, or not there yet
		on = append(on, coordinator.Outside)
	}
	return on
}

// Len is the number of tasks that Next has not given yet.
func (p *Pending[K, T]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size()
}

func (p *Pending[K, T]) size() int { return len(p.open) + len(p.ended) }

// Next waits for the next task to end. When ctx ends first it gives any that has not ended. It answers false when the
// set is empty.
func (p *Pending[K, T]) Next(ctx context.Context) (k K, t *Typed[T], ok bool) {
	at, err := siteOf(ctx)
	if err != nil {
		at.run = nil
	}
	for {
		if e := p.take(err != nil || ctx.Err() != nil); e != nil {
			return e.k, e.t, true
		}
		if p.Len() == 0 {
			return k, nil, false
		}
		p.sleep(ctx, at.run)
	}
}

// take gives one that has ended, or with open one that hasn't if there is none.
func (p *Pending[K, T]) take(open bool) *entry[K, T] {
	p.mu.Lock()
	e := p.first(open)
	empty := p.size() == 0 && len(p.sleepers) > 0
	p.mu.Unlock()
	if empty {
		p.wake() // there is nothing to wait for any more
	}
	return e
}

func (p *Pending[K, T]) first(open bool) *entry[K, T] {
	if len(p.ended) > 0 {
		e := p.ended[0]
		p.ended[0] = nil
		p.ended = p.ended[1:]
		return e
	}
	if open {
		for e := range p.open {
			delete(p.open, e)
			return e
		}
	}
	return nil
}

// sleep waits until one may have ended, or ctx has.
func (p *Pending[K, T]) sleep(ctx context.Context, r *Run) {
	sl := newParked()
	inside := r != nil && r.fate.Load() == running
	until := inside && r.endsAlone(ctx)
	if inside {
		r.s.mu.Lock()
		if !r.over {
			sl.r = r
		}
	}
	on, asleep := p.lieDown(sl)
	if inside {
		if asleep {
			if until {
				on = append(on, coordinator.Outside)
			}
			r.s.lend(r, true, on...)
		}
		r.s.flush()
	}
	if !asleep {
		return
	}
	select {
	case <-sl.ch:
	case <-ctx.Done():
		p.getUp(sl)
	}
}

// lieDown answers false if there is nothing to wait for, and says what a function sleeps for.
func (p *Pending[K, T]) lieDown(sl *parked) (on []coordinator.ID, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ended) > 0 || len(p.open) == 0 {
		return nil, false
	}
	if sl.r != nil {
		on = p.cover(sl.r.s)
	}
	p.sleepers = append(p.sleepers, sl)
	return on, true
}

// getUp ends a sleep that nobody has ended, and returns when the slot is back.
func (p *Pending[K, T]) getUp(sl *parked) {
	if r := sl.r; r != nil {
		r.s.mu.Lock()
		if sl.claim() {
			r.s.reclaim(r, sl, true)
		}
		r.s.flush()
		<-sl.ch
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sleepers = slices.DeleteFunc(p.sleepers, func(o *parked) bool { return o == sl })
}
