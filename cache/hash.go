package cache

import (
	"sync"

	"github.com/zeebo/blake3"
)

// hashers are kept: a new one's 10 KB would have to be cleared for each hash, and don't fit a goroutine's first stack.
var hashers = sync.Pool{New: func() any { return blake3.New() }}

// sum256 is the BLAKE3 hash of data.
func sum256(data []byte) (sum [32]byte) {
	h := hashers.Get().(*blake3.Hasher)
	defer hashers.Put(h)
	h.Reset()
	_, _ = h.Write(data) // never fails
	h.Sum(sum[:0])
	return sum
}
