package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Status is how what a record speaks of ended.
type Status uint8

// A task or a range of a Map succeeded, or failed for good.
const (
	OK Status = iota + 1
	Failed
)

// Record is one outcome. From and To are set for the items of a Map that Key names: Inputs is the hash of their inputs.
// A range with failures among its results is Failed.
type Record struct {
	Key      Key
	Func     string // for people
	Status   Status
	Attempt  int
	From, To int
	Inputs   Key
	Data     []byte // the encoded result, error or results
}

// kinds of records.
const (
	kindSession = 's' // data: a Run in JSON
	kindFunc    = 'f' // a function's number in this run, and its code
	kindTask    = 't'
	kindRange   = 'm'
)

// frame lengths: of what stands before the meta part, and the most that the meta part takes.
const (
	headLen = 20
	maxMeta = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a frame around the meta part that fill appends.
func appendFrame(dst []byte, fill func([]byte) []byte, data []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, headLen)...)
	dst = fill(dst)
	h := dst[at : at+headLen]
	meta := dst[at+headLen:]
	binary.LittleEndian.PutUint32(h, uint32(len(meta)))
	binary.LittleEndian.PutUint64(h[4:], uint64(len(data)))
	binary.LittleEndian.PutUint32(h[12:], headSum(h, meta))
	binary.LittleEndian.PutUint32(h[16:], crc32.Checksum(data, castagnoli))
	return append(dst, data...)
}

func headSum(h, meta []byte) uint32 {
	return crc32.Update(crc32.Checksum(h[:12], castagnoli), castagnoli, meta)
}

// frame is a frame's head, decoded.
type frame struct {
	meta    int
	data    int64
	headSum uint32
	dataSum uint32
}

var errFrame = errors.New("not a frame")

// readHead decodes the head of a frame. Its sum can be checked once the meta part is there.
func readHead(h []byte) (frame, error) {
	f := frame{
		meta:    int(binary.LittleEndian.Uint32(h)),
		data:    int64(binary.LittleEndian.Uint64(h[4:])),
		headSum: binary.LittleEndian.Uint32(h[12:]),
		dataSum: binary.LittleEndian.Uint32(h[16:]),
	}
	if f.meta < 1 || f.meta > maxMeta || f.data < 0 {
		return f, errFrame
	}
	return f, nil
}

func appendTask(dst []byte, fn uint64, r *Record) []byte {
	return appendFrame(dst, func(b []byte) []byte {
		kind := byte(kindTask)
		if r.To > 0 {
			kind = kindRange
		}
		b = append(append(b, kind, byte(r.Status)), r.Key[:]...)
		b = binary.AppendUvarint(b, fn)
		b = binary.AppendUvarint(b, uint64(r.Attempt))
		if kind == kindRange {
			b = binary.AppendUvarint(b, uint64(r.From))
			b = binary.AppendUvarint(b, uint64(r.To-r.From))
			b = append(b, r.Inputs[:]...)
		}
		return b
	}, r.Data)
}

// readTask decodes the meta part of a task or a range.
func readTask(meta []byte) (r Record, fn uint64, err error) {
	c := cursor{rest: meta[1:]}
	r.Status = Status(c.byte())
	c.key(&r.Key)
	fn = c.uvarint()
	r.Attempt = int(c.uvarint())
	if meta[0] == kindRange {
		r.From = int(c.uvarint())
		r.To = r.From + int(c.uvarint())
		c.key(&r.Inputs)
		if r.From < 0 || r.To <= r.From {
			c.bad = true
		}
	}
	if c.bad || len(c.rest) > 0 || r.Status < OK || r.Status > Failed {
		return r, fn, fmt.Errorf("record of kind %q: malformed", meta[0])
	}
	return r, fn, nil
}

// cursor reads a meta part from front to back; bad says that something was missing.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) byte() byte {
	if len(c.rest) == 0 {
		c.bad = true
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *cursor) key(k *Key) {
	if len(c.rest) < len(k) {
		c.bad, c.rest = true, nil
		return
	}
	c.rest = c.rest[copy(k[:], c.rest):]
}

func (c *cursor) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 || n > 1<<62 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) text() string {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return ""
	}
	s := string(c.rest[:n])
	c.rest = c.rest[n:]
	return s
}
