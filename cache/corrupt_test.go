package cache

import (
	"os"
	"testing"

	"github.com/musterrun/muster/event"
)

// damaged checks that an entry whose file was changed is not found, moved aside and reported, and that a new value
// takes its place.
func damaged(t *testing.T, s *Store, n *notices, c Call, what string, at int) {
	t.Helper()
	path := s.entryPath(&c.Key)
	changed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok, err := s.Get(c.Key); ok || err != nil {
		t.Fatalf("%s at %d: Get gives %.40q, %v, %v, want a miss", what, at, v.Data, ok, err)
	}
	all := n.take()
	if len(all) != 1 || all[0].Kind != event.CacheCorrupt || all[0].Key != c.Key || all[0].Err == nil {
		t.Fatalf("%s at %d: reported %v, want one damaged entry", what, at, all)
	}
	if aside, err := os.ReadFile(all[0].Path); err != nil || string(aside) != string(changed) {
		t.Fatalf("%s at %d: the entry isn't in %s: %v", what, at, all[0].Path, err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("%s at %d: the entry is still there: %v", what, at, err)
	}
	if err := os.Remove(all[0].Path); err != nil {
		t.Fatal(err)
	}
}

// Every flipped byte, every truncation and an extension of an entry is seen.
func TestDamageIsSeen(t *testing.T) {
	for name, row := range map[string]struct {
		v   Value
		how Compression
	}{
		"plain":      {Value{Data: []byte("a value of some bytes, and an odd number of them")}, CompressNever},
		"empty":      {Value{}, CompressAuto},
		"compressed": {Value{Data: pattern(5000)}, CompressFast},
		"raw":        {Value{Data: pattern(80), Raw: true}, CompressAuto},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := open(t, t.TempDir(), 1<<30)
			c := callFor(name, row.v)
			c.Policy.Compress = row.how
			stores(t, s, c)
			path := s.entryPath(&c.Key)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write := func(b []byte) {
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for i := range whole {
				for _, flip := range []byte{1, 0x80, 0xff} {
					b := append([]byte(nil), whole...)
					b[i] ^= flip
					write(b)
					damaged(t, s, n, c, "flipped", i)
				}
				write(whole[:i])
				damaged(t, s, n, c, "truncated", i)
			}
			write(append(whole[:len(whole):len(whole)], 0))
			damaged(t, s, n, c, "extended", len(whole))
			stores(t, s, c)
			hits(t, s, c, row.v.Data)
		})
	}
}

// A file with the name of another key's entry isn't that entry.
func TestMisplacedEntry(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	a, b := callFor("a", Value{Data: []byte("a")}), callFor("b", Value{Data: []byte("b")})
	stores(t, s, a)
	stores(t, s, b)
	if err := os.Rename(s.entryPath(&a.Key), s.entryPath(&b.Key)); err != nil {
		t.Fatal(err)
	}
	damaged(t, s, n, b, "misplaced", 0)
}

// A mapped entry is checked when a process first uses it, all of it; a header always.
func TestDamageOfMappedEntries(t *testing.T) {
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("mapped", Value{Data: pattern(MapFrom + 8), Raw: true})
	stores(t, s, c)
	path := s.entryPath(&c.Key)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(b []byte) {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var at []int
	for i := range 400 {
		at = append(at, i)
	}
	at = append(at, 4096, mapOffset-1, mapOffset, mapOffset+1, len(whole)/2, len(whole)-1)
	for _, i := range at {
		fresh, n := open(t, s.Dir(), 1<<30)
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		rewrite(b)
		damaged(t, fresh, n, c, "flipped", i)
		rewrite(whole[:i])
		damaged(t, fresh, n, c, "truncated", i)
		closeStore(t, fresh)
	}

	used, n := open(t, s.Dir(), 1<<30)
	rewrite(whole)
	hits(t, used, c, whole[mapOffset:])
	h, err := parseHead(whole)
	if err != nil {
		t.Fatal(err)
	}
	for i := range headLen(int(h.metaLen)) { // after the first use; what follows up to the payload is of no meaning
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		rewrite(b)
		damaged(t, used, n, c, "flipped, used", i)
	}
	rewrite(whole[:len(whole)-1])
	damaged(t, used, n, c, "truncated, used", len(whole)-1)
}

// A large mapped entry is checked in the background, and reported after it was handed out.
func TestDamageOfLargeMappedEntry(t *testing.T) {
	if !canMap {
		t.Skip("hits are copies here, which are always checked")
	}
	s, _ := open(t, t.TempDir(), 1<<30)
	c := callFor("large", Value{Data: make([]byte, verifyFirst+8), Raw: true})
	stores(t, s, c)
	f, err := os.OpenFile(s.entryPath(&c.Key), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{1}, mapOffset+verifyFirst); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fresh, n := open(t, s.Dir(), 1<<30)
	if v, ok, err := fresh.Get(c.Key); !ok || !v.Mapped || err != nil {
		t.Fatalf("Get: %v, mapped %v, %v", ok, v.Mapped, err)
	}
	fresh.idle.Wait()
	if all := n.of(event.CacheCorrupt); len(all) != 1 || all[0].Key != c.Key || all[0].Func != "test.large" {
		t.Errorf("reported %v, want the damaged entry", all)
	}
	misses(t, fresh, c)
}

// A damaged entry that was replaced in the meantime is left alone.
func TestQuarantineLeavesAReplacement(t *testing.T) {
	s, n := open(t, t.TempDir(), 1<<30)
	c := callFor("replaced", Value{Data: []byte("good")})
	stores(t, s, c)
	path := s.entryPath(&c.Key)
	var r reader
	if err := r.open(path); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stores(t, s, c)
	s.quarantine(&r, path, c.Key, "", errSum)
	hits(t, s, c, []byte("good"))
	if all := n.take(); len(all) > 0 {
		t.Error(all)
	}
}
