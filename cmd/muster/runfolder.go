package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// runFolder begins the names of the folders in which programs are built. Each is locked for as long as it is in use.
const runFolder = "muster-run-"

// lockedWithin is after how long a folder is locked for sure.
const lockedWithin = time.Minute

// makeRunFolder makes a temporary folder for a run, and removes those of runs that were killed. done removes it.
func makeRunFolder() (dir string, done func(), err error) {
	removeDeadRuns(os.TempDir(), time.Now())
	dir, err = os.MkdirTemp("", runFolder)
	if err != nil {
		return "", nil, err
	}
	lock := flock.New(runLock(dir), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = errors.New("somebody else has locked the new folder " + dir)
	}
	done = func() {
		_ = lock.Close()
		_ = os.RemoveAll(dir)
	}
	if err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}

func runLock(dir string) string { return filepath.Join(dir, ".lock") }

// removeDeadRuns removes this user's folders of runs that don't run any more. What can't be removed stays.
func removeDeadRuns(temp string, now time.Time) {
	found, _ := filepath.Glob(filepath.Join(temp, runFolder+"*"))
	for _, dir := range found {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !isOurs(info) || now.Sub(info.ModTime()) < lockedWithin {
			continue
		}
		if _, err := os.Lstat(runLock(dir)); err != nil {
			continue // of an earlier version, which may run
		}
		lock := flock.New(runLock(dir))
		locked, err := lock.TryLock()
		_ = lock.Close()
		if err == nil && locked {
			_ = os.RemoveAll(dir)
		}
	}
}
