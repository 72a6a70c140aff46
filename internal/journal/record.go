package journal

import (
	"encoding/binary"
	"fmt"
	"math"
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

// check panics when a record couldn't be read again.
func (r *Record) check() {
	if r.Status != OK && r.Status != Failed || r.Attempt < 0 || r.From < 0 || r.To < 0 || r.From > 0 && r.To <= r.From {
		panic(fmt.Sprintf("journal: a record with status %d, attempt %d and the range %d to %d", r.Status, r.Attempt, r.From, r.To))
	}
}

// Code says which code of a function made the records: its fingerprint, declared version or build, with how it was got.
// Each text is kept up to 4 KiB.
type Code struct {
	Func string
	Kind string
	ID   string
}

// textLimit keeps a function's meta part below maxMeta.
const textLimit = 4 << 10

// kinds of records: the first byte of a meta part.
const (
	kindSession = 's' // data: a Run in JSON
	kindFunc    = 'f' // a function's number, which no other in the file has, and its code
	kindTask    = 't'
	kindRange   = 'm'
)

func appendSession(dst []byte, salt uint32, run []byte) []byte {
	at := len(dst)
	dst = append(openFrame(dst), kindSession)
	return closeFrame(dst, at, salt, run, dataSum(run))
}

func appendFunc(dst []byte, salt uint32, fn uint64, c Code) []byte {
	at := len(dst)
	dst = binary.AppendUvarint(append(openFrame(dst), kindFunc), fn)
	for _, s := range []string{c.Func, c.Kind, c.ID} {
		s = s[:min(len(s), textLimit)]
		dst = append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	}
	return closeFrame(dst, at, salt, nil, 0)
}

// appendTask appends an outcome; sum is its data's.
func appendTask(dst []byte, salt uint32, fn uint64, r *Record, sum uint32) []byte {
	at := len(dst)
	kind := byte(kindTask)
	if r.To > 0 {
		kind = kindRange
	}
	dst = append(append(openFrame(dst), kind, byte(r.Status)), r.Key[:]...)
	dst = binary.AppendUvarint(dst, fn)
	dst = binary.AppendUvarint(dst, uint64(r.Attempt))
	if kind == kindRange {
		dst = binary.AppendUvarint(dst, uint64(r.From))
		dst = binary.AppendUvarint(dst, uint64(r.To-r.From))
		dst = append(dst, r.Inputs[:]...)
	}
	return closeFrame(dst, at, salt, r.Data, sum)
}

// readTask decodes the meta part of a task or a range.
func readTask(meta []byte) (r Record, fn uint64, ok bool) {
	c := cursor{rest: meta[1:]}
	r.Status = Status(c.byte())
	c.key(&r.Key)
	fn = c.uvarint()
	r.Attempt = c.int()
	if meta[0] == kindRange {
		r.From = c.int()
		r.To = r.From + c.int()
		c.key(&r.Inputs)
		c.bad = c.bad || r.To <= r.From // or too large for this machine
	}
	return r, fn, !c.bad && len(c.rest) == 0 && (r.Status == OK || r.Status == Failed)
}

// readFunc decodes the meta part of a function.
func readFunc(meta []byte) (fn uint64, code Code, ok bool) {
	c := cursor{rest: meta[1:]}
	fn = c.uvarint()
	code = Code{Func: c.text(), Kind: c.text(), ID: c.text()}
	return fn, code, !c.bad && len(c.rest) == 0
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

func (c *cursor) int() int {
	n := c.uvarint()
	if n > math.MaxInt {
		c.bad = true
		return 0
	}
	return int(n)
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
