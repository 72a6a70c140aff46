package cache

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	// verifyFirst is up to which size a mapped entry is checked before this process first hands it out: 32 MiB take
	// some 15 ms.
	verifyFirst = 32 << 20

	// A mapping stays, so their number is bounded: Linux allows a process 65,530. Past these bounds a hit is a copy.
	maxMappings = 16 << 10
	max32Bit    = 512 << 20 // bytes mapped, where addresses are short
)

var mappings, mappedBytes atomic.Int64 // of this process

// mapped returns the payload of an entry that is meant to be mapped: a mapping where that is possible, else a copy
// that was checked.
func (s *Store) mapped(r *reader, h *header) (data []byte, mapped bool, err error) {
	if !roomToMap(int64(h.length)) {
		data, err = readPayload(r, h, nil)
		return data, false, err
	}
	if err := s.verifyOnce(r, h); err != nil {
		return nil, false, err
	}
	data, err = r.mapPrivate(int64(h.offset), int(h.length))
	if err == nil {
		return data, true, nil
	}
	mappings.Add(-1) // the file system can't, or there is no address left
	mappedBytes.Add(-int64(h.length))
	data, err = readPayload(r, h, nil)
	return data, false, err
}

// roomToMap counts one more mapping if there may be one.
func roomToMap(length int64) bool {
	if !canMap {
		return false
	}
	n, total := mappings.Add(1), mappedBytes.Add(length)
	if n <= maxMappings && (bits.UintSize == 64 || total <= max32Bit) {
		return true
	}
	mappings.Add(-1)
	mappedBytes.Add(-length)
	return false
}

// verified knows which mapped entries this process has checked or is checking: by key, when they were created.
type verified struct {
	mu    sync.Mutex
	since map[Key]int64
}

func (v *verified) has(h *header) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	created, ok := v.since[h.key]
	return ok && created == h.created
}

func (v *verified) add(h *header) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.since == nil || len(v.since) >= maxMappings {
		v.since = map[Key]int64{}
	}
	v.since[h.key] = h.created
}

// verifyOnce checks an entry's payload when this process uses it for the first time: a small one now, a large one in
// the background, since it is to be there in milliseconds.
func (s *Store) verifyOnce(r *reader, h *header) error {
	if s.verified.has(h) {
		return nil
	}
	if h.length > verifyFirst {
		s.verified.add(h)
		key := h.key // not h, which would be allocated for every hit
		s.later(func() { s.verifyLate(key) })
		return nil
	}
	err := checkPayload(r, h, int64(headLen(int(h.metaLen))), func() bool { return false })
	if err == nil {
		s.verified.add(h)
	}
	return err
}

// verifyLate checks an entry whose mapping was handed out. A damaged one is reported and no longer found; the calls
// that have it aren't told.
func (s *Store) verifyLate(key Key) {
	if _, err := s.verifyEntry(&key, s.closed.Load); err != nil && !isDamage(err) {
		s.failed(key, "", fmt.Errorf("verify the entry %s: %w", key, err))
	}
}
