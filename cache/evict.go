package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/musterrun/muster/event"
)

// Pruned says what Prune or an eviction removed.
type Pruned struct {
	Entries int   // removed
	Bytes   int64 // of the files removed
	Left    int64 // bytes left
}

// Prune removes what was not used for longest until the store takes at most the given number of bytes, unless that is
// negative, and what was not used for unused, unless that is 0. It waits for an eviction that is under way, in any
// process. Use is known to the hour. It looks at each file, which costs about 3 us.
func (s *Store) Prune(ctx context.Context, bytes int64, unused time.Duration) (Pruned, error) {
	if s.closed.Load() {
		return Pruned{}, s.errClosed()
	}
	if _, err := os.Lstat(s.root); errors.Is(err, fs.ErrNotExist) {
		return Pruned{}, nil // nothing has been stored
	}
	lock := s.evictLock()
	if _, err := lock.TryLockContext(ctx, maxPause); err != nil {
		return Pruned{}, fmt.Errorf("prune the cache %s: wait for another eviction: %w", s.dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	var before time.Time
	if unused > 0 {
		before = time.Now().Add(-unused)
	}
	if bytes < 0 {
		bytes = math.MaxInt64
	}
	return s.remove(bytes, bytes, before)
}

func (s *Store) evictLock() *flock.Flock {
	return flock.New(s.path(evictName), flock.SetPermissions(0o600))
}

// evict counts the files and, if they take more than the limit, brings them down to 90 % of it. If another process is
// about that, it does nothing and returns false.
func (s *Store) evict() bool {
	lock := s.evictLock()
	if mine, err := lock.TryLock(); !mine || err != nil {
		return false
	}
	defer func() { _ = lock.Unlock() }()
	done, err := s.remove(s.limit, s.limit-s.limit/10, time.Time{})
	if done.Entries > 0 {
		s.report(Notice{Kind: event.CacheEvicted, Items: done.Entries, Bytes: done.Bytes})
	}
	if err != nil {
		s.failed(Key{}, "", fmt.Errorf("keep the cache %s within its limit: %w", s.dir, err))
	}
	return true
}

// remove brings the files down to goal if they take more than limit, and removes those not used since before. It sets
// the shared count right.
func (s *Store) remove(limit, goal int64, before time.Time) (done Pruned, err error) {
	was, _ := s.readUsage()
	inv := s.takeInventory()
	inv.leastUsedFirst()
	over := inv.bytes > limit
	done.Left = inv.bytes
	for _, f := range inv.files {
		if !(over && done.Left > goal) && !f.used.Before(before) {
			if f.kind != aDamaged {
				break
			}
			continue
		}
		removed, e := removeUnused(f)
		if e != nil {
			err = e
		}
		if !removed {
			continue
		}
		done.Left -= f.bytes
		done.Bytes += f.bytes
		if f.kind == anEntry {
			done.Entries++
		}
	}
	_, e := s.changeUsage(func(now *usage, _ error) error {
		grown := max(0, now.total-was.total) // meanwhile, and maybe counted twice
		*now = usage{total: done.Left + grown, when: time.Now().UnixNano()}
		return nil
	})
	if err == nil {
		err = e
	}
	return done, err
}

// removeUnused removes a file, unless it was used or replaced since it was looked at. A reader that has it open or
// mapped keeps it; on Windows it can't be removed then, and stays.
func removeUnused(f stored) (bool, error) {
	info, err := os.Lstat(f.path)
	if os.IsNotExist(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !info.ModTime().Equal(f.used) {
		return false, nil
	}
	if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
		return false, err
	}
	return true, nil
}
