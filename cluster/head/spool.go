package head

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/protocol"
)

const (
	maxNoted   = 1 << 20  // bytes of lines between two writes; beyond it they are dropped
	maxSpooled = 64 << 20 // bytes of files that nobody takes in; the same
	spoolFull  = 4 << 20  // bytes that are taken in before their time
)

// spool has the lines that are to be taken into the history, in memory and then in files. Its methods may be called
// concurrently, but for write and turn.
type spool struct {
	dir string
	now func() time.Time

	mu      sync.Mutex
	noted   []byte
	dropped int // lines, since write last told

	files int64 // bytes; of who writes
	named time.Time
}

// note adds a line. It never blocks, and drops what is too much.
func (s *spool) note(l protocol.HistoryLine) {
	l.Time = s.now()
	line, err := json.Marshal(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || len(s.noted)+len(line) >= maxNoted {
		s.dropped++
		return
	}
	s.noted = append(append(s.noted, line...), '\n')
}

// write writes what was noted. An error is what has become of lines that were dropped.
func (s *spool) write() error {
	s.mu.Lock()
	lines, dropped := s.noted, s.dropped
	s.noted, s.dropped = nil, 0
	s.mu.Unlock()
	var err error
	switch {
	case len(lines) > 0 && s.files+int64(len(lines)) > maxSpooled:
		err = fmt.Errorf("%d MiB wait for it already", s.files>>20)
	case len(lines) > 0:
		err = s.append(lines)
	}
	if err != nil {
		return fmt.Errorf("the history lacks what was now: %w", err)
	}
	if dropped > 0 {
		return fmt.Errorf("the history lacks %d lines: more came than it takes in a second", dropped)
	}
	return nil
}

func (s *spool) append(lines []byte) error {
	f, err := os.OpenFile(filepath.Join(s.dir, "now.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(s.dir, 0o700); err == nil {
			return s.append(lines)
		}
	}
	if err != nil {
		return err
	}
	n, err := f.Write(lines)
	s.files += int64(n)
	return errors.Join(err, f.Close())
}

// turn makes what was written a file that may be taken in.
func (s *spool) turn() error {
	now := s.now()
	if !now.After(s.named) { // names say the order, whatever the clock does
		now = s.named.Add(1)
	}
	s.named = now
	err := os.Rename(filepath.Join(s.dir, "now.jsonl"), filepath.Join(s.dir, fmt.Sprintf("full-%020d.jsonl", now.UnixNano())))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// look counts what lies there.
func (s *spool) look() {
	s.files = 0
	entries, _ := os.ReadDir(s.dir) // none before the first line
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".jsonl") {
			s.files += info.Size()
		}
	}
}
