package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, Record{Key: Key{1}, Func: "f", Status: OK})
	j := open(t, dir)
	var held *HeldError
	if err := Remove(dir, "job"); !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Errorf("an open job is removed: %v", err)
	}
	closed(t, j)
	if err := Remove(dir, "job"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("%v is left, %v", entries, err)
	}
	if j := open(t, dir); j.Opened() != (Opened{Epoch: 1}) {
		t.Errorf("a new one opens with %+v", j.Opened())
	} else {
		closed(t, j)
	}

	mine := filepath.Join(dir, "job", "mine.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir, "job"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "job")); len(entries) != 1 || err != nil {
		t.Errorf("%v is left, %v", entries, err)
	}
}

// One whose opening has failed early can be removed too.
func TestRemoveWithoutFile(t *testing.T) {
	dir := t.TempDir()
	h, err := hold(dir, "job", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.release(); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir, "job"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "job")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
}

// A lock whose file has been removed is none: others lock another file.
func TestLockOfRemovedJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows doesn't remove a file that is open")
	}
	h, err := hold(t.TempDir(), "job", true)
	if err != nil {
		t.Fatal(err)
	}
	if !h.current() {
		t.Error("a new lock is none")
	}
	if err := os.Remove(h.lock.Path()); err != nil {
		t.Fatal(err)
	}
	if h.current() {
		t.Error("a lock without a file is taken for one")
	}
	if err := os.WriteFile(h.lock.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if h.current() {
		t.Error("a lock is taken for another's")
	}
	if err := h.release(); err != nil {
		t.Error(err)
	}
}

// However many open and remove a job at the same time, one at most has it open.
func TestRemoveWhileOpening(t *testing.T) {
	dir := t.TempDir()
	var inside, opened, removed atomic.Int32
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for opened.Load() < 20 || removed.Load() < 5 {
				var held *HeldError
				if g%2 == 0 {
					switch err := Remove(dir, "job"); {
					case err == nil:
						removed.Add(1)
					case !errors.As(err, &held) && !errors.Is(err, fs.ErrNotExist) && runtime.GOOS != "windows":
						t.Errorf("remove: %v", err)
						return
					}
					continue
				}
				j, err := Open(dir, "job", Run{}, nil)
				if err != nil {
					if !errors.As(err, &held) && runtime.GOOS != "windows" {
						t.Errorf("open: %v", err)
						return
					}
					continue
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d have it open", n)
				}
				opened.Add(1)
				inside.Add(-1)
				if err := j.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
