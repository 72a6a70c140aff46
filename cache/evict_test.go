package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/musterrun/muster/event"
)

// usedAgo makes an entry one that was last used some time ago.
func usedAgo(t *testing.T, s *Store, c Call, ago time.Duration) {
	t.Helper()
	if err := os.Chtimes(s.entryPath(&c.Key), time.Time{}, time.Now().Add(-ago)); err != nil {
		t.Fatal(err)
	}
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, 1<<30)
	var calls []Call
	for i := range 20 { // 4 KiB each; the first stored are the last used
		c := callFor(fmt.Sprint("lru ", i), Value{Data: []byte("x")})
		stores(t, s, c)
		usedAgo(t, s, c, time.Duration(100+i)*time.Hour)
		calls = append(calls, c)
	}
	for i := 15; i < 18; i++ { // a hit is a use
		hits(t, s, calls[i], []byte("x"))
	}
	closeStore(t, s)

	full, n := open(t, dir, 20*block)
	stores(t, full, callFor("one more", Value{Data: []byte("x")})) // over the limit by one, so three go: to 90 %
	closeStore(t, full)
	evicted := n.of(event.CacheEvicted)
	if len(evicted) != 1 || evicted[0].Items != 3 || evicted[0].Bytes != 3*block {
		t.Errorf("reported %v, want an eviction of 3", evicted)
	}
	s, _ = open(t, dir, 20*block)
	for i, c := range calls {
		_, ok, err := s.Get(c.Key)
		if want := i != 19 && i != 18 && i != 14; ok != want || err != nil {
			t.Errorf("entry %d: found %v, %v, want %v", i, ok, err, want)
		}
	}
}

// A store that is filled keeps within its limit while it is open, too.
func TestLimitHoldsInTheBackground(t *testing.T) {
	const limit = 200 * block
	s, n := open(t, t.TempDir(), limit)
	for i := range 1000 {
		stores(t, s, callFor(fmt.Sprint(i), Value{Data: []byte("x")}))
		if i%100 == 99 {
			s.idle.Wait()
			st, err := s.Stats()
			if err != nil || st.Bytes > limit || i > 200 && st.Bytes < limit/2 {
				t.Errorf("after %d: %d bytes, %v, want about %d", i, st.Bytes, err, limit)
			}
		}
	}
	items := 0
	for _, one := range n.take() {
		if one.Kind != event.CacheEvicted {
			t.Error(one)
		}
		items += one.Items
	}
	if st, err := s.Stats(); err != nil || items+st.Entries != 1000 {
		t.Errorf("%d evicted and %d left, want 1000, %v", items, st.Entries, err)
	}
}

// A use is noted at most once an hour.
func TestTouch(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("touched", Value{Data: []byte("x")})
	stores(t, s, c)
	used := func() time.Time {
		e, _, err := s.Show(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		return e.Used
	}
	usedAgo(t, s, c, touchEvery-time.Minute)
	before := used()
	hits(t, s, c, []byte("x"))
	if !used().Equal(before) {
		t.Error("a use within the hour is noted")
	}
	usedAgo(t, s, c, touchEvery+time.Minute)
	hits(t, s, c, []byte("x"))
	if time.Since(used()) > time.Minute {
		t.Errorf("last used at %v", used())
	}
}

// An entry that is being read or is mapped can be evicted: who has it keeps it.
func TestEvictionLeavesReadersTheirEntry(t *testing.T) {
	if !canMap {
		t.Skip("an open file can't be removed here, and stays")
	}
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("read", Value{Data: pattern(MapFrom), Raw: true})
	small := callFor("read, small", Value{Data: []byte("small")})
	stores(t, s, c)
	stores(t, s, small)
	v := hits(t, s, c, pattern(MapFrom))
	var r reader
	if err := r.open(s.entryPath(&small.Key)); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if p, err := s.Prune(t.Context(), 0, 0); err != nil || p.Entries != 2 || p.Left != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if string(v.Data) != string(pattern(MapFrom)) {
		t.Error("a mapping has changed")
	}
	if got, _, err := s.readOpen(&r, &small.Key); err != nil || string(got.Data) != "small" {
		t.Errorf("%q, %v", got.Data, err)
	}
	misses(t, s, c)
}

// An entry that was used or replaced after the look at the files stays.
func TestEvictionLeavesWhatIsUsedMeanwhile(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("used", Value{Data: []byte("x")})
	stores(t, s, c)
	usedAgo(t, s, c, 10*time.Hour)
	inv := s.takeInventory()
	hits(t, s, c, []byte("x"))
	if removed, err := removeUnused(inv.files[0]); removed || err != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
	hits(t, s, c, []byte("x"))
}

func TestResultLargerThanTheLimit(t *testing.T) {
	s, n := open(t, t.TempDir(), 4*block)
	small := callFor("fits", Value{Data: []byte("x")})
	stores(t, s, small)
	stores(t, s, callFor("doesn't", Value{Data: pattern(5 * block)}))
	all := n.take()
	const want = "more than the whole cache's limit of 16 KiB"
	if len(all) != 1 || all[0].Kind != event.CacheFailed || !strings.Contains(all[0].Err.Error(), want) {
		t.Errorf("reported %v", all)
	}
	hits(t, s, small, []byte("x"))
}

// Without a usage file, or with a damaged one, the files are counted.
func TestUsageIsFoundAgain(t *testing.T) {
	for name, breakIt := range map[string]func(path string) error{
		"missing": os.Remove,
		"short":   func(path string) error { return os.Truncate(path, 3) },
		"wrong":   func(path string) error { return os.WriteFile(path, make([]byte, usageLen), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t, t.TempDir(), 1<<30)
			for i := range 10 {
				stores(t, s, callFor(fmt.Sprint(i), Value{}))
			}
			closeStore(t, s)
			if err := breakIt(s.path(usageName)); err != nil {
				t.Fatal(err)
			}
			s, _ = open(t, s.Dir(), 1<<30)
			stores(t, s, callFor("more", Value{}))
			closeStore(t, s)
			u, err := s.readUsage()
			if err != nil || u.total < 11*block || u.total > 12*block {
				t.Errorf("%d bytes, %v, want %d", u.total, err, 11*block)
			}
		})
	}
}

// The first miss of a process counts the files if that wasn't done for a day, and evicts if they are over its limit.
func TestFirstMissLooksAfterTheStore(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	for i := range 10 {
		stores(t, s, callFor(fmt.Sprint(i), Value{}))
	}
	closeStore(t, s)
	for _, row := range []struct {
		name  string
		u     usage
		limit int64
		want  int64
	}{
		{"counted an hour ago", usage{3 * block, time.Now().Add(-time.Hour).UnixNano()}, 1 << 30, 3 * block},
		{"counted a day ago", usage{3 * block, time.Now().Add(-countEvery).UnixNano()}, 1 << 30, 10 * block},
		{"over the limit", usage{10 * block, time.Now().UnixNano()}, 9 * block, 8 * block},
	} {
		if err := s.writeUsage(row.u); err != nil {
			t.Fatal(err)
		}
		again, _ := open(t, s.Dir(), row.limit)
		misses(t, again, callFor("more", Value{}))
		again.idle.Wait()
		if u, err := s.readUsage(); u.total != row.want || err != nil {
			t.Errorf("%s: %d bytes, %v, want %d", row.name, u.total, err, row.want)
		}
		closeStore(t, again)
	}
}

// The temporary files of the living stay, those of the dead go, also where files can't be locked, after a day.
func TestTemporaryFiles(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	stores(t, s, callFor("first", Value{}))
	s.idle.Wait() // the first miss looks after the store, and would take held away before it is locked
	shard := filesIn(t, s.entries, "*")[0]
	held, free, young, old := shard+"1"+partSuffix, shard+"2"+partSuffix, shard+"3"+freeSuffix, shard+"4"+freeSuffix
	for _, path := range []string{free, young, old} {
		if err := os.WriteFile(path, []byte("half a val"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-freeAfter-time.Minute)); err != nil {
		t.Fatal(err)
	}
	l := flock.New(held)
	if ok, err := l.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	st, err := s.Stats()
	if err != nil || st.Writing != 2 {
		t.Errorf("%+v, %v, want 2 under way", st, err)
	}
	for path, want := range map[string]bool{held: true, free: false, young: true, old: false} {
		if _, err := os.Lstat(path); (err == nil) != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it to stay: %v", path, err, want)
		}
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// A lock on a file that was renamed, removed or replaced meanwhile counts for nothing: else two would have the same
// claim.
func TestLockOfAFileThatIsGone(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(path string) error
		want bool
	}{
		"stays":    {func(string) error { return nil }, true},
		"removed":  {os.Remove, false},
		"renamed":  {func(path string) error { return os.Rename(path, path+"2") }, false},
		"replaced": {func(path string) error { return errors.Join(os.Rename(path, path+"2"), os.WriteFile(path, nil, 0o600)) }, false},
	} {
		path := filepath.Join(t.TempDir(), "claim")
		l, held, err := realDisk{}.Lock(path)
		if held || err != nil {
			t.Fatal(held, err)
		}
		if _, held, err := (realDisk{}).Lock(path); !held || err != nil {
			t.Errorf("a second lock: held %v, %v", held, err)
		}
		if err := row.do(path); err != nil && removeLocked {
			t.Fatal(err)
		}
		if ok, _, err := named(l.flock, path); ok != row.want && removeLocked || err != nil {
			t.Errorf("%s: counts %v, %v, want %v", name, ok, err, row.want)
		}
		if err := l.flock.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

// What a dead process had begun is written over, if the same key is computed again.
func TestOwnerDiedWhileWriting(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("begun", Value{Data: []byte("short")})
	stores(t, s, c)
	path := s.entryPath(&c.Key)
	if err := os.WriteFile(path+partSuffix, pattern(5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stores(t, s, c)
	hits(t, s, c, []byte("short"))
}
