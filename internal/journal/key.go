package journal

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/zeebo/blake3"
)

// Key names a call within a job: the first 16 bytes of a BLAKE3 hash. Two calls with one key are the same work.
type Key [16]byte

// String is the key in hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// IsZero reports whether k is the zero key, which names no call.
func (k Key) IsZero() bool { return k == Key{} }

// Mix is the key of a kind of thing that is made of parts: each part counts with its length, so that no two lists of
// parts run into each other.
func Mix(kind string, parts ...[]byte) Key {
	var room [256]byte // short ones are hashed without an allocation
	size := len(kind) + 1
	for _, p := range parts {
		size += binary.MaxVarintLen64 + len(p)
	}
	var k Key
	if size <= len(room) {
		b := append(append(room[:0], kind...), 0)
		for _, p := range parts {
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		}
		full := blake3.Sum256(b)
		copy(k[:], full[:])
		return k
	}
	h := blake3.New() // its Write never fails
	_, _ = h.Write(append([]byte(kind), 0))
	for _, p := range parts {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		_, _ = h.Write(p)
	}
	var full [32]byte
	copy(k[:], h.Sum(full[:0]))
	return k
}
