//go:build unix

package cache

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// writer is a file that is open for writing, as a bare descriptor for the reason that reader is one.
type writer struct {
	fd   int
	path string
}

func openWriter(path string, empty bool) (file, error) {
	flags := unix.O_WRONLY | unix.O_CREAT
	if empty {
		flags |= unix.O_TRUNC
	}
	fd, err := openFile(path, flags)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &writer{fd: fd, path: path}, nil
}

// maxWrite is below what every system writes by one call.
const maxWrite = 1 << 30

func (w *writer) WriteAt(b []byte, offset int64) (written int, err error) {
	for written < len(b) {
		piece := b[written:min(len(b), written+maxWrite)]
		n, err := unix.Pwrite(w.fd, piece, offset+int64(written))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return written, &fs.PathError{Op: "write", Path: w.path, Err: err}
		}
		written += n
	}
	return written, nil
}

func (w *writer) Sync() error {
	for {
		err := unix.Fsync(w.fd)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "sync", Path: w.path, Err: err}
		}
		return nil
	}
}

func (w *writer) Close() error {
	if err := unix.Close(w.fd); err != nil && err != unix.EINTR {
		return &fs.PathError{Op: "close", Path: w.path, Err: err}
	}
	return nil
}
