package muster

import (
	"context"
	"sync"
)

// PerProcess opens something once per process and key, such as a model or a connection, and shares it: the function it
// returns calls open the first time a key is asked for, while others who ask wait, and again only after an error. The
// value is kept until the process ends.
//
// open runs on the goroutine of the one who asked first, but belongs to all who wait: its context has the values of the
// first one's, and ends when the contexts of all of them have ended, so that one task's Timeout or cancel doesn't end
// the wait of the others. The first one stays until open returns; the others leave when their own context ends. Once
// open has returned without an error, its context doesn't end any more, since the value may hold on to it.
//
// It panics for a nil function.
//
// If every task that asks has a Timeout and open takes longer, it is cancelled each time: give those functions a longer
// one, or open the key before.
func PerProcess[K comparable, T any](open func(context.Context, K) (T, error)) func(context.Context, K) (T, error) {
	if open == nil {
		panic("muster: PerProcess of a nil function: pass one that opens the value of a key")
	}
	p := &perProcess[K, T]{open: open, opened: map[K]*opening[T]{}}
	return p.get
}

type perProcess[K comparable, T any] struct {
	open   func(context.Context, K) (T, error)
	mu     sync.Mutex
	opened map[K]*opening[T]
}

// opening is one value, open or being opened.
type opening[T any] struct {
	done    chan struct{}
	value   T
	ok      bool
	waiting int // whose contexts haven't ended; guarded by mu
	cancel  context.CancelFunc
}

func (p *perProcess[K, T]) get(ctx context.Context, key K) (T, error) {
	for {
		p.mu.Lock()
		o := p.opened[key]
		if o == nil {
			return p.first(ctx, key)
		}
		o.waiting++
		p.mu.Unlock()
		select {
		case <-o.done:
			if o.ok {
				return o.value, nil
			}
		case <-ctx.Done():
			p.leave(o)
			var zero T
			return zero, ctx.Err()
		}
	}
}

// first opens the value; panics of open pass through. The mutex is held.
func (p *perProcess[K, T]) first(ctx context.Context, key K) (v T, err error) {
	if ctx.Err() != nil {
		p.mu.Unlock()
		return v, ctx.Err()
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &opening[T]{done: make(chan struct{}), waiting: 1, cancel: cancel}
	p.opened[key] = o
	p.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { p.leave(o) })
	defer func() {
		stop()
		if !o.ok {
			cancel()
			p.mu.Lock()
			delete(p.opened, key)
			p.mu.Unlock()
		}
		close(o.done)
	}()
	v, err = p.open(inner, key)
	p.mu.Lock()
	o.value, o.ok = v, err == nil
	p.mu.Unlock()
	return v, err
}

// leave counts one who waits less, and cancels the opening with the last.
func (p *perProcess[K, T]) leave(o *opening[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.waiting--; o.waiting == 0 && !o.ok {
		o.cancel()
	}
}
