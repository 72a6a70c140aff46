package cache

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/musterrun/muster/event"
)

// smallDisk is a disk of 1 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("muster", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a disk that gets full needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "cache")
}

// On a full disk the value is returned, the error says where, how much and what to do, and nothing partial stays.
func TestDiskFull(t *testing.T) {
	s, n := open(t, smallDisk(t), 1<<30)
	fits := callFor("fits", Value{Data: pattern(300 << 10)})
	fits.Policy.Compress = CompressNever
	stores(t, s, fits)
	s.idle.Wait()
	for name, v := range map[string]Value{
		"whole": {Data: pattern(3 << 20)}, "mapped": {Data: pattern(3 << 20), Raw: true},
	} {
		c := callFor(name, v)
		c.Policy.Compress = CompressNever
		if got := stores(t, s, c); string(got.Data) != string(v.Data) {
			t.Errorf("%s: the value is lost", name)
		}
		all := n.take()
		if len(all) != 1 || all[0].Kind != event.CacheFailed || !errors.Is(all[0].Err, unix.ENOSPC) {
			t.Fatalf("%s: reported %v", name, all)
		}
		path := s.entryPath(&c.Key)
		for _, part := range []string{"store the result of test." + name, path, " MiB", "no space left", "free space", "1 GiB"} {
			if !strings.Contains(all[0].Err.Error(), part) {
				t.Errorf("%s: %v doesn't say %q", name, all[0].Err, part)
			}
		}
		noParts(t, s)
		misses(t, s, c)
		hits(t, s, fits, pattern(300<<10))
	}
	var full bool
	for i := range 1000 { // until not even a lock's file has room
		c := callFor(fmt.Sprint("many ", i), Value{Data: []byte{byte(i), byte(i >> 8)}})
		if got := stores(t, s, c); len(got.Data) != 2 {
			t.Fatal("the value is lost")
		}
		full = full || len(n.of(event.CacheFailed)) > 0
	}
	if !full {
		t.Error("the disk didn't get full")
	}
	if v, err := s.Verify(t.Context(), nil); err != nil || v.Damaged > 0 || v.Entries == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	noParts(t, s)
	n.take()
}
