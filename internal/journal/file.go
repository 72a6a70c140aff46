package journal

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what a journal needs of an *os.File.
type file interface {
	io.ReaderAt
	io.WriterAt
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// openFile opens a job's file, and makes it if need be.
func openFile(dir string) (*os.File, error) {
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil || !os.IsNotExist(err) {
		return f, err
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		syncDir(dir)
		syncDir(filepath.Dir(dir))
	}
	return f, err
}

// syncDir makes a new entry of a folder survive a power cut. Some systems can't, or do so by themselves.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
