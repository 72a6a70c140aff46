package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Kinds of messages, their first byte.
const (
	kindOffer byte = iota + 1
	kindBatch
	kindOutcomes
	kindUp
	kindDown
	kindDecision // what a coordinator records for the next one of its job
)

// ErrMalformed is in every error about bytes that are no message.
var ErrMalformed = errors.New("malformed message")

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendTexts(dst []byte, list []string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, s := range list {
		dst = appendText(dst, s)
	}
	return dst
}

// appendNumber appends a number that can't be negative. One that is anyhow is sent as 0: a number that no reader takes
// would make the whole message unreadable, with all that other tasks have in it.
func appendNumber(dst []byte, n int64) []byte { return binary.AppendUvarint(dst, uint64(max(n, 0))) }

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// cursor reads a message from front to back. After the first thing that is missing or out of range it gives zeros, and
// err says what it was.
type cursor struct {
	data    []byte
	at      int // the next byte; behind the last one after an error
	pending int // parts of Lists that were announced and have not begun
	err     error
}

// open begins to read a message of a kind.
func open(data []byte, kind byte, what string) cursor {
	c := cursor{data: data}
	if got := c.byte("the kind"); c.err == nil && got != kind {
		c.fail("it isn't " + what)
	}
	return c
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	c.skip()
}

// skip passes over what is left.
func (c *cursor) skip() { c.at = len(c.data) }

func (c *cursor) left() int { return len(c.data) - c.at }

// take is the next n bytes. There must be as many.
func (c *cursor) take(n int) []byte {
	c.at += n
	return c.data[c.at-n : c.at : c.at]
}

func (c *cursor) byte(what string) byte {
	if c.at >= len(c.data) {
		c.fail(what)
		return 0
	}
	c.at++
	return c.data[c.at-1]
}

func (c *cursor) bool(what string) bool {
	b := c.byte(what)
	if b > 1 {
		c.fail(what)
	}
	return b == 1
}

func (c *cursor) u32(what string) uint32 {
	if c.left() < 4 {
		c.fail(what)
		return 0
	}
	return binary.LittleEndian.Uint32(c.take(4))
}

func (c *cursor) uvarint(what string) uint64 {
	if c.at < len(c.data) && c.data[c.at] < 0x80 { // most are
		c.at++
		return uint64(c.data[c.at-1])
	}
	return c.longUvarint(what)
}

func (c *cursor) longUvarint(what string) uint64 {
	n, size := binary.Uvarint(c.data[c.at:])
	if size <= 0 {
		c.fail(what)
		return 0
	}
	c.at += size
	return n
}

func (c *cursor) varint(what string) int64 {
	n, size := binary.Varint(c.data[c.at:])
	if size <= 0 {
		c.fail(what)
		return 0
	}
	c.at += size
	return n
}

// atMost is a uvarint that isn't larger than most.
func (c *cursor) atMost(most uint64, what string) uint64 {
	n := c.uvarint(what)
	if n > most {
		c.fail(what)
		return 0
	}
	return n
}

// number is a uvarint that fits a non-negative int64.
func (c *cursor) number(what string) int64 { return int64(c.atMost(math.MaxInt64, what)) }

// integer is a uvarint that fits an int of this machine.
func (c *cursor) integer(what string) int { return int(c.atMost(math.MaxInt, what)) }

// narrow is a uvarint that fits 32 bits.
func (c *cursor) narrow(what string) uint32 { return uint32(c.atMost(math.MaxUint32, what)) }

// count is a number of items that take at least size bytes each.
func (c *cursor) count(size int, what string) int {
	n := c.uvarint(what)
	if n > uint64(c.left()/size) {
		c.fail(what)
		return 0
	}
	return int(n)
}

func (c *cursor) bytes(what string) []byte {
	n := c.uvarint(what)
	if n > uint64(c.left()) {
		c.fail(what)
		return nil
	}
	return c.take(int(n))
}

func (c *cursor) text(what string) string { return string(c.bytes(what)) }

// again is text, which may be what s has been before.
func (c *cursor) again(s *string, what string) {
	if b := c.bytes(what); string(b) != *s {
		*s = string(b)
	}
}

// room is a list of n zeros, in the memory of list if that is enough.
func room[T any](list []T, n int) []T {
	if n > cap(list) {
		return make([]T, n)
	}
	list = list[:n]
	clear(list)
	return list
}

func (c *cursor) texts(what string) []string {
	n := c.count(1, what)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := 0; i < n && c.err == nil; i++ {
		list[i] = c.text(what)
	}
	return list
}

func (c *cursor) key(what string) Key {
	if c.left() < len(Key{}) {
		c.fail(what)
		return Key{}
	}
	return Key(c.take(len(Key{})))
}

// end is the error of the whole message: what was wrong, or bytes that are left over.
func (c *cursor) end(what string) error {
	if c.err == nil && c.left() > 0 {
		c.fail(fmt.Sprintf("%d bytes are left over", c.left()))
	}
	if c.err != nil {
		return fmt.Errorf("read %s: %w", what, c.err)
	}
	return nil
}

// Key names a call within a job.
type Key [16]byte
