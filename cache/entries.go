package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// Entry is what is known of an entry without its value.
type Entry struct {
	Key        Key
	Info       Info
	Length     int64     // of the value, in bytes
	Size       int64     // of the file
	Created    time.Time // when the value was stored
	Used       time.Time // when it was last used, to the hour
	Raw        bool      // the value is a slice of numbers, stored as its memory
	Compressed bool
	Mapped     bool // a hit maps the file
}

// List yields all entries, in no particular order, with those stored or removed meanwhile or not. A damaged header is
// an error in its place, and its entry is moved aside. It reads each file's beginning, which costs about 8 us.
func (s *Store) List() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if s.closed.Load() {
			yield(Entry{}, s.errClosed())
			return
		}
		for key := range s.keys() {
			e, ok, err := s.Show(key)
			if (ok || err != nil) && !yield(e, err) {
				return
			}
		}
	}
}

// keys yields the keys of all files that look like an entry.
func (s *Store) keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, shard := range foldersIn(s.entries) {
			names, _ := os.ReadDir(shard)
			for _, name := range names {
				if key, ok := keyOf(filepath.Base(shard), name.Name()); ok && !yield(key) {
					return
				}
			}
		}
	}
}

// Show describes one entry; ok is false if there is none. It doesn't count as a use. A damaged header is an error, and
// its entry is moved aside; the value isn't read.
func (s *Store) Show(key Key) (e Entry, ok bool, err error) {
	if s.closed.Load() {
		return e, false, s.errClosed()
	}
	path := s.entryPath(&key)
	var r reader
	if err := r.open(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return e, false, nil
		}
		return e, false, fmt.Errorf("show the entry %s: %w", key, err)
	}
	defer r.close()
	e, _, err = describe(&r, &key)
	if damage, ok := errors.AsType[errNotWhole](err); ok {
		s.quarantine(&r, path, key, "", damage.error)
	}
	if err != nil {
		return Entry{Key: key}, false, fmt.Errorf("show the entry %s: %w", key, err)
	}
	return e, true, nil
}

func describe(r *reader, key *Key) (e Entry, h header, err error) {
	h, head, err := readHead(r, make([]byte, min(r.size(), headRead)), key)
	if err != nil {
		return e, h, err
	}
	info, err := h.info(head)
	if err != nil {
		return e, h, errNotWhole{err}
	}
	return Entry{
		Key: *key, Info: info, Length: int64(h.value), Size: h.size(), Created: h.createdAt(), Used: r.modified(),
		Raw: h.is(flagRaw), Compressed: h.is(flagZstd), Mapped: h.is(flagMap),
	}, h, nil
}

// Remove removes an entry, and reports whether there was one. A call that computes its key at the time stores a new
// one.
func (s *Store) Remove(key Key) (bool, error) {
	if s.closed.Load() {
		return false, s.errClosed()
	}
	err := s.disk.Remove(s.entryPath(&key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove the entry %s: %w", key, err)
	}
	return true, nil
}
