package journal

import (
	"encoding/binary"
	"fmt"
	"io"
)

// window reads a file from front to back: in large pieces as long as the reader stays in them, and in small ones behind
// large data that is passed over.
type window struct {
	f     io.ReaderAt
	size  int64
	salt  uint32
	buf   []byte
	start int64
	step  int64
	long  []int64 // where frames are whose data would go on beyond the end of the file
}

// How much of the file a window reads at once.
const (
	leastWindow = 4 << 10
	mostWindow  = 1 << 20
)

// at gives n bytes at off, valid until the next call, or false beyond the end of the file.
func (w *window) at(off int64, n int) ([]byte, bool, error) {
	if int64(n) > w.size-off {
		return nil, false, nil
	}
	if off < w.start || off+int64(n) > w.start+int64(len(w.buf)) {
		if err := w.move(off, int64(n)); err != nil {
			return nil, false, err
		}
	}
	return w.buf[off-w.start:][:n], true, nil
}

func (w *window) move(off, least int64) error {
	w.step = min(2*w.step, mostWindow)
	if off > w.start+int64(len(w.buf)) {
		w.step = leastWindow
	}
	want := min(max(least, w.step, leastWindow), w.size-off)
	if int64(cap(w.buf)) < want {
		w.buf = make([]byte, want)
	}
	w.buf, w.start = w.buf[:want], off
	if got, err := w.f.ReadAt(w.buf, off); int64(got) < want {
		w.buf = w.buf[:0]
		return fmt.Errorf("read at %d: %w", off, err)
	}
	return nil
}

// frame decodes the frame at off, up to its data. Without a whole one there, next is 0.
func (w *window) frame(off int64) (e Entry, meta []byte, next int64, err error) {
	h, ok, err := w.at(off, headLen)
	if !ok || err != nil {
		return e, nil, 0, err
	}
	f, ok := readHead(h)
	if !ok {
		return e, nil, 0, nil
	}
	b, ok, err := w.at(off, headLen+f.meta)
	if !ok || err != nil || headSum(w.salt, b[:headLen], b[headLen:]) != f.headSum {
		return e, nil, 0, err
	}
	e = Entry{at: off + headLen + int64(f.meta), size: f.data, sum: f.dataSum}
	if f.data > w.size-e.at {
		w.long = append(w.long, off)
		return e, nil, 0, nil
	}
	return e, b[headLen:], e.at + f.data, nil
}

// seek finds the first whole frame at off or behind it, or gives the size of the file: a damaged head doesn't say where
// the next one is.
func (w *window) seek(off int64) (int64, error) {
	for {
		if _, ok, err := w.at(off, headLen); !ok || err != nil {
			return w.size, err
		}
		b := w.buf[off-w.start:]
		i := likeHead(b)
		off += int64(i)
		if i+headLen > len(b) {
			continue
		}
		if _, _, next, err := w.frame(off); next != 0 || err != nil {
			return off, err
		}
		off++
	}
}

// likeHead finds the first position that may be a frame's head, or the first that is too near to the end for one. It is
// readHead for where there is mostly none: the upper bytes of the data's length are 0, and the meta part is short.
func likeHead(b []byte) int {
	i := 0
	for ; i+headLen <= len(b); i++ {
		if h := b[i : i+12]; h[11]|h[3] == 0 && // two bytes tell most
			binary.LittleEndian.Uint32(h[8:]) <= maxData>>32 && binary.LittleEndian.Uint32(h)-1 < maxMeta {
			break
		}
	}
	return i
}
