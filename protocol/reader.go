package protocol

import (
	"encoding/binary"
	"fmt"
	"io"
)

// FrameReader reads frames from a socket. It allocates nothing per frame, and for a frame no more than twice of what has
// come of it, whatever its head claims.
type FrameReader struct {
	r    io.Reader
	buf  []byte
	next int   // where in buf the next frame begins
	err  error // of r, told once what came before it is used up
}

const (
	readSize = 64 << 10 // of the buffer
	minRead  = 4 << 10  // asked for at once, at least
	keepSize = 1 << 20  // a buffer beyond it is let go once it is used up
	noBytes  = 100      // reads in a row that may give neither a byte nor an error
)

// NewFrameReader reads frames from r.
func NewFrameReader(r io.Reader) *FrameReader { return &FrameReader{r: r} }

// Next reads a frame. Its body is valid until the next call. The error is io.EOF at the end of the stream, between two
// frames.
func (f *FrameReader) Next() (FrameKind, []byte, error) {
	if err := f.fill(4); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(f.buf[f.next:])
	if n < 1 || n > MaxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrMalformed, n)
	}
	size := 4 + int(n)
	if err := f.fill(size); err != nil {
		return 0, nil, err
	}
	frame := f.buf[f.next : f.next+size : f.next+size]
	f.next += size
	return FrameKind(frame[4]), frame[5:], nil
}

// fill reads until the buffer holds n bytes of the next frame. Its error is io.EOF only if it holds none.
func (f *FrameReader) fill(n int) error {
	for idle := 0; len(f.buf)-f.next < n; {
		if f.err != nil {
			if f.err == io.EOF && len(f.buf) > f.next { //nolint:errorlint // a Reader's bare end
				return io.ErrUnexpectedEOF
			}
			return f.err
		}
		f.makeRoom(n)
		got, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf, f.err = f.buf[:len(f.buf)+got], err
		switch idle++; {
		case got > 0:
			idle = 0
		case idle == noBytes && err == nil:
			f.err = io.ErrNoProgress
		}
	}
	return nil
}

// makeRoom moves what is left to the front of the buffer once there is little room behind it. It takes a new one if that
// is too full for a frame of n bytes, or if a long frame made it large.
func (f *FrameReader) makeRoom(n int) {
	left := f.buf[f.next:]
	if len(left) > 0 && cap(f.buf)-len(f.buf) >= minRead {
		return
	}
	buf := f.buf[:0]
	if len(left) == 0 && cap(buf) > keepSize || cap(buf)-len(left) < minRead {
		buf = make([]byte, 0, max(readSize, min(2*len(left), n+readSize)))
	}
	f.buf, f.next = append(buf, left...), 0
}
