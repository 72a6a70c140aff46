package yardstick

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// A frame is what goes through all of the processes: its size, behind these four bytes; a byte, of what; and the records.
const (
	frameHead   = 5
	recordSize  = 40 // of a task: its id, its argument or result, and what stands for a key and the like
	recordValue = 8  // where in it the value begins
	itemSize    = 8
	maxFrame    = 1 << 20

	frameTasks = 't'
	frameCalls = 'c' // as of tasks: of a call, of which the driver hears ahead of the stream
	frameItems = 'i'
)

// appendFrame appends a frame with the n records from first on.
func appendFrame(dst []byte, kind byte, first, n int) []byte {
	size := n * sizeOf(kind)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(1+size)) //nolint:gosec // it is small
	dst = append(dst, kind)
	for i := first; i < first+n; i++ {
		if kind == frameItems {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(i)))
			continue
		}
		var record [recordSize]byte
		binary.LittleEndian.PutUint64(record[:], uint64(i))            //nolint:gosec // it isn't negative
		binary.LittleEndian.PutUint64(record[recordValue:], uint64(i)) //nolint:gosec // it isn't negative
		dst = append(dst, record[:]...)
	}
	return dst
}

func sizeOf(kind byte) int {
	if kind == frameItems {
		return itemSize
	}
	return recordSize
}

// execute calls the function for each record of a frame, whose value it replaces.
func execute(frame []byte) {
	if kind, records := frame[frameHead-1], frame[frameHead:]; kind == frameItems {
		for ; len(records) >= itemSize; records = records[itemSize:] {
			x := math.Float64frombits(binary.LittleEndian.Uint64(records))
			binary.LittleEndian.PutUint64(records, math.Float64bits(addToItem(x)))
		}
	} else {
		for ; len(records) >= recordSize; records = records[recordSize:] {
			n := binary.LittleEndian.Uint64(records[recordValue:])
			binary.LittleEndian.PutUint64(records[recordValue:], addToTask(n))
		}
	}
}

// The functions that are executed, by way of variables, so that each one is a call.
var (
	addToTask = func(n uint64) uint64 { return n + 1 }
	addToItem = func(x float64) float64 { return x + 1 }
)

// tally is how many records there are in frames, and the sum of their values.
type tally struct {
	frames, records int
	sum             uint64 // values are whole numbers
}

func (t *tally) add(frames []byte) error {
	for len(frames) > 0 {
		if len(frames) < frameHead {
			return errMalformed
		}
		size := 4 + int(binary.LittleEndian.Uint32(frames))
		if size < frameHead || size > len(frames) {
			return errMalformed
		}
		t.addRecords(frames[frameHead-1], frames[frameHead:size])
		frames = frames[size:]
	}
	return nil
}

func (t *tally) addRecords(kind byte, records []byte) {
	t.frames++
	size := sizeOf(kind)
	for ; len(records) >= size; records = records[size:] {
		t.records++
		if kind == frameItems {
			t.sum += uint64(math.Float64frombits(binary.LittleEndian.Uint64(records)))
		} else {
			t.sum += binary.LittleEndian.Uint64(records[recordValue:])
		}
	}
}

var errMalformed = errors.New("a frame makes no sense")

// readFrame appends the next frame. The error is io.EOF at the end, between two frames.
func readFrame(r *bufio.Reader, dst []byte) ([]byte, error) {
	head, err := r.Peek(frameHead)
	if err != nil {
		if len(head) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return dst, err
	}
	size := 4 + int(binary.LittleEndian.Uint32(head))
	if size < frameHead || size > maxFrame {
		return dst, errMalformed
	}
	had := len(dst)
	dst = slices.Grow(dst, size)[:had+size]
	_, err = io.ReadFull(r, dst[had:])
	return dst, err
}
