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

// afterDeaths cleans up if processes have died, or if the store hasn't been counted for a day.
func (s *Store) afterDeaths() {
	dead := s.buryOwners()
	u, err := s.readUsage()
	if dead || err != nil || time.Since(u.counted()) > countEvery || u.total > s.limit {
		s.evict()
	}
}

// buryOwners removes the markers of dead processes, and reports whether there were any.
func (s *Store) buryOwners() (dead bool) {
	names, _ := os.ReadDir(s.path(ownersDir))
	for _, name := range names {
		path := s.path(ownersDir, name.Name())
		if path == s.owner.Path() || !strings.HasSuffix(path, ownerSuffix) {
			continue
		}
		dead = removeIfFree(path) || dead
	}
	return dead
}

// removeIfFree removes a file that no living process has locked.
func removeIfFree(path string) bool {
	l, held, err := realDisk{}.Lock(path)
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
