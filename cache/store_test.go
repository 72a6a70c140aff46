package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/event"
)

func TestHitGivesWhatWasStored(t *testing.T) {
	dir := t.TempDir()
	s, n := open(t, dir, 1<<30)
	values := map[string]Value{
		"empty": {}, "small": {Data: []byte("small")}, "block": {Data: pattern(4096)},
		"whole": {Data: pattern(wholeRead)}, "more": {Data: pattern(wholeRead + 1)}, "large": {Data: pattern(3 << 20)},
		"raw": {Data: pattern(MapFrom), Raw: true}, "raw, small": {Data: pattern(800), Raw: true},
	}
	for name, v := range values {
		for how := CompressAuto; how <= CompressBest; how++ {
			c := callFor(fmt.Sprint(name, how), v)
			c.Policy.Compress = how
			stores(t, s, c)
			misses(t, s, callFor(name, v))
			got := hits(t, s, c, v.Data)
			if mapped := canMap && v.Raw && how <= CompressNever && len(v.Data) >= MapFrom; got.Raw != v.Raw || got.Mapped != mapped {
				t.Errorf("%s, compression %d: raw %v, mapped %v, want %v, %v", name, how, got.Raw, got.Mapped, v.Raw, mapped)
			}
			other, _ := open(t, dir, 1<<30)
			hits(t, other, c, v.Data)
		}
	}
	if all := n.take(); len(all) > 0 {
		t.Error(all)
	}
	noParts(t, s)
}

// A zero policy compresses what shrinks to half or less.
func TestCompressionWhenItPays(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	noise := make([]byte, 100<<10)
	for i, sum := 0, HashOf(nil); i < len(noise); i += len(sum) {
		sum = HashOf(sum[:])
		copy(noise[i:], sum[:])
	}
	some := bytes.Clone(noise) // shrinks to about three quarters
	for i := 0; i < len(some); i += 1024 {
		clear(some[i : i+300])
	}
	for name, row := range map[string]struct {
		v    Value
		how  Compression
		want bool
	}{
		"shrinks":          {Value{Data: pattern(100 << 10)}, CompressAuto, true},
		"doesn't":          {Value{Data: noise}, CompressAuto, false},
		"shrinks a bit":    {Value{Data: some}, CompressAuto, false},
		"shrinks, asked":   {Value{Data: some}, CompressFast, true},
		"is small":         {Value{Data: pattern(compressFrom - 1)}, CompressAuto, false},
		"is raw":           {Value{Data: pattern(MapFrom), Raw: true}, CompressAuto, false},
		"is raw, asked":    {Value{Data: pattern(MapFrom), Raw: true}, CompressFast, true},
		"is small, asked":  {Value{Data: pattern(1000)}, CompressDefault, true},
		"doesn't, asked":   {Value{Data: noise}, CompressBest, false},
		"shrinks, refused": {Value{Data: pattern(100 << 10)}, CompressNever, false},
	} {
		c := callFor(name, row.v)
		c.Policy.Compress = row.how
		stores(t, s, c)
		e, ok, err := s.Show(c.Key)
		if !ok || err != nil || e.Compressed != row.want || e.Length != int64(len(row.v.Data)) {
			t.Errorf("what %s: compressed %v, %d bytes, want %v: %v", name, e.Compressed, e.Length, row.want, err)
		}
		if row.want && e.Size > e.Length*4/5+1000 {
			t.Errorf("what %s: %d bytes take a file of %d", name, e.Length, e.Size)
		}
	}
}

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, t.TempDir(), 1<<30)
		c := callFor("old", Value{Data: []byte("1")})
		stores(t, s, c)
		c.Policy.MaxAge = time.Minute
		<-time.After(time.Minute)
		hits(t, s, c, []byte("1"))
		<-time.After(1)
		misses(t, s, c)
		c.Compute = func(context.Context) (Value, error) { return Value{Data: []byte("2")}, nil }
		stores(t, s, c)
		hits(t, s, c, []byte("2"))
		closeStore(t, s)
	})
}

func TestRefusedHitIsReplaced(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("refused", Value{Data: []byte("bad")})
	stores(t, s, c)
	c.Accept = func(v Value) bool { return string(v.Data) != "bad" }
	misses(t, s, c)
	c.Compute = func(context.Context) (Value, error) { return Value{Data: []byte("good")}, nil }
	stores(t, s, c)
	hits(t, s, c, []byte("good"))
}

func TestGet(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("get", Value{Data: []byte("x")})
	if _, ok, err := s.Get(c.Key); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	stores(t, s, c)
	if v, ok, err := s.Get(c.Key); !ok || err != nil || string(v.Data) != "x" {
		t.Errorf("after: %q, %v, %v", v.Data, ok, err)
	}
}

// An entry that can't be read is a miss for Do, and an error for Get.
func TestUnreadableEntry(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	c := callFor("unreadable", Value{Data: []byte("x")})
	path := s.entryPath(&c.Key)
	if err := os.MkdirAll(path, 0o700); err != nil { // a folder can be opened, but not read
		t.Fatal(err)
	}
	if _, ok, err := s.Get(c.Key); ok || err == nil {
		t.Errorf("Get: %v, %v, want an error", ok, err)
	}
	if v := stores(t, s, c); string(v.Data) != "x" {
		t.Errorf("Do gives %q", v.Data)
	}
	if all := n.take(); len(all) != 3 || all[0].Kind != event.CacheFailed || all[0].Func != "test.unreadable" {
		t.Errorf("reported: %v, want the reads and the write", all)
	}
}

func TestClosedStore(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("closed", Value{})
	closeStore(t, s)
	closeStore(t, s)
	_, _, errGet := s.Get(c.Key)
	_, _, errDo := s.Do(t.Context(), c)
	_, _, errShow := s.Show(c.Key)
	_, errRemove := s.Remove(c.Key)
	_, errPrune := s.Prune(t.Context(), 0, 0)
	_, errVerify := s.Verify(t.Context(), nil)
	_, errStats := s.Stats()
	_, _, errUnits := s.Units("f")
	all := []error{errGet, errDo, errShow, errRemove, errPrune, errVerify, errStats, errUnits, s.PutUnits("f", nil)}
	for _, err := range s.List() {
		all = append(all, err)
	}
	for i, err := range all {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("method %d: %v", i, err)
		}
	}
}

// A call that outlives the store still stores, and starts nothing.
func TestCallOutlivesTheStore(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir, 1<<20)
	c := callFor("late", Value{})
	c.Compute = func(context.Context) (Value, error) {
		closeStore(t, s)
		return Value{Data: pattern(100 << 10)}, nil
	}
	stores(t, s, c)
	again, _ := open(t, dir, 1<<20)
	hits(t, again, c, pattern(100<<10))
	noParts(t, again)
}

func TestOpen(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv("LocalAppData", home)
	dir, err := DefaultDir()
	if err != nil || filepath.Base(dir) != "muster" || !strings.HasPrefix(dir, home) {
		t.Errorf("the default folder is %s, %v", dir, err)
	}
	s, _ := open(t, "", 0)
	if s.Dir() != dir {
		t.Errorf("opened %s, want %s", s.Dir(), dir)
	}
	size, err := diskSize(dir)
	if want := min(DefaultLimit, size/10); err == nil && s.Limit() != want {
		t.Errorf("the default limit is %d, want %d", s.Limit(), want)
	}
	if _, err := os.Stat(filepath.Join(dir, "CACHEDIR.TAG")); err != nil {
		t.Error(err)
	}
	if _, err := Open(dir, Options{Limit: -1}); err == nil {
		t.Error("a negative limit is taken")
	}
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{}); err == nil {
		t.Error("a file is taken for a folder")
	}
}
