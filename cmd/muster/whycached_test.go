package main

import (
	"slices"
	"testing"
	"time"

	"github.com/musterrun/muster/cache"
)

// stored is an entry of a function with one field in its argument, stored at that second.
func stored(second int64, code, version, arg, key string) cache.Entry {
	h := cache.HashOf([]byte(arg))
	field := cache.Field{Name: "Path", Hash: [8]byte(h[:8])}
	info := cache.Info{
		Func: "f", Fingerprint: code, Version: version, Args: cache.HashOf([]byte(arg + key)), Summary: arg, Fields: []cache.Field{field},
	}
	return cache.Entry{Key: info.Key(), Info: info, Created: time.Unix(second, 0)}
}

// TestNearestHasTheSameArgument runs a function over the same items before and after a change.
func TestNearestHasTheSameArgument(t *testing.T) {
	for name, c := range map[string]struct {
		this, want cache.Entry
		list       []cache.Entry
		differs    int
	}{
		"older code": {
			stored(13, "new", "", "a", ""), stored(1, "old", "", "a", ""),
			[]cache.Entry{stored(12, "new", "", "b", ""), stored(11, "new", "", "c", ""), stored(2, "old", "", "b", "")}, 1,
		},
		"older code and version": {
			stored(13, "new", "2", "a", ""), stored(1, "old", "1", "a", ""), []cache.Entry{stored(12, "new", "2", "b", "")}, 2,
		},
		"the last of several codes": {
			stored(13, "new", "", "a", ""), stored(3, "last", "", "a", ""),
			[]cache.Entry{stored(1, "first", "", "a", ""), stored(2, "second", "", "a", "")}, 1,
		},
		"another CacheKey": {
			stored(13, "new", "", "a", "exe2"), stored(1, "new", "", "a", "exe1"), []cache.Entry{stored(12, "new", "", "b", "exe2")}, 1,
		},
		"no other of the argument": {
			stored(13, "new", "", "a", ""), stored(12, "new", "", "b", ""), []cache.Entry{stored(1, "old", "", "b", "")}, 1,
		},
		"not a later one": {
			stored(3, "old", "", "a", ""), stored(1, "old", "", "b", ""), []cache.Entry{stored(12, "new", "", "a", "")}, 1,
		},
	} {
		s, err := cache.Open(t.TempDir(), cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list := append(slices.Clone(c.list), c.this, c.want)
		for range 2 {
			x := explanation{store: s}
			x.explain(c.this, list)
			if x.Nearest != c.want.Key.String() || len(x.Differs) != c.differs {
				t.Errorf("%s: compared with %s, %q, want %s", name, x.Nearest[:shortKey], x.Differs, c.want.Key.String()[:shortKey])
			}
			slices.Reverse(list)
		}
		s.Close()
	}
}

func TestVersions(t *testing.T) {
	for want, count := range map[string]map[string]int{
		"none":            {"": 2},
		`"1"`:             {"1": 2},
		`none: 1, "2": 3`: {"": 1, "2": 3},
	} {
		if got := versions(count); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
