package muster

import (
	"context"
	"sync"
)

// PerProcess opens something once per process and key, such as a model or a connection, and shares it: the function it
// returns calls open the first time a key is asked for, while others who ask wait, and again only after an error. The
// value is kept until the process ends.
func PerProcess[K comparable, T any](open func(context.Context, K) (T, error)) func(context.Context, K) (T, error) {
	var mu sync.Mutex
	opened := map[K]*opening[T]{}
	return func(ctx context.Context, key K) (T, error) {
		for {
			mu.Lock()
			o, found := opened[key]
			if !found {
				o = &opening[T]{done: make(chan struct{})}
				opened[key] = o
			}
			mu.Unlock()
			if !found {
				return o.run(func() (T, error) { return open(ctx, key) }, func() {
					mu.Lock()
					delete(opened, key)
					mu.Unlock()
				})
			}
			select {
			case <-o.done:
				if o.ok {
					return o.value, nil
				}
			case <-ctx.Done():
				var zero T
				return zero, ctx.Err()
			}
		}
	}
}

// opening is one value of PerProcess, open or being opened.
type opening[T any] struct {
	done  chan struct{}
	value T
	ok    bool
}

// run opens the value; forget is called unless that succeeds, panics included.
func (o *opening[T]) run(open func() (T, error), forget func()) (v T, err error) {
	defer func() {
		if !o.ok {
			forget()
		}
		close(o.done)
	}()
	v, err = open()
	o.value, o.ok = v, err == nil
	return v, err
}
