package cache

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const ownerSuffix = ".lock"

// enter marks this store, once, as one that may have files under way: by a file that it keeps locked. A marker that
// nobody locks is that of a dead process, whose files are looked for in the background. Without a marker nothing is
// lost but that search.
func (s *Store) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner != nil || s.closed.Load() {
		return
	}
	s.owner = flock.New(s.path(ownersDir, rand.Text()+ownerSuffix), flock.SetPermissions(0o600))
	_, _ = s.owner.TryLock()
	s.start(s.afterDeaths)
}

// leave removes the marker.
func (s *Store) leave() error {
	if s.owner == nil {
		return nil
	}
	if removeLocked {
		_ = os.Remove(s.owner.Path())
	}
	err := s.owner.Unlock()
	if !removeLocked {
		_ = os.Remove(s.owner.Path())
	}
	return err
}

// afterDeaths cleans up if processes have died, or if the store hasn't been counted for a day. The markers of the dead
// go last, so that the next process cleans up if this one dies too, or if another is at it.
func (s *Store) afterDeaths() {
	dead := s.deadOwners()
	u, err := s.readUsage()
	if len(dead) == 0 && err == nil && time.Since(u.counted()) < countEvery && u.total <= s.limit {
		return
	}
	if s.evict() {
		for _, marker := range dead {
			removeIfFree(marker)
		}
	}
}

// deadOwners are the markers of processes that have died.
func (s *Store) deadOwners() (dead []string) {
	names, _ := os.ReadDir(s.path(ownersDir))
	for _, name := range names {
		path := s.path(ownersDir, name.Name())
		if path == s.owner.Path() || !strings.HasSuffix(path, ownerSuffix) {
			continue
		}
		l := flock.New(path, flock.SetFlag(os.O_RDWR)) // without making it, should it have gone
		if free, err := l.TryLock(); free && err == nil {
			dead = append(dead, path)
			_ = l.Unlock()
		}
	}
	return dead
}

// removeIfFree removes a file that no living process has locked, and reports whether it is gone. It doesn't make the
// file to lock it, should it have gone meanwhile.
func removeIfFree(path string) bool {
	l, held, err := lockFile(path, os.O_RDWR)
	if os.IsNotExist(err) {
		return true
	}
	if held || err != nil {
		return false
	}
	if removeLocked {
		err = os.Remove(path)
	}
	_ = l.flock.Unlock()
	if !removeLocked {
		err = os.Remove(path)
	}
	return err == nil
}

// freeAfter is how long a file that is written without a lock may take: nothing tells whether its owner lives.
const freeAfter = 24 * time.Hour

// removePart removes a temporary file if its owner is dead.
func removePart(path string, modified time.Time) bool {
	if strings.HasSuffix(path, freeSuffix) {
		return time.Since(modified) > freeAfter && os.Remove(path) == nil
	}
	if claimPath, ok := strings.CutSuffix(path, tempSuffix); ok {
		if !removeIfFree(claimPath + partSuffix) {
			return false
		}
		return os.Remove(path) == nil
	}
	return removeIfFree(path)
}

func isPart(name string) bool { return filepath.Ext(name) == partSuffix }
