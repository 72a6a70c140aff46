package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// magic begins the file; its last byte is the version of the format.
const magic = "musterj\x01"

// checkedAtOnce is up to which size data is read and checked when the file is opened. Longer data is checked when it is
// used.
const checkedAtOnce = 64 << 10

// ErrFormat says that a file isn't a journal that this version can read.
var ErrFormat = errors.New("not a journal of this version of muster")

// scan reads the frames of a file of the given size into x and returns where the last whole one ends. Records whose data
// is damaged are left out and counted.
func scan(f io.ReaderAt, size int64, x *index) (end int64, damaged int, err error) {
	w := &window{f: f, size: size}
	head, ok, err := w.at(0, len(magic))
	if err != nil || !ok {
		return 0, 0, err
	}
	if string(head) != magic {
		return 0, 0, ErrFormat
	}
	for end = int64(len(magic)); ; {
		e, meta, next, err := w.frame(end)
		if err != nil || next == 0 {
			return end, damaged, err
		}
		var data []byte
		if e.size <= checkedAtOnce {
			var b []byte
			if b, _, err = w.at(end+headLen, len(meta)+int(e.size)); err != nil { // whole: the window may have moved
				return end, damaged, err
			}
			meta, data = b[:len(meta)], b[len(meta):]
			if crc32.Checksum(data, castagnoli) != e.sum {
				damaged++
				end = next
				continue
			}
		}
		if x.add(meta, data, e) != nil {
			damaged++
		}
		end = next
	}
}

// frame decodes the frame at off. Without a whole one there, next is 0.
func (w *window) frame(off int64) (e Entry, meta []byte, next int64, err error) {
	h, ok, err := w.at(off, headLen)
	if !ok || err != nil {
		return e, nil, 0, err
	}
	f, bad := readHead(h)
	if bad != nil {
		return e, nil, 0, nil
	}
	b, ok, err := w.at(off, headLen+f.meta)
	if !ok || err != nil || headSum(b[:headLen], b[headLen:]) != f.headSum {
		return e, nil, 0, err
	}
	e = Entry{at: off + headLen + int64(f.meta), size: f.data, sum: f.dataSum}
	if f.data > w.size-e.at {
		return e, nil, 0, nil
	}
	return e, b[headLen:], e.at + f.data, nil
}

// window reads a file from front to back in large pieces.
type window struct {
	f     io.ReaderAt
	size  int64
	buf   []byte
	start int64
}

const windowLen = 1 << 20

// at gives n bytes at off, valid until the next call, or false beyond the end of the file.
func (w *window) at(off int64, n int) ([]byte, bool, error) {
	if off+int64(n) > w.size {
		return nil, false, nil
	}
	if off < w.start || off+int64(n) > w.start+int64(len(w.buf)) {
		want := min(max(int64(n), windowLen), w.size-off)
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.start = w.buf[:want], off
		if got, err := w.f.ReadAt(w.buf, off); err != nil && int64(got) < want {
			w.buf = nil
			return nil, false, fmt.Errorf("read at %d: %w", off, err)
		}
	}
	return w.buf[off-w.start:][:n], true, nil
}

func appendFunc(dst []byte, c Code) []byte {
	return appendFrame(dst, func(b []byte) []byte {
		b = append(b, kindFunc)
		for _, s := range []string{c.Func, c.Kind, c.ID} {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
		return b
	}, nil)
}
