package journal

import "io"

// checkedAtOnce is up to which size data is read and checked when the file is opened. Longer data is checked when it is
// used.
const checkedAtOnce = 64 << 10

// scanned says what scan has found.
type scanned struct {
	salt    uint32
	end     int64 // of the last whole frame; 0 for an empty file
	damaged int
	long    []int64 // damaged frames before end that would take in what is appended there
}

// scan reads the frames of a file of the given size into x. Records whose data is damaged are left out; behind a damaged
// head the next whole frame is looked for.
func scan(f io.ReaderAt, size int64, x *index) (s scanned, err error) {
	w := &window{f: f, size: size}
	h, _, err := w.at(0, int(min(size, int64(fileHeadLen))))
	if err != nil {
		return s, err
	}
	salt, empty, err := readFileHead(h)
	if empty || err != nil {
		return s, err
	}
	w.salt = salt
	s = scanned{salt: salt, end: int64(fileHeadLen)}
	for off := s.end; off < size; {
		e, meta, next, err := w.frame(off)
		if err == nil && next == 0 {
			if off, err = w.seek(off + 1); off < size {
				s.damaged++
			}
		} else if err == nil {
			err = w.take(off, next, e, len(meta), x, &s)
			off = next
		}
		if err != nil {
			return s, err
		}
	}
	for _, off := range w.long {
		if off < s.end {
			s.long = append(s.long, off)
		}
	}
	return s, nil
}

// take enters the frame from off to next into x.
func (w *window) take(off, next int64, e Entry, meta int, x *index, s *scanned) error {
	whole := headLen + meta
	if e.size <= checkedAtOnce {
		whole += int(e.size)
	}
	b, _, err := w.at(off, whole)
	if err != nil {
		return err
	}
	data := b[headLen+meta:]
	s.end = next
	if int64(len(data)) == e.size && dataSum(data) != e.sum || !x.add(b[headLen:headLen+meta], data, e) {
		s.damaged++
	}
	return nil
}
