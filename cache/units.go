package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// unitsMagic begins a file of units, before the checksum and the data.
const unitsMagic = "\x89munits\n"

// MaxUnits is how long the units of a fingerprint may be.
const MaxUnits = 16 << 20

// PutUnits keeps, once, what the code of a fingerprint consists of: bytes that only the caller understands, and that
// explain later what has changed between two fingerprints. They count towards the limit and go like entries, if they
// were not put or got for longest.
func (s *Store) PutUnits(fingerprint string, units []byte) error {
	if s.closed.Load() {
		return s.errClosed()
	}
	if len(units) > MaxUnits {
		return fmt.Errorf("keep the units of the code %.40q: %d bytes are more than %d", fingerprint, len(units), MaxUnits)
	}
	if _, known, err := s.Units(fingerprint); known && err == nil {
		return nil
	}
	sum := sum256(units)
	data := append(append([]byte(unitsMagic), sum[:]...), units...)
	path := s.unitsPath(fingerprint)
	if err := s.unlocked(path).write(&header{}, data, nil); err != nil {
		return fmt.Errorf("keep the units of the code %.40q: %w%s", fingerprint, err, s.hint(err))
	}
	s.grow(cost(int64(len(data))))
	return nil
}

// Units returns what PutUnits kept; ok is false if there is nothing, or nothing whole.
func (s *Store) Units(fingerprint string) (units []byte, ok bool, err error) {
	if s.closed.Load() {
		return nil, false, s.errClosed()
	}
	path := s.unitsPath(fingerprint)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the units of the code %.40q: %w", fingerprint, err)
	}
	data, ok = bytes.CutPrefix(data, []byte(unitsMagic))
	if !ok || len(data) < hashLen || sum256(data[hashLen:]) != [32]byte(data[:hashLen]) {
		return nil, false, nil // PutUnits replaces it
	}
	_ = os.Chtimes(path, time.Time{}, time.Now())
	return data[hashLen:], true, nil
}

func (s *Store) unitsPath(fingerprint string) string {
	return s.path(unitsDir, HashOf([]byte(fingerprint)).String())
}
