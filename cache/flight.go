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
	key   Key
	by    *flight // whose computation asked for it first, or nil
	done  chan struct{}
	value *Value // set before done is closed: a copy of what couldn't be stored

	all     *flights
	waiters int             // guarded by flights.mu, as what follows
	claim   *claim          // while it is computed
	needs   map[*flight]int // which others its computation computes or waits for, and how often
}

// join returns the flight of a key that the computation of another needs, and whether it is a new one that the caller
// has to land. It returns none if the key's own computation needs that of by: they would wait for each other.
func (fs *flights) join(key Key, by *flight) (f *flight, mine bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f = fs.m[key]; f != nil {
		if by != nil && f.reaches(by, map[*flight]bool{}) {
			return nil, false
		}
		f.waiters++
	} else {
		if fs.m == nil {
			fs.m = map[Key]*flight{}
		}
		f, mine = &flight{key: key, by: by, all: fs, done: make(chan struct{})}, true
		fs.m[key] = f
	}
	if by != nil {
		if by.needs == nil {
			by.needs = map[*flight]int{}
		}
		by.needs[f]++
	}
	return f, mine
}

// reaches reports whether f's computation is to's, or needs it.
func (f *flight) reaches(to *flight, seen map[*flight]bool) bool {
	if f == to {
		return true
	}
	seen[f] = true
	for next := range f.needs {
		if !seen[next] && next.reaches(to, seen) {
			return true
		}
	}
	return false
}

// left takes back that by needs f. The mutex is held.
func (f *flight) left(by *flight) {
	if by == nil {
		return
	}
	if by.needs[f]--; by.needs[f] == 0 {
		delete(by.needs, f)
	}
}

// land lets the waiters go on. They find the entry, or else get a copy of the value that couldn't be stored: its
// memory is the owner's, who may change it once its call has returned.
func (fs *flights) land(f *flight, unstored *Value) {
	fs.mu.Lock()
	if fs.m[f.key] != f { // it was given up
		fs.mu.Unlock()
		return
	}
	delete(fs.m, f.key)
	f.left(f.by)
	waiters := f.waiters
	fs.mu.Unlock()
	if unstored != nil && waiters > 0 {
		copied := unstored.clone()
		f.value = &copied
	}
	close(f.done)
}

// wait waits for a flight that was joined for the computation by.
func (fs *flights) wait(ctx context.Context, f, by *flight) error {
	defer func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		f.left(by)
	}()
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

// GiveUp is for a scheduler that no longer waits for the innermost computation, which doesn't return: those who wait for
// its result go on, and one of them computes. If it returns after all, its value isn't stored.
func (c *Chain) GiveUp() {
	if cl := c.flight.computed(); cl != nil {
		cl.release()
		c.flight.all.land(c.flight, nil)
	}
}

// computed ends the time in which a flight may be given up, and gives its claim to who ends it: the computation itself,
// or who gives it up. The other one gets nil.
func (f *flight) computed() *claim {
	f.all.mu.Lock()
	defer f.all.mu.Unlock()
	cl := f.claim
	f.claim = nil
	return cl
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

// computation is the innermost one that ctx belongs to in this store and that is under way, or nil.
func (fs *flights) computation(ctx context.Context) *flight {
	c := ChainOf(ctx)
	if c == nil {
		return nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for ; c != nil; c = c.around {
		if fs.m[c.flight.key] == c.flight {
			return c.flight
		}
	}
	return nil
}
