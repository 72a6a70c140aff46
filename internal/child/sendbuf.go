package child

import (
	"errors"
	"io"
	"sync"

	"github.com/musterrun/muster/protocol"
)

// maxUnread is how much a worker may leave unread before it counts as stuck.
const maxUnread = 64 << 20

// sendbuf gathers frames for a worker while earlier ones are written. Its add never blocks: it writes few bytes itself,
// as far as the socket takes them.
type sendbuf struct {
	mu     sync.Mutex
	more   sync.Cond // there is something, or closed
	buf    []byte
	w      io.Writer // run's; nil while run writes, or isn't there
	closed bool
}

func newSendbuf() *sendbuf {
	s := &sendbuf{}
	s.more.L = &s.mu
	return s
}

// add appends what fill appends; false if the reader is stuck. Once the buffer is closed it does nothing.
func (s *sendbuf) add(fill func([]byte) []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	s.buf = fill(s.buf)
	if s.w != nil && len(s.buf) <= protocol.Few {
		n := protocol.WriteNow(s.w, s.buf)
		s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	}
	if len(s.buf) > 0 {
		s.more.Signal()
	}
	return len(s.buf) <= maxUnread
}

func (s *sendbuf) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.buf = true, nil
	s.more.Signal()
}

var errClosed = errors.New("closed")

// run writes what gathers until the buffer is closed or w fails.
func (s *sendbuf) run(w io.Writer) error {
	var spare []byte
	for {
		buf, ok := s.take(w, spare[:0])
		if !ok {
			return errClosed
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		if spare = buf; cap(spare) > 1<<20 {
			spare = nil
		}
	}
}

func (s *sendbuf) take(w io.Writer, spare []byte) (buf []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
	for len(s.buf) == 0 && !s.closed {
		s.more.Wait()
	}
	buf, s.buf, s.w = s.buf, spare, nil
	return buf, !s.closed
}
