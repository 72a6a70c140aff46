package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Major types of RFC 8949, section 3.1, in the place they have in an item's first byte.
const (
	majorUint   = 0 << 5
	majorNegInt = 1 << 5
	majorBytes  = 2 << 5
	majorText   = 3 << 5
	majorArray  = 4 << 5
	majorMap    = 5 << 5
	majorTag    = 6 << 5
)

// Whole items of one byte, and the first bytes of floats.
const (
	itemFalse  = 0xf4
	itemTrue   = 0xf5
	itemNull   = 0xf6
	headHalf   = 0xf9
	headSingle = 0xfa
	headDouble = 0xfb
)

// Tags of our own, in the range that anyone may use (first come, first served). In ASCII they read "mref" and
// "merr", so that a hex dump explains itself.
const (
	tagRef   = 0x6d726566
	tagError = 0x6d657272
)

// tagTime is RFC 8949, section 3.4.1: a date and time as RFC 3339 text.
const tagTime = 0

var (
	errShort      = errors.New("the data ends too early")
	errIndefinite = errors.New("found an item of indefinite length, only definite lengths are read")
)

// appendHead writes the head of an item in its shortest form, as core deterministic encoding requires.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= 0xff:
		return append(dst, major|24, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= 0xffff_ffff:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|27), n)
	}
}

// headLen is the length of what appendHead writes.
func headLen(n int) int { return len(appendHead(make([]byte, 0, 9), 0, uint64(n))) }

// readHead reads an item's head, in any of its lengths: other writers need not be deterministic.
func readHead(data []byte) (major byte, n uint64, rest []byte, err error) {
	if len(data) == 0 {
		return 0, 0, nil, errShort
	}
	major, info, rest := data[0]&0xe0, data[0]&0x1f, data[1:]
	if info < 24 {
		return major, uint64(info), rest, nil
	}
	if info > 27 {
		if info == 31 {
			return 0, 0, nil, errIndefinite
		}
		return 0, 0, nil, fmt.Errorf("found the reserved head 0x%02x", data[0])
	}
	size := 1 << (info - 24)
	if len(rest) < size {
		return 0, 0, nil, errShort
	}
	switch size {
	case 1:
		n = uint64(rest[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		n = uint64(binary.BigEndian.Uint32(rest))
	default:
		n = binary.BigEndian.Uint64(rest)
	}
	return major, n, rest[size:], nil
}

// readOpen reads a head that must be of the major type wanted.
func readOpen(data []byte, want byte, what string) (n uint64, rest []byte, err error) {
	major, n, rest, err := readHead(data)
	if err != nil {
		return 0, nil, err
	}
	if major != want {
		return 0, nil, mismatch(data, what)
	}
	return n, rest, nil
}

// readRun reads a whole byte or text string. The result is a part of data: copy it to keep it.
func readRun(data []byte, want byte, what string) (run, rest []byte, err error) {
	n, rest, err := readOpen(data, want, what)
	if err != nil {
		return nil, nil, err
	}
	if n > uint64(len(rest)) {
		return nil, nil, errShort
	}
	return rest[:n], rest[n:], nil
}

// mismatch says what stands in the data and what should.
func mismatch(data []byte, want string) error {
	if len(data) == 0 {
		return errShort
	}
	return fmt.Errorf("found %s, want %s", describe(data[0]), want)
}

func describe(first byte) string {
	switch first {
	case itemFalse, itemTrue:
		return "a bool"
	case itemNull:
		return "null"
	case headHalf, headSingle, headDouble:
		return "a float"
	}
	return [...]string{
		"an integer", "a negative integer", "a byte string", "a text string",
		"an array", "a map", "a tag", "a simple value",
	}[first>>5]
}

func isNull(data []byte) bool { return len(data) > 0 && data[0] == itemNull }
