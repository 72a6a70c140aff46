//go:build !unix

package cache

import (
	"errors"
	"os"
	"time"
)

// reader is an entry's file that is open for reading.
type reader struct {
	file *os.File
	stat os.FileInfo
}

func (r *reader) open(path string) (err error) {
	if r.file, err = os.Open(path); err != nil {
		return err
	}
	if r.stat, err = r.file.Stat(); err != nil {
		r.close()
	}
	return err
}

func (r *reader) close() { _ = r.file.Close() }

func (r *reader) size() int64 { return r.stat.Size() }

func (r *reader) modified() time.Time { return r.stat.ModTime() }

// is reports whether path still names this file.
func (r *reader) is(path string) bool {
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, r.stat)
}

// readAt fills b, or fails.
func (r *reader) readAt(b []byte, offset int64) error {
	_, err := r.file.ReadAt(b, offset)
	return err
}

// canMap: on Windows a mapped file can be neither replaced nor removed, so a hit is a copy.
const canMap = false

func (r *reader) mapPrivate(int64, int) ([]byte, error) { return nil, errors.ErrUnsupported }
