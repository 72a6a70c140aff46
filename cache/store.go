package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
)

// Options of a Store. The zero Options work.
type Options struct {
	// Limit is how many bytes the folder may take. Defaults to 10 GiB or a tenth of the disk, whichever is less. Eviction
	// brings a store that is over it down to 90 %; until it has, the folder may exceed the limit by what was stored
	// meanwhile, and by 1/256 of the limit for each process.
	Limit int64

	// Existing opens a folder as it is: nothing is made, and one that isn't there is an empty store. It is for who looks
	// at a store or removes from it. Defaults to false.
	Existing bool

	// Report is told of what a caller isn't: damaged entries, results that couldn't be stored, evictions. It is called
	// from any goroutine, several at once, and must not call the store. Defaults to nothing.
	Report func(Notice)
}

// Store is a folder of results, for any number of goroutines and processes at once.
type Store struct {
	dir     string
	root    string // the format's folder in dir
	entries string
	limit   int64
	tell    func(Notice)
	disk    disk

	flights  flights
	verified verified
	hits     atomic.Int64
	misses   atomic.Int64
	stored   atomic.Int64
	closed   atomic.Bool

	mu      sync.Mutex // of what follows
	owner   *flock.Flock
	added   int64    // bytes stored, and not yet in the usage file
	todo    []func() // for the background
	working bool     // a goroutine does what is to be done
	idle    sync.WaitGroup
}

// DefaultDir is the folder of caches that aren't given one: muster, in the user's cache folder.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w; name a folder for the cache", err)
	}
	return filepath.Join(dir, "muster"), nil
}

// DefaultLimit is the largest limit that a store has by itself.
const DefaultLimit = 10 << 30

// Open opens the store in a folder, and makes the folder if it isn't there. An empty dir is DefaultDir's. It reads
// nothing, so it costs the same however many entries there are. Only this user can read the folder.
func Open(dir string, o Options) (*Store, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the cache %s: %w", dir, err)
	}
	if o.Limit < 0 {
		return nil, fmt.Errorf("open the cache %s: the limit is %d bytes: want more than 0, or 0 for the default", dir, o.Limit)
	}
	s := &Store{dir: dir, root: filepath.Join(dir, formatDir), limit: o.Limit, tell: o.Report, disk: realDisk{}}
	s.entries = s.path(entriesDir)
	if o.Existing {
		if err := checkFolder(dir); err != nil {
			return nil, fmt.Errorf("open the cache: %w; name its folder", err)
		}
	} else if err := s.makeDirs(); err != nil {
		return nil, fmt.Errorf("open the cache: %w; name a folder that can be written to", err)
	}
	if s.limit == 0 {
		s.limit = defaultLimit(dir)
	}
	return s, nil
}

// defaultLimit is a tenth of the disk, if it is known and less than DefaultLimit. The folder may not be there yet.
func defaultLimit(dir string) int64 {
	size, err := diskSize(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		size, err = diskSize(dir)
	}
	if err == nil && size > 0 {
		return max(1, min(DefaultLimit, size/10))
	}
	return DefaultLimit
}

// Dir is the store's folder.
func (s *Store) Dir() string { return s.dir }

// Limit is how many bytes the folder may take.
func (s *Store) Limit() int64 { return s.limit }

// Close waits for what the store does in the background, evicts if the store is over its limit, and makes other
// methods fail. It doesn't wait for calls of Do: one that ends later still stores its result. Twice is once.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.idle.Wait()
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leave()
}

func (s *Store) errClosed() error { return fmt.Errorf("the cache %s: %w", s.dir, os.ErrClosed) }

func (s *Store) count(hit bool) {
	if hit {
		s.hits.Add(1)
	} else {
		s.misses.Add(1)
	}
}
