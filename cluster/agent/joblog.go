package agent

import (
	"io"
	"log/slog"
	"os"
	"sync"
)

// joblog is the file that a job's workers write to, made with the first line: most jobs write none. When it is full it
// becomes the old one, in the place of that before.
type joblog struct {
	path string
	room int64
	log  *slog.Logger // the agent's

	mu   sync.Mutex
	file *os.File // nil before the first line, and once over
	over bool     // nothing is written any more
	size int64
	base int64 // bytes that were written before those in file
}

func newJoblog(path string, room int64, log *slog.Logger) *joblog {
	return &joblog{path: path, room: room, log: log}
}

// open makes the file. If that fails nothing is written any more, which is said once.
func (l *joblog) open() {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		l.over = true
		l.log.Warn("what a job's workers print is lost: its log can't be written", "path", l.path, "error", err)
		return
	}
	l.file = file
}

// Write never fails: a program isn't to suffer because its log can't be written.
func (l *joblog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil && !l.over {
		l.open()
	}
	if l.file == nil {
		return len(b), nil
	}
	if l.size > 0 && l.size+int64(len(b)) > l.room {
		l.rotate()
	}
	if l.file != nil {
		n, _ := l.file.Write(b)
		l.size += int64(n)
	}
	return len(b), nil
}

func (l *joblog) rotate() {
	_ = l.file.Close()
	l.file = nil
	_ = os.Rename(l.path, l.path+".old")
	l.base, l.size = l.base+l.size, 0
	l.open()
}

func (l *joblog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

// read gives up to most bytes from offset on, counted from the first that was ever written, and the offset of the end.
// A negative offset counts from the end. What is no longer kept is passed over.
func (l *joblog) read(offset int64, most int) (data []byte, from, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end = l.base + l.size
	if offset < 0 {
		offset = max(0, end+offset)
	}
	offset = min(offset, end)
	path, start := l.path, l.base
	if offset < l.base {
		path = l.path + ".old"
		info, err := os.Stat(path)
		if err != nil {
			path, offset = l.path, l.base
		} else if start = l.base - info.Size(); offset < start {
			offset = start
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, offset, end
	}
	defer func() { _ = file.Close() }()
	data = make([]byte, most)
	n, _ := io.ReadFull(io.NewSectionReader(file, offset-start, int64(most)), data)
	return data[:n], offset, end
}
