package object

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// What goes through is written and hashed, in pieces of any size.
func TestSeal(t *testing.T) {
	data := make([]byte, (2*pieces+1)*piece+atOnce/2)
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
	whole := func() io.Reader { return bytes.NewReader(data) }
	for _, r := range []io.Reader{whole(), iotest.HalfReader(whole()), iotest.DataErrReader(whole())} {
		var got bytes.Buffer
		s := Seal(&got)
		if n, err := s.ReadFrom(r); err != nil || n != int64(len(data)) || s.ID() != ID(data) || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("copied from %T: %d, %v, %s", r, n, err, s.ID())
		}
	}
	if Seal(io.Discard).ID() != ID(nil) {
		t.Error("nothing has another hash")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("full")

func TestSealFails(t *testing.T) {
	broken := io.MultiReader(bytes.NewReader(make([]byte, piece+1)), iotest.ErrReader(errFull))
	if n, err := Seal(io.Discard).ReadFrom(broken); !errors.Is(err, errFull) || n != piece+1 {
		t.Error(n, err)
	}
	cut := io.MultiReader(bytes.NewReader(make([]byte, piece+1)), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := Seal(io.Discard).ReadFrom(cut); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that is cut off: %v", err)
	}
	if _, err := Seal(full{}).ReadFrom(bytes.NewReader(make([]byte, 2*piece))); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
