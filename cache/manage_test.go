package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/event"
)

func TestShowAndList(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	c := goldenCall()
	c.Info.Summary = strings.Repeat("s", maxSummary+1)
	c.Info.Fields = slices.Repeat(c.Info.Fields, maxFields)
	c.Compute = func(context.Context) (Value, error) { return Value{Data: pattern(MapFrom), Raw: true}, nil }
	if _, ok, err := s.Show(c.Key); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	stores(t, s, c)
	compressed := callFor("compressed", Value{Data: pattern(compressFrom)})
	stores(t, s, compressed)

	e, ok, err := s.Show(c.Key)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	want := c.Info
	want.Summary, want.Fields = want.Summary[:maxSummary], want.Fields[:maxFields]
	if changes := e.Info.Changes(&want); len(changes) > 0 || e.Info.Summary != want.Summary || !slices.Equal(e.Info.Fields, want.Fields) {
		t.Errorf("%+v: %q", e.Info, changes)
	}
	if e.Key != c.Key || e.Length != MapFrom || e.Size != MapFrom+mapOffset || !e.Raw || !e.Mapped || e.Compressed {
		t.Errorf("%+v", e)
	}
	if time.Since(e.Created) > time.Minute || time.Since(e.Used) > time.Minute {
		t.Errorf("created %v, used %v", e.Created, e.Used)
	}

	list := map[Key]Entry{}
	for e, err := range s.List() {
		if err != nil {
			t.Error(err)
		}
		list[e.Key] = e
	}
	if len(list) != 2 || !list[compressed.Key].Compressed || list[c.Key].Info.Func != c.Info.Func {
		t.Errorf("%+v", list)
	}
	for range s.List() {
		break // and no more is read
	}

	if err := os.Truncate(s.entryPath(&compressed.Key), 200); err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, err := range s.List() {
		if err != nil {
			bad++
		}
	}
	if all := n.of(event.CacheCorrupt); bad != 1 || len(all) != 1 || all[0].Key != compressed.Key {
		t.Errorf("%d errors, reported %v", bad, all)
	}
}

func TestRemove(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("removed", Value{Data: []byte("x")})
	stores(t, s, c)
	for i, want := range []bool{true, false} {
		if ok, err := s.Remove(c.Key); ok != want || err != nil {
			t.Errorf("time %d: %v, %v", i, ok, err)
		}
	}
	misses(t, s, c)
	s.disk = &faulty{disk: realDisk{}, always: "remove", err: errors.New("no")}
	if _, err := s.Remove(c.Key); err == nil || !strings.Contains(err.Error(), c.Key.String()) {
		t.Errorf("error %v", err)
	}
	s.disk = realDisk{}
}

func TestPrune(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	var calls []Call
	for i := range 10 {
		c := callFor(fmt.Sprint(i), Value{Data: []byte("x")})
		stores(t, s, c)
		usedAgo(t, s, c, time.Duration(i)*24*time.Hour)
		calls = append(calls, c)
	}
	left := func() (numbers []int) {
		for i, c := range calls {
			if _, ok, err := s.Show(c.Key); ok && err == nil {
				numbers = append(numbers, i)
			}
		}
		return numbers
	}
	p, err := s.Prune(t.Context(), -1, 7*24*time.Hour-time.Minute)
	if want := (Pruned{Entries: 3, Bytes: 3 * block, Left: 7 * block}); p != want || err != nil || len(left()) != 7 {
		t.Errorf("by age: %+v, %v, left %v", p, err, left())
	}
	p, err = s.Prune(t.Context(), 4*block, 0)
	if want := (Pruned{Entries: 3, Bytes: 3 * block, Left: 4 * block}); p != want || err != nil || !slices.Equal(left(), []int{0, 1, 2, 3}) {
		t.Errorf("by size: %+v, %v, left %v", p, err, left())
	}
	if u, err := s.readUsage(); err != nil || u.total != 4*block {
		t.Errorf("the usage file says %d, %v", u.total, err)
	}

	lock := s.evictLock()
	if ok, err := lock.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Prune(ctx, 0, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("while another evicts: %v", err)
	}
	if s.evict() {
		t.Error("two evict at once")
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Prune(t.Context(), 0, 0); p.Entries != 4 || p.Left != 0 || err != nil {
		t.Errorf("all: %+v, %v", p, err)
	}
	if all := n.take(); len(all) > 0 {
		t.Error(all)
	}
}

func TestVerify(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	var sizes int64
	for i := range 5 {
		c := numbered("verified", i)
		stores(t, s, c)
		e, _, err := s.Show(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		sizes += e.Size
	}
	calls := 0
	v, err := s.Verify(t.Context(), func(v Verified) {
		calls++
		if v.Entries != calls {
			t.Errorf("%+v at call %d", v, calls)
		}
	})
	if want := (Verified{Entries: 5, Bytes: sizes}); v != want || err != nil || calls != 5 {
		t.Errorf("%+v, %v, %d calls, want %+v", v, err, calls, want)
	}

	mapped := numbered("verified", 3)
	for _, at := range []int64{mapOffset - 1, mapOffset + 100} { // the room before the payload, and the payload
		f, err := os.OpenFile(s.entryPath(&mapped.Key), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{99}, at); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		v, err = s.Verify(t.Context(), nil)
		if all := n.take(); v.Damaged != 1 || v.Entries != 4 || err != nil || len(all) != 1 || all[0].Func != "test.verified" {
			t.Errorf("damaged at %d: %+v, %v, reported %v", at, v, err, all)
		}
		stores(t, s, mapped)
	}

	ctx, cancel := context.WithCancel(t.Context())
	v, err = s.Verify(ctx, func(Verified) { cancel() })
	if !errors.Is(err, context.Canceled) || v.Entries != 1 || v.Damaged != 0 {
		t.Errorf("cancelled: %+v, %v", v, err)
	}
}

func TestStats(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("first", Value{Data: pattern(5000)})
	stores(t, s, c)
	hits(t, s, c, pattern(5000))
	hits(t, s, c, pattern(5000))
	bad := callFor("bad", Value{})
	stores(t, s, bad)
	if err := os.Truncate(s.entryPath(&bad.Key), 9); err != nil {
		t.Fatal(err)
	}
	misses(t, s, bad)
	usedAgo(t, s, c, 5*time.Hour)
	oldest := time.Now().Add(-5 * time.Hour)
	if err := s.PutUnits("f", []byte("units")); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stats()
	if err != nil || oldest.Sub(st.Oldest).Abs() > time.Minute {
		t.Errorf("oldest %v, %v", st.Oldest, err)
	}
	st.Oldest = time.Time{}
	if want := (Stats{Entries: 1, Bytes: 4 * block, Limit: 1 << 30, Damaged: 1, Hits: 2, Misses: 3, Stored: 2}); st != want {
		t.Errorf("%+v, want %+v", st, want)
	}
}

func TestUnits(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	if _, ok, err := s.Units("f1"); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	for range 2 {
		if err := s.PutUnits("f1", []byte("one")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutUnits("f2", nil); err != nil {
		t.Fatal(err)
	}
	if u, ok, err := s.Units("f1"); string(u) != "one" || !ok || err != nil {
		t.Errorf("%q, %v, %v", u, ok, err)
	}
	if u, ok, err := s.Units("f2"); len(u) != 0 || !ok || err != nil {
		t.Errorf("%q, %v, %v", u, ok, err)
	}
	if err := s.PutUnits("f3", make([]byte, MaxUnits+1)); err == nil {
		t.Error("units of any size are taken")
	}

	path := s.unitsPath("f1")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := slices.Clone(whole)
		b[i] ^= 1
		for _, b := range [][]byte{b, whole[:i]} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if u, ok, err := s.Units("f1"); ok || err != nil {
				t.Fatalf("damaged at %d: %q, %v, %v", i, u, ok, err)
			}
		}
	}
	if err := s.PutUnits("f1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if u, ok, err := s.Units("f1"); string(u) != "one" || !ok || err != nil {
		t.Errorf("put again: %q, %v, %v", u, ok, err)
	}
	if p, err := s.Prune(t.Context(), 0, 0); err != nil || p.Left != 0 || p.Entries != 0 {
		t.Errorf("units don't count: %+v, %v", p, err)
	}
	if all := n.take(); len(all) > 0 {
		t.Error(all)
	}
}

func TestNoticeText(t *testing.T) {
	for want, n := range map[string]Notice{
		"evicted 3 entries, 1.5 GiB": {Kind: event.CacheEvicted, Items: 3, Bytes: 3 << 29},
		"no room":                    {Kind: event.CacheFailed, Err: errors.New("no room")},
		"the entry " + Key{}.String() + " is damaged and was moved to q: sum": {Kind: event.CacheCorrupt, Path: "q", Err: errors.New("sum")},
	} {
		if n.String() != want {
			t.Errorf("got %q, want %q", n, want)
		}
	}
	for want, size := range map[string]int64{"0 B": 0, "1023 B": 1023, "1 KiB": 1024, "0.977 MiB": 1000 << 10, "8 EiB": 1<<63 - 1} {
		if got := bytesText(size); got != want {
			t.Errorf("%d is %q, want %q", size, got, want)
		}
	}
}

// Looking at a store makes nothing.
func TestExistingMakesNothing(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "not", "there")
	s, err := Open(dir, Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	for range s.List() {
		t.Error("an entry")
	}
	_, verr := s.Verify(t.Context(), nil)
	st, serr := s.Stats()
	p, perr := s.Prune(t.Context(), 0, 0)
	removed, rerr := s.Remove(Key{})
	_, ok, uerr := s.Units("f")
	if err := errors.Join(verr, serr, perr, rerr, uerr, s.Close()); err != nil || st.Entries != 0 || p.Entries != 0 || removed || ok {
		t.Error(err, st, p, removed, ok)
	}
	if here, _ := open(t, t.TempDir(), 0); here.Limit() != s.Limit() {
		t.Errorf("limit %d, want %d", s.Limit(), here.Limit())
	}
	if names, err := os.ReadDir(parent); len(names) > 0 || err != nil {
		t.Error("it made", names, err)
	}
	if _, err := Open(os.Args[0], Options{Existing: true}); err == nil {
		t.Error("a file was opened as a folder")
	}
}
