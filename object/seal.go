package object

import (
	"encoding/hex"
	"io"

	"github.com/zeebo/blake3"
)

// piece is how much is read before it is written, in bytes.
const piece = 1 << 20

// atOnce is from how many bytes on a goroutine of its own pays for the hash.
const atOnce = 64 << 10

// Sealer is a writer that passes on what is written, and hashes it meanwhile: that takes as long as the slower of the two.
// Not for several goroutines at once.
type Sealer struct {
	to   io.Writer
	hash *blake3.Hasher
}

// Seal makes a Sealer in front of a writer.
func Seal(to io.Writer) *Sealer { return &Sealer{to: to, hash: blake3.New()} }

// Write writes p. The ID means nothing any more after an error.
func (s *Sealer) Write(p []byte) (int, error) {
	if len(p) < atOnce {
		_, _ = s.hash.Write(p) // a hash never fails
		return s.to.Write(p)
	}
	hashed := make(chan struct{})
	go func() {
		defer close(hashed)
		_, _ = s.hash.Write(p)
	}()
	n, err := s.to.Write(p)
	<-hashed
	return n, err
}

// Copy writes all of r, and gives how many bytes that were.
func (s *Sealer) Copy(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{s}, struct{ io.Reader }{r}, make([]byte, piece))
}

// ID is the id of what was written.
func (s *Sealer) ID() string { return hex.EncodeToString(s.hash.Sum(nil)) }
