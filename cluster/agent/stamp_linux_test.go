package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// An executable that hasn't been changed since it was read is not read again; one that was, in whatever way, is.
func TestSoundExecutables(t *testing.T) {
	bins, err := openBinaries(&folder{path: t.TempDir()}, 1<<20, "")
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("an executable")
	want := &protocol.Binary{Hash: object.ID(data), Size: int64(len(data))}
	control := blobs{want.Hash: data}
	path := bins.dir.Path(want.Hash)
	get := func(what string, checks int) {
		t.Helper()
		if got, err := bins.get(t.Context(), control, want); err != nil || string(mustRead(t, got)) != string(data) {
			t.Fatal(what, err)
		}
		bins.release(want.Hash)
		if bins.checks != checks {
			t.Errorf("%s: it was read %d times, want %d", what, bins.checks, checks)
		}
	}
	at := func(d time.Duration) { bins.now = func() time.Time { return time.Now().Add(d) } }
	settled, young := func() { at(2 * settledAfter) }, func() { at(-time.Hour) } // of a file's last change, so long ago
	young()
	change := func(f func() error) {
		t.Helper()
		if err := errors.Join(os.Chmod(path, 0o700), f()); err != nil {
			t.Fatal(err)
		}
	}
	get("fetched", 0)
	get("just written", 1)
	settled()
	get("not yet read since", 2)
	get("as it was", 2)
	get("as it was", 2)

	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	change(func() error { // of the same length, and with the time that it had
		return errors.Join(os.WriteFile(path, []byte("an Executable"), 0o700), os.Chtimes(path, info.ModTime(), info.ModTime()))
	})
	get("altered, and fetched again", 2)
	young()
	get("just written", 3)
	settled()
	get("not yet read since", 4)
	get("as it was", 4)
	change(func() error { return os.Truncate(path, 5) })
	get("truncated, and fetched again", 4)

	get("not yet read since", 5)
	other := path + ".other"
	change(func() error { return errors.Join(os.WriteFile(other, data, 0o500), os.Rename(other, path)) })
	get("replaced by its like", 6)
	old := time.Now().Add(-time.Hour)
	change(func() error { return os.Chtimes(path, old, old) })
	get("used after an hour", 7)
	if info, err := os.Lstat(path); err != nil || time.Since(info.ModTime()) > usedEvery {
		t.Errorf("its use isn't marked: %v", err)
	}
}

// An executable of the head's on this machine is copied from there if it is what its name says, and again once the copy was
// altered: the head's own is as it was.
func TestExecutablesOfTheHead(t *testing.T) {
	data := []byte("an executable")
	want := &protocol.Binary{Hash: object.ID(data), Size: int64(len(data))}
	for name, placed := range map[string][]byte{"whole": data, "other bytes": []byte("an Executable"), "truncated": data[:5]} {
		head := t.TempDir()
		bins, err := openBinaries(&folder{path: t.TempDir()}, 1<<20, head)
		if err != nil {
			t.Fatal(err)
		}
		blob := filepath.Join(head, want.Hash)
		if err := os.WriteFile(blob, placed, 0o600); err != nil {
			t.Fatal(err)
		}
		control := blobs{want.Hash: data} // what the head sends is right
		if name == "whole" {
			control = nil // and isn't needed
		}
		for range 2 {
			path, err := bins.get(t.Context(), control, want)
			if err != nil || string(mustRead(t, path)) != string(data) {
				t.Fatal(name, err)
			}
			if err := errors.Join(os.Chmod(path, 0o700), os.WriteFile(path, []byte("altered"), 0o700)); err != nil {
				t.Fatal(err)
			}
		}
		if string(mustRead(t, blob)) != string(placed) {
			t.Errorf("%s: the head's blob was altered too", name)
		}
		if left, _ := filepath.Glob(filepath.Join(bins.path, "new-*")); len(left) > 0 {
			t.Errorf("%s: left: %v", name, left)
		}
	}
}

// An executable that was fetched ahead is read again before its first use only if its file was changed since, and before
// later ones like any other.
func TestExecutablesAhead(t *testing.T) {
	data := []byte("an executable")
	want := &protocol.Binary{Hash: object.ID(data), Size: int64(len(data))}
	for name, then := range map[string]struct {
		do     func(path string) error
		checks int
	}{
		"as it was": {func(string) error { return nil }, 0},
		"gone":      {os.Remove, 0}, // it is fetched again
		"altered": {func(path string) error {
			return errors.Join(os.Chmod(path, 0o700), os.WriteFile(path, []byte("an executabl"), 0o700))
		}, 0}, // found damaged, and fetched again
		"replaced by its like": {func(path string) error {
			return errors.Join(os.WriteFile(path+".other", data, 0o500), os.Rename(path+".other", path))
		}, 1},
	} {
		bins, err := openBinaries(&folder{path: t.TempDir()}, 1<<20, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if bins.ahead(want); bins.dir.Has(want.Hash) {
			t.Errorf("%s: it is there, from nowhere", name)
		}
		if err := os.WriteFile(filepath.Join(bins.head, want.Hash), data, 0o600); err != nil {
			t.Fatal(err)
		}
		bins.ahead(want)
		path := bins.dir.Path(want.Hash)
		if !bins.dir.Has(want.Hash) {
			t.Fatalf("%s: it isn't there", name)
		}
		if err := then.do(path); err != nil {
			t.Fatal(err)
		}
		for use := range 2 { // nothing settles, so the second one checks
			got, err := bins.get(t.Context(), blobs{}, want)
			if err != nil || string(mustRead(t, got)) != string(data) || bins.checks != then.checks+use {
				t.Errorf("%s: use %d: %v, after %d checks", name, use, err, bins.checks)
			}
			bins.release(want.Hash)
		}
	}
	bins, err := openBinaries(&folder{path: t.TempDir()}, 1<<20, "")
	if err != nil {
		t.Fatal(err)
	}
	if bins.ahead(want); bins.dir.Has(want.Hash) {
		t.Error("it is there, without a head on this machine")
	}
}
