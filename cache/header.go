package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// An entry's file is a header, zeros up to the payload's offset, and the payload; doc.go has the header's fields.
const (
	magic      = "\x89mcache\n"
	format     = 1
	fixedLen   = 112
	mapOffset  = 64 << 10 // of the payload of a file that is mapped: a multiple of every page size
	flagZstd   = 1
	flagRaw    = 2
	flagMap    = 4
	hashLen    = len(Hash{})
	minEntry   = fixedLen + hashLen
	maxHeadLen = fixedLen + maxMeta + 8 + hashLen
)

// header is what an entry's file begins with.
type header struct {
	flags   uint32
	metaLen uint32
	offset  uint32 // of the payload
	length  uint64 // of the payload
	value   uint64 // the value's length
	created int64  // nanoseconds since 1970
	key     Key
	sum     Hash // of the payload
}

func (h *header) is(flag uint32) bool { return h.flags&flag != 0 }

func (h *header) createdAt() time.Time { return time.Unix(0, h.created) }

// size is that of the whole file.
func (h *header) size() int64 { return int64(h.offset) + int64(h.length) }

// headLen is the length of the fields, the meta data and the header's checksum. It is a multiple of 8, so that the
// payload of a file that is read into one buffer is aligned for every number.
func headLen(metaLen int) int { return (fixedLen+metaLen+7)&^7 + hashLen }

// appendHeader appends h with its meta data and the header's checksum.
func appendHeader(b []byte, h *header, meta []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, format)
	b = binary.LittleEndian.AppendUint32(b, h.flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta)))
	b = binary.LittleEndian.AppendUint32(b, h.offset)
	b = binary.LittleEndian.AppendUint64(b, h.length)
	b = binary.LittleEndian.AppendUint64(b, h.value)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.created))
	b = append(b, h.key[:]...)
	b = append(b, h.sum[:]...)
	b = append(b, meta...)
	b = append(b, make([]byte, headLen(len(meta))-hashLen-(len(b)-start))...)
	sum := sum256(b[start:])
	return append(b, sum[:]...)
}

var (
	errMagic    = errors.New("it doesn't begin like an entry")
	errHeadSum  = errors.New("its header's checksum is wrong")
	errSum      = errors.New("its payload's checksum is wrong")
	errOtherKey = errors.New("it belongs to another key")
	errLayout   = errors.New("its header's lengths contradict each other")
)

// parseHead reads the fixed fields, as far as they must be known to read the rest. Nothing in them can be trusted
// before check.
func parseHead(b []byte) (h header, err error) {
	if len(b) < minEntry {
		return h, fmt.Errorf("it has %d bytes, less than a header", len(b))
	}
	if string(b[:8]) != magic || binary.LittleEndian.Uint32(b[8:]) != format {
		return h, errMagic
	}
	h.flags = binary.LittleEndian.Uint32(b[12:])
	h.metaLen = binary.LittleEndian.Uint32(b[16:])
	h.offset = binary.LittleEndian.Uint32(b[20:])
	h.length = binary.LittleEndian.Uint64(b[24:])
	h.value = binary.LittleEndian.Uint64(b[32:])
	h.created = int64(binary.LittleEndian.Uint64(b[40:]))
	copy(h.key[:], b[48:])
	copy(h.sum[:], b[80:])
	if h.metaLen > maxMeta {
		return h, errLayout
	}
	return h, nil
}

// check compares the header with its checksum, with the key that was asked for, and with the file's size. b holds the
// header at least.
func (h *header) check(b []byte, key *Key, size int64) error {
	end := headLen(int(h.metaLen))
	if len(b) < end {
		return fmt.Errorf("it has %d bytes, less than its header", len(b))
	}
	if sum256(b[:end-hashLen]) != [32]byte(b[end-hashLen:end]) {
		return errHeadSum
	}
	if key != nil && h.key != *key {
		return errOtherKey
	}
	if h.size() != size {
		return fmt.Errorf("it has %d bytes, want %d", size, h.size())
	}
	if int(h.offset) < end || h.is(flagMap) && (h.offset != mapOffset || h.is(flagZstd)) || !h.is(flagZstd) && h.value != h.length {
		return errLayout
	}
	return nil
}

// info decodes the meta data of a header that was checked.
func (h *header) info(b []byte) (i Info, err error) {
	err = infoPlan.Decode(b[fixedLen:fixedLen+h.metaLen], &i, nil)
	return i, err
}
