package cache

import (
	"io"
	"os"

	"github.com/gofrs/flock"
)

// disk is what the store changes files by, so that tests can make each step fail.
type disk interface {
	MakeDir(path string) error
	Lock(path string) (l lock, held bool, err error)
	Open(path string, dirty bool) (file, error)
	Rename(from, to string) error
	Remove(path string) error
}

// file is open for writing.
type file interface {
	io.WriterAt
	Sync() error
	Close() error
}

// lock is a file that this process holds. The kernel drops it when the process dies.
type lock struct {
	flock *flock.Flock
	dirty bool // the file isn't empty: its former owner died while writing
}

type realDisk struct{}

func (realDisk) MakeDir(path string) error { return os.MkdirAll(path, 0o700) }

// Lock makes the file if need be and locks it. held says that another process has it.
func (realDisk) Lock(path string) (l lock, held bool, err error) {
	return lockFile(path, os.O_CREATE|os.O_RDWR)
}

func lockFile(path string, flags int) (l lock, held bool, err error) {
	for {
		l.flock = flock.New(path, flock.SetFlag(flags), flock.SetPermissions(0o600))
		ok, err := l.flock.TryLock()
		if !ok || err != nil {
			return lock{}, err == nil, err
		}
		ok, dirty, err := named(l.flock, path)
		if ok {
			l.dirty = dirty
			return l, false, nil
		}
		_ = l.flock.Unlock()
		if err != nil {
			return lock{}, false, err
		}
	}
}

// named reports whether a locked file still has its name, and whether it isn't empty. Only who holds a file's lock
// renames or removes it, so then it keeps the name; else the lock counts for nothing.
func named(l *flock.Flock, path string) (ok, dirty bool, err error) {
	mine, err := l.Stat()
	if err != nil {
		return false, false, err
	}
	now, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return os.SameFile(mine, now), mine.Size() > 0, nil
}

// Open opens a file to write it from its beginning, and makes it if it isn't there. It is emptied only if it is dirty:
// file systems take an emptied file for one that is being replaced, and write it to disk at once when it is closed.
func (realDisk) Open(path string, dirty bool) (file, error) { return openWriter(path, dirty) }

func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) Remove(path string) error     { return os.Remove(path) }
