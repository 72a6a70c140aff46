package object

import (
	"encoding/hex"
	"io"

	"github.com/zeebo/blake3"
)

// A reader is read in pieces of so many bytes, of which some are read and written while an earlier one is hashed: together
// they stay in a processor's cache.
const (
	piece  = 256 << 10
	pieces = 3
)

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

// ReadFrom writes all of r, and gives how many bytes that were.
func (s *Sealer) ReadFrom(r io.Reader) (n int64, err error) {
	read, free := make(chan []byte, pieces), make(chan []byte, pieces)
	hashed := make(chan struct{})
	go func() {
		defer close(hashed)
		for p := range read {
			_, _ = s.hash.Write(p)
			free <- p[:piece]
		}
	}()
	for made := 0; err == nil; made++ {
		var p []byte
		if made < pieces {
			p = make([]byte, piece)
		} else {
			p = <-free
		}
		var got int
		if got, err = fill(p, r); got > 0 {
			if _, failed := s.to.Write(p[:got]); failed != nil {
				err = failed
				break
			}
			read <- p[:got]
			n += int64(got)
		}
	}
	close(read)
	<-hashed
	if err == io.EOF { //nolint:errorlint // as readers give it
		err = nil
	}
	return n, err
}

// fill reads until p is full, and gives the reader's own error: io.ReadFull's is the same at the end as that of a reader which
// was cut off.
func fill(p []byte, r io.Reader) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = r.Read(p[n:])
		n += got
	}
	return n, err
}

// ID is the id of what was written.
func (s *Sealer) ID() string { return hex.EncodeToString(s.hash.Sum(nil)) }
