package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"path/filepath"
	"time"
)

// claim is the right to compute the result of one key, against other processes.
type claim struct {
	store *Store
	entry string // the entry's path
	path  string // of the locked file; "" for a claim without a lock
	temp  string // what is written, then renamed to the entry
	lock  lock
	gone  bool // the locked file has been renamed or removed

	noLock error // why there is no lock
	broken error // why nothing can be written
}

// A waiter looks after a millisecond at first and at most 10 times a second, in between after a sixteenth of the time
// it has waited: file locks can't be waited for together with a context.
const (
	minPause = time.Millisecond
	maxPause = 100 * time.Millisecond
)

// claim waits until no other process computes c's key. It returns a hit if there is one by then, else a claim; the
// error is that of waiting.
func (s *Store) claim(ctx context.Context, c *Call) (cl *claim, v Value, hit bool, err error) {
	s.enter()
	if cl, v, hit = s.tryClaim(c); cl != nil || hit {
		return cl, v, hit, nil
	}
	err = c.block(func() error {
		for waited := time.Duration(0); ; {
			pause := min(max(waited/16, minPause), maxPause)
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			waited += pause
			if v, hit = s.lookup(c); hit { // trying first would make a file
				return nil
			}
			if cl, v, hit = s.tryClaim(c); cl != nil || hit {
				return nil
			}
		}
	})
	return cl, v, hit, err
}

// tryClaim returns nothing if another process has the claim, and a claim without a lock if files can't be locked.
func (s *Store) tryClaim(c *Call) (cl *claim, v Value, hit bool) {
	path := c.path + partSuffix
	l, held, err := s.lock(path)
	switch {
	case held:
		return nil, v, false
	case err != nil:
		cl = s.unlocked(c.path)
		cl.noLock = err
		return cl, v, false
	}
	own := &claim{store: s, entry: c.path, path: path, temp: tempOf(path), lock: l}
	defer func() {
		if cl == nil { // also when Accept panics
			own.release()
		}
	}()
	// The owner before may have stored the entry after this call looked for it.
	if v, hit = s.lookup(c); hit {
		return nil, v, true
	}
	return own, v, false
}

// lock locks a file, whose folder may have to be made.
func (s *Store) lock(path string) (lock, bool, error) {
	l, held, err := s.disk.Lock(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.disk.MakeDir(filepath.Dir(path)); err == nil {
			return s.disk.Lock(path)
		}
	}
	return l, held, err
}

// unlocked is a claim for where files can't be locked: others may compute the same meanwhile, but each writes a file
// of its own.
func (s *Store) unlocked(entry string) *claim {
	err := s.disk.MakeDir(filepath.Dir(entry))
	return &claim{store: s, entry: entry, temp: entry + "." + rand.Text() + freeSuffix, broken: err}
}

// release lets others compute the key.
func (cl *claim) release() {
	if cl.path == "" {
		return
	}
	if removeLocked && !cl.gone {
		_ = cl.store.disk.Remove(cl.path) // one that stays is removed with those of dead processes
	}
	_ = cl.lock.flock.Unlock()
	if !removeLocked {
		_ = cl.store.disk.Remove(cl.path)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
