package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Verified says what Verify has looked at.
type Verified struct {
	Entries int   // whole
	Bytes   int64 // of their files
	Damaged int   // moved aside, and reported
}

// Verify reads every entry and compares it with its checksum; damaged ones are moved aside and reported. progress, if
// not nil, is called after each entry. It reads about 2 GB/s from memory, and from a disk what that gives. The error
// is the context's, or that of a file that can't be read, which ends it.
func (s *Store) Verify(ctx context.Context, progress func(Verified)) (v Verified, err error) {
	if s.closed.Load() {
		return v, s.errClosed()
	}
	for key := range s.keys() {
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		size, err := s.verifyEntry(&key, func() bool { return ctx.Err() != nil })
		switch {
		case err == nil && size > 0:
			v.Entries++
			v.Bytes += size
		case isDamage(err):
			v.Damaged++
		case err != nil:
			return v, fmt.Errorf("verify the entry %s: %w", key, err)
		}
		if progress != nil {
			progress(v)
		}
	}
	return v, ctx.Err()
}

// verifyEntry checks all of an entry, and moves a damaged one aside. The size is 0 if there is no entry.
func (s *Store) verifyEntry(key *Key, stop func() bool) (size int64, err error) {
	path := s.entryPath(key)
	var r reader
	if err := r.open(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		return 0, err
	}
	defer r.close()
	e, h, err := describe(&r, key)
	if err == nil {
		err = checkPayload(&r, &h, int64(headLen(int(h.metaLen))), stop)
	}
	if damage, ok := errors.AsType[errNotWhole](err); ok {
		s.quarantine(&r, path, *key, e.Info.Func, damage.error)
	}
	return h.size(), err
}

// Stats are numbers about a store.
type Stats struct {
	Entries int
	Bytes   int64 // of all files that count towards the limit, in blocks of 4 KiB
	Limit   int64
	Damaged int       // entries that were moved aside and are still there
	Writing int       // files that are being computed or written, in any process
	Oldest  time.Time // the last use of the entry that would go first; zero without entries

	Hits, Misses, Stored int64 // of this Store, since it was opened
}

// Stats looks at every file, which costs about 3 us each.
func (s *Store) Stats() (Stats, error) {
	if s.closed.Load() {
		return Stats{}, s.errClosed()
	}
	inv := s.takeInventory()
	st := Stats{
		Bytes: inv.bytes, Limit: s.limit, Writing: inv.parts,
		Hits: s.hits.Load(), Misses: s.misses.Load(), Stored: s.stored.Load(),
	}
	for _, f := range inv.files {
		switch f.kind {
		case aDamaged:
			st.Damaged++
		case anEntry:
			st.Entries++
			if st.Oldest.IsZero() || f.used.Before(st.Oldest) {
				st.Oldest = f.used
			}
		}
	}
	return st, nil
}
