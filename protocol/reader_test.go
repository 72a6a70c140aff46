package protocol

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// frame has a body of n bytes.
func frame(dst []byte, kind FrameKind, n int) []byte {
	return AppendFrame(dst, kind, func(dst []byte) []byte { return append(dst, bytes.Repeat([]byte{byte(n)}, n)...) })
}

// idleReader gives nothing, some times, before each read.
type idleReader struct {
	r    io.Reader
	idle int
	left int
}

func (r *idleReader) Read(p []byte) (int, error) {
	if r.left > 0 {
		r.left--
		return 0, nil
	}
	r.left = r.idle
	return r.r.Read(p)
}

// Frames of all lengths arrive whole, however the bytes of them do.
func TestFrames(t *testing.T) {
	small := []int{0, 1, 5, readSize - 5, 0, readSize, minRead, 100, 3 * readSize, 7, 0, 9, 200_000, 1}
	large := append([]int{9, keepSize, MaxFrame - 1}, small...)
	for name, r := range map[string]func(io.Reader) io.Reader{
		"whole":          func(r io.Reader) io.Reader { return r },
		"byte by byte":   iotest.OneByteReader,
		"halves":         iotest.HalfReader,
		"end with bytes": iotest.DataErrReader,
		"idle":           func(r io.Reader) io.Reader { return &idleReader{r: r, idle: noBytes - 1} },
		"in packets":     func(r io.Reader) io.Reader { return &chunkReader{r, 1460} },
	} {
		sizes := large
		if name == "byte by byte" {
			sizes = small
		}
		var data []byte
		for i, n := range sizes {
			data = frame(data, FrameKind(i), n)
		}
		f := NewFrameReader(r(bytes.NewReader(data)))
		for i, n := range sizes {
			kind, body, err := f.Next()
			if err != nil || kind != FrameKind(i) || len(body) != n || len(bytes.Trim(body, string([]byte{byte(n)}))) != 0 {
				t.Fatalf("%s: frame %d is %d, %d bytes, %v; want %d bytes", name, i, kind, len(body), err, n)
			}
			if cap(body) != len(body) {
				t.Fatalf("%s: to append to frame %d overwrites the next one", name, i)
			}
		}
		for range 2 {
			if _, _, err := f.Next(); err != io.EOF { //nolint:errorlint // the promise is the bare end
				t.Errorf("%s: the end is %v", name, err)
			}
		}
	}
}

// chunkReader gives at most n bytes at once.
type chunkReader struct {
	r io.Reader
	n int
}

func (r *chunkReader) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), r.n)]) }

func TestBrokenFrames(t *testing.T) {
	whole := frame(nil, FramePing, 3)
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"in a length", strings.NewReader(string(whole) + "\x01\x00"), io.ErrUnexpectedEOF},
		{"after a length", strings.NewReader(string(whole) + "\x01\x00\x00\x00"), io.ErrUnexpectedEOF},
		{"in a body", strings.NewReader(string(whole) + string(whole[:7])), io.ErrUnexpectedEOF},
		{"no kind", strings.NewReader(string(whole) + "\x00\x00\x00\x00"), ErrMalformed},
		{"too long", strings.NewReader(string(whole) + "\x01\x00\x80\x00" + string(make([]byte, MaxFrame+1))), ErrMalformed},
		{"much too long", strings.NewReader(string(whole) + "\xff\xff\xff\xff"), ErrMalformed},
		{"of the reader", io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(broken)), broken},
		{"of the reader in a frame", io.MultiReader(bytes.NewReader(append(whole, whole[:6]...)), iotest.ErrReader(broken)), broken},
		{"no progress", io.MultiReader(bytes.NewReader(whole), &idleReader{left: 1 << 30}), io.ErrNoProgress},
	} {
		f := NewFrameReader(c.r)
		if kind, body, err := f.Next(); err != nil || kind != FramePing || len(body) != 3 {
			t.Errorf("%s: the frame before is %d, %x, %v", c.name, kind, body, err)
		}
		for range 2 {
			if _, _, err := f.Next(); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
	}
}

// A length that is claimed takes no memory before the bytes come.
func TestClaimedFrame(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := NewFrameReader(strings.NewReader("\x00\x00\x80\x00\x01" + strings.Repeat("x", readSize+1000)))
	_, _, err := f.Next()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*readSize {
		t.Errorf("it takes %d bytes", used)
	}
}

// The memory of a long frame isn't kept.
func TestLongFrame(t *testing.T) {
	long, short := frame(nil, 1, MaxFrame-1), frame(nil, 2, 10)
	f := NewFrameReader(io.MultiReader(bytes.NewReader(long), bytes.NewReader(short)))
	for _, n := range []int{MaxFrame - 1, 10} {
		if _, body, err := f.Next(); err != nil || len(body) != n {
			t.Fatal(len(body), err)
		}
	}
	if cap(f.buf) > keepSize {
		t.Errorf("it keeps %d bytes", cap(f.buf))
	}
}

// repeated gives the same bytes again and again.
type repeated struct {
	data []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.data[r.at:])
	r.at = (r.at + n) % len(r.data)
	return n, nil
}

func TestFramesAllocateNothing(t *testing.T) {
	for _, size := range []int{10, 5000, 40_000, readSize, 500_000} {
		f := NewFrameReader(&repeated{data: frame(nil, FrameTasks, size)})
		next := func() {
			if _, body, err := f.Next(); err != nil || len(body) != size {
				t.Fatal(len(body), err)
			}
		}
		for range 10 {
			next()
		}
		if n := testing.AllocsPerRun(1000, next); n != 0 {
			t.Errorf("a frame of %d bytes allocates %v times", size, n)
		}
	}
}
