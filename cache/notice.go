package cache

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/event"
)

// Notice tells what went wrong or was done without any call failing for it.
type Notice struct {
	Kind  event.Kind // CacheCorrupt, CacheFailed or CacheEvicted
	Key   Key        // of the entry; zero for CacheEvicted
	Func  string     // the function's registered name, if it is known
	Path  string     // CacheCorrupt: where the damaged entry lies now
	Items int        // CacheEvicted: how many entries
	Bytes int64      // CacheEvicted: how large they were
	Err   error      // CacheCorrupt, CacheFailed: what went wrong
}

// String is one line for people.
func (n Notice) String() string {
	switch n.Kind {
	case event.CacheEvicted:
		return fmt.Sprintf("evicted %d entries, %s", n.Items, bytesText(n.Bytes))
	case event.CacheCorrupt:
		return fmt.Sprintf("the entry %s is damaged and was moved to %s: %v", n.Key, n.Path, n.Err)
	}
	return fmt.Sprint(n.Err)
}

func (s *Store) report(n Notice) {
	if s.tell != nil {
		s.tell(n)
	}
}

func (s *Store) failed(key Key, function string, err error) {
	s.report(Notice{Kind: event.CacheFailed, Key: key, Func: function, Err: err})
}

// quarantine moves the damaged entry that r read aside, unless another process has already replaced it.
func (s *Store) quarantine(r *reader, path string, key Key, function string, why error) {
	if !r.is(path) {
		return
	}
	to := s.path(quarantineDir, fmt.Sprintf("%s-%d", key, time.Now().UnixNano()))
	err := s.disk.Rename(path, to)
	if err != nil {
		if err = s.disk.MakeDir(s.path(quarantineDir)); err == nil {
			err = s.disk.Rename(path, to)
		}
	}
	why = fmt.Errorf("the cache's entry %s: %w", path, why)
	if err != nil {
		to = path
		why = fmt.Errorf("%w; it can't be moved aside: %w", why, err)
	}
	s.report(Notice{Kind: event.CacheCorrupt, Key: key, Func: function, Path: to, Err: why})
}

// bytesText is a size for people.
func bytesText(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/(1<<10), 0
	for size >= 1000 && unit < len(units)-1 {
		size, unit = size/(1<<10), unit+1
	}
	return fmt.Sprintf("%.3g %ciB", size, units[unit])
}
