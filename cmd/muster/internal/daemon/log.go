package daemon

import (
	"errors"
	"io"
	"os"
	"sync"
)

// maxLog is how long a log gets before its older part is put aside.
const maxLog = 16 << 20

// Log is a service's log, which a file of 16 MiB and an older one have room for. It may be written to concurrently.
//
// What is too old is copied to the older one, and the file cut: a rename would take standard error with it, which is
// the same file, and is where the runtime writes why the process died.
type Log struct {
	mu   sync.Mutex
	file *os.File
	size int64
	most int64
}

// OpenLog opens a service's log for appending.
func (f Folder) OpenLog(name string) (*Log, error) {
	file, err := os.OpenFile(f.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Log{file: file, size: info.Size(), most: maxLog}, nil
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(p)) > l.most {
		if err := l.cut(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *Log) cut() error {
	older, err := os.OpenFile(l.file.Name()+".1", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if info, err := l.file.Stat(); err == nil { // the runtime may have written too
		l.size = info.Size()
	}
	_, err = io.Copy(older, io.NewSectionReader(l.file, 0, l.size))
	if err = errors.Join(err, older.Close()); err != nil {
		return err
	}
	l.size = 0
	return l.file.Truncate(0)
}

// Close closes the log.
func (l *Log) Close() error { return l.file.Close() }
