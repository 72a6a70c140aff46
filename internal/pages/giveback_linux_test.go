package pages

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestGiveBack maps the beginning of the test's own program, one page of which is changed, and another file, and sees what is
// left in memory.
func TestGiveBack(t *testing.T) {
	page := os.Getpagesize()
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, bytes.Repeat([]byte{1}, page), 0o600); err != nil {
		t.Fatal(err)
	}
	clean, changed, other := mapFile(t, "/proc/self/exe"), mapFile(t, "/proc/self/exe"), mapFile(t, path)
	if err := unix.Mprotect(changed, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	changed[0] = 2
	if err := unix.Mprotect(changed, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	if clean[0] != 0x7f || other[0] != 1 || !mapped(t, clean) || !mapped(t, other) {
		t.Fatal("a page that was just read isn't mapped: the test sees nothing")
	}
	GiveBack()
	if mapped(t, clean) {
		t.Error("a page of the program that wasn't changed is still mapped")
	}
	if !mapped(t, changed) {
		t.Error("a page that was changed isn't mapped any more")
	}
	if !mapped(t, other) {
		t.Error("a page of a user's file isn't mapped any more")
	}
	if clean[0] != 0x7f || changed[0] != 2 {
		t.Errorf("the pages hold %d and %d, not 127 and 2", clean[0], changed[0])
	}
}

// mapFile maps a file's first page.
func mapFile(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	return m
}

// mapped reads the page's entry of /proc/self/pagemap, in which bit 63 says so.
func mapped(t *testing.T, m []byte) bool {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var entry [8]byte
	if _, err := f.ReadAt(entry[:], int64(uintptr(unsafe.Pointer(&m[0])))/int64(len(m))*8); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(entry[:])>>63 == 1
}
