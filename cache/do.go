package cache

import (
	"context"
	"fmt"
	"time"
)

// Call is one call of Do.
type Call struct {
	Key    Key // Info.Key(), unless the caller makes keys in its own way
	Info   Info
	Policy Policy

	// Compute makes the value if there is none. Its context is ctx, and knows which keys are being computed: a Do below
	// it that asks for one of them fails, where it would wait for itself. Required.
	Compute func(ctx context.Context) (Value, error)

	// Describe adds to Info what explains a later miss and costs time: the argument in short, the hashes of its fields. It
	// is called before an entry is stored, and not for a hit. Defaults to nothing.
	Describe func(*Info)

	// Accept is asked about each value that would be a hit: an entry's, or the copy of one that another call has computed
	// and couldn't store. If it says no, the value is computed and replaces the entry. It may be asked several times.
	// Defaults to yes.
	Accept func(Value) bool

	// Lend is called to wait for others: it must call wait once, and return its error. A scheduler can give the call's
	// place to somebody meanwhile. Defaults to calling wait.
	Lend func(wait func() error) error

	path string // of the entry
}

func (c *Call) block(wait func() error) error {
	if c.Lend != nil {
		return c.Lend(wait)
	}
	return wait()
}

// Do returns the value of a key: from its entry, which is a hit, or else by computing and storing it. However many
// goroutines and processes ask for a key at once, one computes it and the others wait for its entry. When the one
// fails, panics or dies, the next computes; an error is never stored and goes to nobody else. So callers of a function
// that always fails call it one after the other.
//
// A result that can't be stored is returned all the same and reported; those who waited for it in this process get a
// copy. The error is the one of Compute, or ctx.Err() when ctx ends while Do waits for others, or says that the store
// is closed or that the call waits for itself.
//
// A hit costs as much as Get's. A miss costs about 50 us beside computing, most of it for making a file.
func (s *Store) Do(ctx context.Context, c Call) (v Value, hit bool, err error) {
	if s.closed.Load() {
		return v, false, s.errClosed()
	}
	c.path = s.entryPath(&c.Key)
	v, hit = s.lookup(&c)
	s.count(hit)
	if hit {
		return v, true, nil
	}
	missed := c // escapes, and c doesn't: a hit allocates less
	return s.miss(ctx, &missed)
}

// miss computes, or waits for who does.
func (s *Store) miss(ctx context.Context, c *Call) (v Value, hit bool, err error) {
	for !hit {
		by := s.flights.computation(ctx)
		f, mine := s.flights.join(c.Key, by)
		if mine {
			return s.own(ctx, c, f)
		}
		if f == nil {
			return v, false, fmt.Errorf("the result of %s needs itself: a call below it asks for the same key %s", c.Info.Func, c.Key)
		}
		if err := c.block(func() error { return s.flights.wait(ctx, f, by) }); err != nil {
			return v, false, err
		}
		if f.value == nil {
			v, hit = s.lookup(c)
		} else if v = f.value.clone(); c.Accept == nil || c.Accept(v) {
			return v, true, nil
		}
	}
	return v, true, nil
}

// lookup gives the entry that answers the call. An entry that can't be read is reported, and is a miss.
func (s *Store) lookup(c *Call) (Value, bool) {
	v, h, ok, err := s.read(&c.Key, c.path, c.Info.Func)
	if err != nil {
		s.failed(c.Key, c.Info.Func, err)
		return Value{}, false
	}
	if !ok || c.Policy.MaxAge > 0 && c.Policy.expired(h.createdAt(), time.Now()) || c.Accept != nil && !c.Accept(v) {
		return Value{}, false
	}
	return v, true
}

// own computes, as the only one in this process. Its flight lands whatever Compute does.
func (s *Store) own(ctx context.Context, c *Call, f *flight) (v Value, hit bool, err error) {
	var unstored *Value
	defer func() { s.flights.land(f, unstored) }()
	cl, v, hit, err := s.claim(ctx, c)
	if hit || err != nil {
		return v, hit, err
	}
	v, mine, err := s.compute(ctx, c, f, cl)
	if err != nil || !mine {
		return v, false, err
	}
	defer cl.release()
	if c.Describe != nil {
		c.Describe(&c.Info)
	}
	if err := s.put(cl, c, v); err != nil {
		s.failed(c.Key, c.Info.Func, err)
		unstored = &v
	} else if cl.noLock != nil {
		err := fmt.Errorf("lock the result of %s against other processes: %w; they may compute it too", c.Info.Func, cl.noLock)
		s.failed(c.Key, c.Info.Func, err)
	}
	return v, false, nil
}

// compute calls Compute under the claim. Unless it gives a value that may be stored, the claim is released.
func (s *Store) compute(ctx context.Context, c *Call, f *flight, cl *claim) (v Value, mine bool, err error) {
	s.flights.mu.Lock()
	f.claim = cl
	s.flights.mu.Unlock()
	fine := false
	defer func() {
		mine = f.computed() != nil // else it was given up
		if mine && !fine {
			cl.release()
		}
	}()
	if v, err = c.Compute(within(ctx, f)); err != nil {
		return Value{}, false, err
	}
	fine = true
	return v, true, nil
}
