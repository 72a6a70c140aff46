package object

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// What goes through is written and hashed, in pieces of any size.
func TestSeal(t *testing.T) {
	data := make([]byte, 3*piece+atOnce/2)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	for _, size := range []int{1000, atOnce - 1, atOnce, piece, len(data)} {
		var got bytes.Buffer
		s := Seal(&got)
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			if _, err := s.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if s.ID() != ID(data) || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("in pieces of %d: %s, and %d bytes", size, s.ID(), got.Len())
		}
	}
	s := Seal(io.Discard)
	if n, err := s.Copy(bytes.NewReader(data)); err != nil || n != int64(len(data)) || s.ID() != ID(data) {
		t.Errorf("copied: %d, %v, %s", n, err, s.ID())
	}
	if Seal(io.Discard).ID() != ID(nil) {
		t.Error("nothing has another hash")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("full")

func TestSealFails(t *testing.T) {
	if _, err := Seal(full{}).Copy(bytes.NewReader(make([]byte, 2*piece))); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
