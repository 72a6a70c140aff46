package cache

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// block is what files are taken to be a multiple of when they are counted.
const block = 4 << 10

// cost is what a file of the given size takes of the limit.
func cost(size int64) int64 { return (size + block - 1) &^ (block - 1) }

// put stores v under the claim.
func (s *Store) put(cl *claim, c *Call, v Value) error {
	h, head, payload, err := encode(c, v, time.Now())
	if err == nil && cost(h.size()) > s.limit {
		err = fmt.Errorf("it takes more than the whole cache's limit of %s: raise the limit", bytesText(s.limit))
	}
	if err == nil {
		err = cl.write(&h, head, payload)
	}
	if err != nil {
		return fmt.Errorf("store the result of %s (%s) in %s: %w%s", c.Info.Func, bytesText(h.size()), cl.entry, err, s.hint(err))
	}
	s.stored.Add(1)
	s.grow(cost(h.size()))
	return nil
}

// hint is the next step after a write that failed.
func (s *Store) hint(err error) string {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Sprintf("; free space on that disk, or give the cache less than its limit of %s", bytesText(s.limit))
	}
	return ""
}

// encode makes the header and chooses the payload's form.
func encode(c *Call, v Value, now time.Time) (h header, head, payload []byte, err error) {
	payload = v.Data
	h = header{key: c.Key, created: now.UnixNano(), value: uint64(len(v.Data)), length: uint64(len(v.Data))}
	if v.Raw {
		h.flags |= flagRaw
	}
	if small, ok := compress(v, c.Policy.Compress); ok {
		payload = small
		h.flags |= flagZstd
	} else if v.Raw && len(v.Data) >= MapFrom {
		h.flags |= flagMap
	}
	h.length = uint64(len(payload))
	h.sum = sum256(payload)
	meta, err := appendInfo(make([]byte, 0, usualMeta), c.Info)
	if err != nil {
		return h, nil, nil, err
	}
	h.offset = uint32(headLen(len(meta)))
	room := int(h.offset)
	if h.is(flagMap) {
		if h.offset > mapOffset {
			return h, nil, nil, fmt.Errorf("its header takes %d bytes, more than %d: shorten the names in the key", h.offset, mapOffset)
		}
		h.offset = mapOffset
	} else if len(payload) <= wholeRead {
		room += len(payload)
	}
	head = appendHeader(make([]byte, 0, room), &h, meta)
	if room > len(head) { // one write for a small entry
		head, payload = append(head, payload...), nil
	}
	return h, head, payload, nil
}

// write fills the claim's file and gives it the entry's name. Nothing of it stays if that fails.
func (cl *claim) write(h *header, head, payload []byte) error {
	if cl.broken != nil {
		return cl.broken
	}
	err := cl.fill(h, head, payload)
	if err == nil {
		if err = cl.store.disk.Rename(cl.temp, cl.entry); err == nil {
			cl.gone = tempIsClaim
			return nil
		}
	}
	if rest := cl.store.disk.Remove(cl.temp); rest == nil {
		cl.gone = tempIsClaim
	}
	return err
}

// fill writes the file. Only a mapped file is synced: its payload isn't checked at each hit, so it must be on the
// disk before it is found. All others are checked whenever they are read.
func (cl *claim) fill(h *header, head, payload []byte) (err error) {
	f, err := cl.store.disk.Open(cl.temp, cl.lock.dirty)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if _, err = f.WriteAt(head, 0); err != nil {
		return err
	}
	if len(payload) > 0 {
		if _, err = f.WriteAt(payload, int64(h.offset)); err != nil {
			return err
		}
	}
	if h.is(flagMap) {
		return f.Sync()
	}
	return nil
}
