package cache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/musterrun/muster/event"
)

// notices collects what a store reports.
type notices struct {
	mu  sync.Mutex
	all []Notice
}

func (n *notices) add(one Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, one)
}

// take returns what was reported since the last take.
func (n *notices) take() []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = nil
	return all
}

func (n *notices) of(kind event.Kind) (some []Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.all {
		if one.Kind == kind {
			some = append(some, one)
		}
	}
	return some
}

// open opens a store that is closed with the test.
func open(t testing.TB, dir string, limit int64) (*Store, *notices) {
	t.Helper()
	n := &notices{}
	s, err := Open(dir, Options{Limit: limit, Report: n.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s, n
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// callFor is a call that differs from others by name, and computes data.
func callFor(name string, v Value) Call {
	c := Call{Info: Info{Func: "test." + name, Fingerprint: "f1", Args: HashOf([]byte(name))}}
	c.Key = c.Info.Key()
	c.Compute = func(context.Context) (Value, error) { return v, nil }
	return c
}

var errComputed = errors.New("it was computed again")

// stores makes Do compute and store.
func stores(t testing.TB, s *Store, c Call) Value {
	t.Helper()
	v, hit, err := s.Do(t.Context(), c)
	if hit || err != nil {
		t.Fatalf("hit %v, error %v, want a miss", hit, err)
	}
	return v
}

// hits makes Do find the value.
func hits(t testing.TB, s *Store, c Call, want []byte) Value {
	t.Helper()
	c.Compute = func(context.Context) (Value, error) { return Value{}, errComputed }
	v, hit, err := s.Do(t.Context(), c)
	if !hit || err != nil {
		t.Fatalf("hit %v, error %v, want a hit", hit, err)
	}
	if !bytes.Equal(v.Data, want) {
		t.Fatalf("a hit gives %d bytes %.40q, want %d bytes %.40q", len(v.Data), v.Data, len(want), want)
	}
	return v
}

// misses makes Do fail to find the value, without storing one.
func misses(t testing.TB, s *Store, c Call) {
	t.Helper()
	c.Compute = func(context.Context) (Value, error) { return Value{}, errComputed }
	if v, hit, err := s.Do(t.Context(), c); hit || !errors.Is(err, errComputed) {
		t.Fatalf("hit %v of %.40q, error %v, want a miss", hit, v.Data, err)
	}
}

// filesIn are the paths of all files below dir whose names match a pattern.
func filesIn(t testing.TB, dir, pattern string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ok, _ := filepath.Match(pattern, d.Name()); ok {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// noParts checks that nothing is left of what was being written.
func noParts(t testing.TB, s *Store) {
	t.Helper()
	if parts := filesIn(t, s.Dir(), "*"+partSuffix); len(parts) > 0 {
		t.Errorf("temporary files are left: %q", parts)
	}
}

// pattern is data that compresses well, but no two parts of it are alike.
func pattern(n int) []byte { return bytes.Clone(patterns()[:n]) }

var patterns = sync.OnceValue(func() []byte {
	b := make([]byte, 4<<20)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i>>16)*3 + byte(i%3)
	}
	return b
})
