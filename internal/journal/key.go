package journal

import (
	"encoding/binary"
	"encoding/hex"
	"sync"

	"github.com/zeebo/blake3"
)

// Key names a call within a job: the first 16 bytes of a BLAKE3 hash. Two calls with one key are the same work.
type Key [16]byte

// String is the key in hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// IsZero reports whether k is the zero key, which names no call.
func (k Key) IsZero() bool { return k == Key{} }

// Mix is the key of a kind of thing that is made of parts: each part counts with its length, so that no two lists of
// parts run into each other. The kind has no zero byte.
func Mix(kind string, parts ...[]byte) Key {
	m := mixers.Get().(*mixer)
	defer mixers.Put(m)
	head := append(append(m.head[:0], kind...), 0)
	for _, p := range parts {
		head = binary.AppendUvarint(head, uint64(len(p)))
		if len(p) <= longPart {
			head = append(head, p...)
		} else {
			head = m.hash(head, p)
		}
	}
	k := Key(m.hash(head[:0], head)[:len(Key{})])
	if m.head = head; cap(head) > 2*longPart { // many parts
		m.head = nil
	}
	return k
}

// longPart is from which length on a part is hashed for itself, straight from its own memory.
const longPart = 8 << 10

// mixer has a hasher's 10 KB, which would be cleared for each key if they were new.
type mixer struct {
	hasher *blake3.Hasher
	head   []byte
}

var mixers = sync.Pool{New: func() any { return &mixer{hasher: blake3.New(), head: make([]byte, 0, 512)} }}

// hash appends the hash of data to dst, which may be the same memory: data has been read by then.
func (m *mixer) hash(dst, data []byte) []byte {
	m.hasher.Reset()
	_, _ = m.hasher.Write(data) // never fails
	return m.hasher.Sum(dst)
}
