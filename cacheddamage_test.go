package muster_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
)

func TestCachedDamage(t *testing.T) {
	dir := t.TempDir()
	ctx, _ := cacheSession(t, dir)
	if _, err := cachedDouble.Call(ctx, 7); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && len(data) > 64 && strings.Contains(string(data), "cached.double") {
			data[len(data)-1] ^= 1
			damaged++
			err = os.WriteFile(path, data, 0o600)
		}
		return err
	})
	if err != nil || damaged != 1 {
		t.Fatal(damaged, err)
	}
	ctx, events := cacheSession(t, dir)
	if n := ran(func() {
		if v, err := cachedDouble.Call(ctx, 7); v != 14 || err != nil {
			t.Error(v, err)
		}
	}); n != 1 {
		t.Error(n, "runs")
	}
	if !slices.ContainsFunc(events(), func(e event.Event) bool { return e.Kind == event.CacheCorrupt && e.Func == "cached.double" }) {
		t.Error("no event tells of the damage:", events())
	}
}

// A folder that can't be used costs the cache, not the results.
func TestCachedWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, events := cacheSession(t, file)
	for range 2 {
		if v, err := cachedDouble.Call(ctx, 3); v != 6 || err != nil {
			t.Error(v, err)
		}
	}
	told := 0
	for _, e := range events() {
		if e.Kind == event.CacheFailed {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times: %v", told, events())
	}
}

func TestCachedMistakes(t *testing.T) {
	local := panicOf(func() { muster.Local(muster.Plain(func(x int) int { return x }), muster.Cached()) })
	if !strings.Contains(fmt.Sprint(local), "use Func") {
		t.Error(local)
	}
	refs := panicOf(func() { resumePick.With(muster.Cached()) })
	if !strings.Contains(fmt.Sprint(refs), `Cached of Func("resume.pick")`) {
		t.Error(refs)
	}
	twice := panicOf(func() { cachedDouble.With(muster.Cached(cache.Policy{}, cache.Policy{})) })
	if !strings.Contains(fmt.Sprint(twice), "one policy") {
		t.Error(twice)
	}
	for want, policy := range map[string]cache.Policy{
		"Policy.MaxAge is -1s: it must not be negative": {MaxAge: -time.Second},
		"Policy.Compress is 77: use cache.CompressAuto": {Compress: 77},
	} {
		if got := panicOf(func() { cachedDouble.With(muster.Cached(policy)) }); !strings.Contains(fmt.Sprint(got), want) {
			t.Error(got)
		}
	}
}
