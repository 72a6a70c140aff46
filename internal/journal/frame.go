package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// The head of the file: the magic, whose last byte is the version of the format, the salt, and the CRC of both.
const (
	brand       = "musterj"
	version     = 1
	magic       = brand + "\x01"
	fileHeadLen = len(magic) + 8
)

// ErrFormat says that a file isn't a journal that this version can read. Such a file is left as it is.
var ErrFormat = errors.New("not a journal that this version of muster reads")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFileHead begins a file. The salt is a random number that goes into the CRC of each frame's head: what a task
// has read from another journal, and returned as its result, isn't taken for a record of this one.
func appendFileHead(dst []byte, salt uint32) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(append(dst, magic...), salt)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// readFileHead gives the salt of a file that begins with h. A short one, which a killed process has left, is empty.
func readFileHead(h []byte) (salt uint32, empty bool, err error) {
	most := h[:min(len(h), len(magic))]
	if len(most) == len(magic) && strings.HasPrefix(string(most), brand) && most[len(brand)] != version {
		return 0, false, fmt.Errorf("%w: its format is %d, and %d is read here: go on with the version of muster that wrote it, "+
			"or remove the job", ErrFormat, most[len(brand)], version)
	}
	if !strings.HasPrefix(magic, string(most)) {
		return 0, false, fmt.Errorf("%w: it begins with %q: remove it, or give the job another name", ErrFormat, most)
	}
	if len(h) < fileHeadLen {
		return 0, true, nil
	}
	if binary.LittleEndian.Uint32(h[len(magic)+4:]) != crc32.Checksum(h[:len(magic)+4], castagnoli) {
		return 0, false, fmt.Errorf("%w: its first %d bytes are damaged: remove the job", ErrFormat, fileHeadLen)
	}
	return binary.LittleEndian.Uint32(h[len(magic):]), false, nil
}

// The length of what stands before the meta part of a frame, and the most that a meta part and its data may have.
const (
	headLen = 20
	maxMeta = 16 << 10
	maxData = 1 << 40
)

// openFrame appends the room for a frame's head; meta and data follow, then closeFrame.
func openFrame(dst []byte) []byte { return append(dst, make([]byte, headLen)...) }

// closeFrame fills in the head of the frame at a position; its meta part is the rest of dst. The data is appended.
func closeFrame(dst []byte, at int, salt uint32, data []byte, sum uint32) []byte {
	h, meta := dst[at:at+headLen], dst[at+headLen:]
	binary.LittleEndian.PutUint32(h, uint32(len(meta)))
	binary.LittleEndian.PutUint64(h[4:], uint64(len(data)))
	binary.LittleEndian.PutUint32(h[12:], headSum(salt, h, meta))
	binary.LittleEndian.PutUint32(h[16:], sum)
	return append(dst, data...)
}

func headSum(salt uint32, h, meta []byte) uint32 {
	return crc32.Update(crc32.Update(salt, castagnoli, h[:12]), castagnoli, meta)
}

func dataSum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// frame is a frame's head, decoded.
type frame struct {
	meta    int
	data    int64
	headSum uint32
	dataSum uint32
}

// readHead decodes the head of a frame. False means that none can be there; its sum is checked with the meta part.
func readHead(h []byte) (frame, bool) {
	meta, data := binary.LittleEndian.Uint32(h), binary.LittleEndian.Uint64(h[4:])
	if meta-1 >= maxMeta || data > maxData {
		return frame{}, false
	}
	return frame{
		meta: int(meta), data: int64(data),
		headSum: binary.LittleEndian.Uint32(h[12:]), dataSum: binary.LittleEndian.Uint32(h[16:]),
	}, true
}
