package engine

import (
	"context"
	"sync"
)

// Pending is a set of tasks in flight, and of those of them that have ended, in the order in which they did. Its zero
// value is empty. Add, Len and Next may be called by several goroutines.
type Pending[K, T any] struct {
	mu    sync.Mutex
	ended []*entry[K, T]
	open  map[*entry[K, T]]struct{}
	bell  chan struct{} // holds a token when ended may have grown
}

type entry[K, T any] struct {
	waiter
	p *Pending[K, T]
	k K
	t *Typed[T]
}

func (e *entry[K, T]) notify() {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	if _, ok := e.p.open[e]; !ok {
		return // it was given when the context ended
	}
	delete(e.p.open, e)
	e.p.ended = append(e.p.ended, e)
	select {
	case e.p.bell <- struct{}{}:
	default:
	}
}

// Add puts a task into the set; a lazy one is asked for.
func (p *Pending[K, T]) Add(k K, t *Typed[T]) {
	e := &entry[K, T]{p: p, k: k, t: t}
	e.tell = e
	p.mu.Lock()
	if p.bell == nil {
		p.bell = make(chan struct{}, 1)
		p.open = map[*entry[K, T]]struct{}{}
	}
	p.open[e] = struct{}{}
	p.mu.Unlock()
	if t.s != nil {
		t.s.demand(&t.Task)
	}
	if !t.push(&e.waiter) {
		e.notify()
	}
}

// Len is the number of tasks that Next has not given yet.
func (p *Pending[K, T]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) + len(p.ended)
}

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
	defer p.mu.Unlock()
	if len(p.ended) > 0 {
		e := p.ended[0]
		p.ended[0] = nil
		p.ended = p.ended[1:]
		return e
	}
	if open {
		for e := range p.open {
			if e.dead.CompareAndSwap(false, true) {
				delete(p.open, e)
				return e
			}
		}
	}
	return nil
}

// most is how many tasks a sleeping task names as what it waits for. With more, it counts as able to run, so that
// waiting stays cheap.
const most = 32

func (p *Pending[K, T]) sleep(ctx context.Context, r *Run) {
	if r != nil && r.fate.Load() == running {
		r.s.block(r, p.some(r.s)...)
		defer r.s.unblock(r)
	}
	select {
	case <-p.bell:
	case <-ctx.Done():
	}
}

func (p *Pending[K, T]) some(s *Session) (on []*Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) > most {
		return nil
	}
	for e := range p.open {
		if e.t.s == s {
			on = append(on, &e.t.Task)
		}
	}
	return on
}
