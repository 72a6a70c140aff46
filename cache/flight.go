package cache

import (
	"context"
	"sync"
)

// flights are the keys that this process computes or waits for other processes for.
type flights struct {
	mu sync.Mutex
	m  map[Key]*flight
}

// flight is one key.
type flight struct {
	key     Key
	done    chan struct{}
	waiters int    // guarded by flights.mu
	value   *Value // set before done is closed: a copy of what couldn't be stored
}

// join returns the flight of a key, and whether it is a new one that the caller has to land.
func (fs *flights) join(key Key) (f *flight, mine bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.m[key]; f != nil {
		f.waiters++
		return f, false
	}
	if fs.m == nil {
		fs.m = map[Key]*flight{}
	}
	f = &flight{key: key, done: make(chan struct{})}
	fs.m[key] = f
	return f, true
}

// land lets the waiters go on. They find the entry, or else get a copy of the value that couldn't be stored: its
// memory is the owner's, who may change it once its call has returned.
func (fs *flights) land(f *flight, unstored *Value) {
	fs.mu.Lock()
	delete(fs.m, f.key)
	waiters := f.waiters
	fs.mu.Unlock()
	if unstored != nil && waiters > 0 {
		copied := unstored.clone()
		f.value = &copied
	}
	close(f.done)
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Chain is what the context of a computation knows: its key, and those of the computations around it. A scheduler whose
// contexts don't carry their callers' values hands it over: a call that waits for itself is noticed by it.
type Chain struct {
	flight *flight
	around *Chain
}

// ChainKey finds the *Chain of a context by its method Value.
type ChainKey struct{}

// ChainOf is the chain of the computation that ctx belongs to, or nil.
func ChainOf(ctx context.Context) *Chain {
	c, _ := ctx.Value(ChainKey{}).(*Chain)
	return c
}

func within(ctx context.Context, f *flight) context.Context {
	return context.WithValue(ctx, ChainKey{}, &Chain{flight: f, around: ChainOf(ctx)})
}

// computing reports whether ctx belongs to f's computation.
func computing(ctx context.Context, f *flight) bool {
	for c := ChainOf(ctx); c != nil; c = c.around {
		if c.flight == f {
			return true
		}
	}
	return false
}
