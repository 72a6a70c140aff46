//go:build unix

package cache

import (
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// reader is an entry's file that is open for reading. It is a bare descriptor: an *os.File takes twice as long to
// open, which is half of what a hit costs.
type reader struct {
	fd   int
	path string
	stat unix.Stat_t
}

func (r *reader) open(path string) error {
	fd, err := openFile(path, unix.O_RDONLY)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	r.fd, r.path = fd, path
	if err := unix.Fstat(fd, &r.stat); err != nil {
		r.close()
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return nil
}

// openFile opens a file, again if a signal interrupts it.
func openFile(path string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (r *reader) close() { _ = unix.Close(r.fd) }

func (r *reader) size() int64 { return r.stat.Size }

func (r *reader) modified() time.Time { return time.Unix(r.stat.Mtim.Unix()) }

// is reports whether path still names this file.
func (r *reader) is(path string) bool {
	var now unix.Stat_t
	return unix.Lstat(path, &now) == nil && now.Ino == r.stat.Ino && now.Dev == r.stat.Dev
}

// readAt fills b, or fails.
func (r *reader) readAt(b []byte, offset int64) error {
	for len(b) > 0 {
		n, err := unix.Pread(r.fd, b, offset)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "read", Path: r.path, Err: err}
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		b, offset = b[n:], offset+int64(n)
	}
	return nil
}

const canMap = true

// mapPrivate maps a part of the file, readable and writable; what is written stays in this process.
func (r *reader) mapPrivate(offset int64, length int) ([]byte, error) {
	data, err := unix.Mmap(r.fd, offset, length, unix.PROT_READ|unix.PROT_WRITE, mapFlags)
	return data, os.NewSyscallError("mmap", err)
}
