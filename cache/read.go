package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/zeebo/blake3"
)

// Get returns the entry of key, whatever its age. ok is false if there is none, or none that is whole: a damaged one
// is moved aside and reported. The error says that a file couldn't be read; a caller may take that for a miss.
//
// A hit on a small value costs about 5 us. It takes no lock, waits for nobody, and may be called from any number of
// goroutines.
func (s *Store) Get(key Key) (v Value, ok bool, err error) {
	if s.closed.Load() {
		return Value{}, false, s.errClosed()
	}
	v, _, ok, err = s.read(&key, s.entryPath(&key), "")
	s.count(ok)
	return v, ok, err
}

// errNotWhole wraps what is wrong with an entry, and never leaves the package bare.
type errNotWhole struct{ error }

func (e errNotWhole) Unwrap() error { return e.error }

func isDamage(err error) bool {
	_, ok := errors.AsType[errNotWhole](err)
	return ok
}

// read is Get, with the header. function is named in the report of damage.
func (s *Store) read(key *Key, path, function string) (v Value, h header, ok bool, err error) {
	var r reader
	if err := r.open(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return v, h, false, nil
		}
		return v, h, false, fmt.Errorf("read the cache's entry: %w", err)
	}
	defer r.close()
	if v, h, err = s.readOpen(&r, key); err == nil {
		s.touch(&r, path)
		return v, h, true, nil
	}
	if damage, ok := errors.AsType[errNotWhole](err); ok {
		s.quarantine(&r, path, *key, function, damage.error)
		return Value{}, header{}, false, nil
	}
	return Value{}, header{}, false, fmt.Errorf("read the cache's entry: %w", err)
}

const (
	wholeRead = 64 << 10 // files up to this size are read by one call, into one buffer
	headRead  = 4 << 10  // of larger ones
)

// readOpen reads and checks an entry.
func (s *Store) readOpen(r *reader, key *Key) (v Value, h header, err error) {
	head := make([]byte, min(r.size(), wholeRead))
	if r.size() > wholeRead {
		head = head[:headRead:headRead]
	}
	if h, head, err = readHead(r, head, key); err != nil {
		return v, h, err
	}
	if h.value > math.MaxInt || h.length > math.MaxInt {
		return v, h, fmt.Errorf("%s: its %d bytes are more than this machine can address", s.entryPath(key), h.value)
	}
	v.Raw = h.is(flagRaw)
	if h.is(flagMap) {
		v.Data, v.Mapped, err = s.mapped(r, &h)
		return v, h, err
	}
	payload, err := readPayload(r, &h, head)
	if err == nil && h.is(flagZstd) {
		if payload, err = decompress(payload, int(h.value)); err != nil {
			err = errNotWhole{err}
		}
	}
	v.Data = payload
	return v, h, err
}

// readHead reads into b, which is as long as the file if that is small, and returns it, longer if the header is.
func readHead(r *reader, b []byte, key *Key) (h header, head []byte, err error) {
	if err = readFull(r, b, 0); err != nil {
		return h, b, err
	}
	if h, err = parseHead(b); err != nil {
		return h, b, errNotWhole{err}
	}
	if end := headLen(int(h.metaLen)); end > len(b) && int64(end) <= r.size() {
		b = make([]byte, end)
		if err = readFull(r, b, 0); err != nil {
			return h, b, err
		}
	}
	if err = h.check(b, key, r.size()); err != nil {
		return header{}, b, errNotWhole{err}
	}
	return h, b, nil
}

// readPayload returns the payload, checked. head is the beginning of the file, and may be all of it.
func readPayload(r *reader, h *header, head []byte) ([]byte, error) {
	var payload []byte
	if int64(len(head)) == h.size() {
		payload = head[h.offset:len(head):len(head)]
	} else {
		payload = make([]byte, h.length)
		if err := readFull(r, payload, int64(h.offset)); err != nil {
			return nil, err
		}
	}
	if sum256(payload) != h.sum {
		return nil, errNotWhole{errSum}
	}
	return payload, nil
}

// readFull fills b. A file that ends earlier than it did when it was opened isn't whole.
func readFull(r *reader, b []byte, offset int64) error {
	err := r.readAt(b, offset)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errNotWhole{fmt.Errorf("it ends early: %w", io.ErrUnexpectedEOF)}
	}
	return err
}

// checkPayload reads the payload piece by piece, and stops early if stop says so. Zeros fill the room before it.
func checkPayload(r *reader, h *header, from int64, stop func() bool) error {
	hash, piece := blake3.New(), make([]byte, 1<<20)
	for at := from; at < h.size() && !stop(); {
		start := int64(h.offset)
		end := h.size()
		if at < start {
			end = start
		}
		b := piece[:min(int64(len(piece)), end-at)]
		if err := readFull(r, b, at); err != nil {
			return err
		}
		if at < start && len(bytes.Trim(b, "\x00")) > 0 {
			return errNotWhole{errLayout}
		}
		if at >= start {
			_, _ = hash.Write(b)
		}
		at += int64(len(b))
	}
	if !stop() && !bytes.Equal(hash.Sum(nil), h.sum[:]) {
		return errNotWhole{errSum}
	}
	return nil
}

// touchEvery is how exact the time of an entry's last use is.
const touchEvery = time.Hour

// touch notes that the entry was used: its file's modification time is that of the last use. It is no loss if that
// fails, on a folder that is only readable for instance.
func (s *Store) touch(r *reader, path string) {
	if now := time.Now(); now.Sub(r.modified()) > touchEvery {
		_ = os.Chtimes(path, time.Time{}, now)
	}
}
