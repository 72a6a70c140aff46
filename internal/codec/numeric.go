package codec

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// A typedArray is an element type of RFC 8746, little-endian: its tag and the bytes of one element.
type typedArray struct {
	tag  uint64
	wire int
}

// typedArrays has no uint8: a []byte is a byte string, without a tag. int and uint travel as 64 bits whatever the
// machine.
var typedArrays = map[reflect.Kind]typedArray{
	reflect.Uint16: {69, 2}, reflect.Uint32: {70, 4}, reflect.Uint64: {71, 8}, reflect.Uint: {71, 8},
	reflect.Int8: {72, 1}, reflect.Int16: {77, 2}, reflect.Int32: {78, 4}, reflect.Int64: {79, 8}, reflect.Int: {79, 8},
	reflect.Float32: {85, 4}, reflect.Float64: {86, 8},
}

// numeric is the shape of slices and arrays of numbers.
type numeric struct {
	leaf
	typedArray
	elem   *leaf
	length int  // of an array, -1 for a slice
	direct bool // memory and typed array are the same bytes
}

func newNumeric(t reflect.Type, elem *leaf) *numeric {
	ta := typedArrays[t.Elem().Kind()]
	n := &numeric{typedArray: ta, elem: elem, length: -1, direct: littleEndian && int(t.Elem().Size()) == ta.wire}
	n.leaf = leaf{put: n.putAll, get: n.getAll, min: 1, null: true}
	if t.Kind() == reflect.Array {
		n.length = t.Len()
		n.min, n.null = 1+n.length, false
	}
	return n
}

func (n *numeric) putAll(dst []byte, v reflect.Value) []byte {
	if n.null && v.IsNil() {
		return append(dst, itemNull)
	}
	dst = appendHead(dst, majorTag, n.tag)
	dst = appendHead(dst, majorBytes, uint64(v.Len()*n.wire))
	if !n.direct {
		return n.putSlow(dst, v)
	}
	start := len(dst)
	dst = append(dst, memory(v, v.Len()*n.wire)...)
	switch n.tag {
	case typedArrays[reflect.Float64].tag:
		settleNaNs64(dst[start:])
	case typedArrays[reflect.Float32].tag:
		settleNaNs32(dst[start:])
	}
	return dst
}

// putSlow is the path of machines whose memory differs from the typed array.
func (n *numeric) putSlow(dst []byte, v reflect.Value) []byte {
	for i := range v.Len() {
		dst = binary.LittleEndian.AppendUint64(dst, elementBits(v.Index(i)))
		dst = dst[:len(dst)-8+n.wire]
	}
	return dst
}

func (n *numeric) getAll(data []byte, v reflect.Value) ([]byte, error) {
	if n.null && isNull(data) {
		v.SetZero()
		return data[1:], nil
	}
	if len(data) > 0 && data[0]&0xe0 == majorArray {
		return n.getList(data, v)
	}
	tag, rest, err := readOpen(data, majorTag, "a typed array")
	if err != nil {
		return nil, err
	}
	if tag != n.tag {
		return nil, fmt.Errorf("found tag %d, want %d, the typed array of %s", tag, n.tag, v.Type().Elem())
	}
	run, rest, err := readRun(rest, majorBytes, "a byte string")
	if err != nil {
		return nil, err
	}
	if len(run)%n.wire != 0 {
		return nil, fmt.Errorf("found %d bytes, want a multiple of %d", len(run), n.wire)
	}
	if err := n.room(v, len(run)/n.wire); err != nil {
		return nil, err
	}
	if n.direct {
		copy(memory(v, len(run)), run)
		return rest, nil
	}
	return rest, n.getSlow(run, v)
}

// overwrite sets the elements of a slice to those of a typed array that is all of data, if it has room for them.
func (n *numeric) overwrite(data []byte, v reflect.Value) bool {
	tag, rest, err := readOpen(data, majorTag, "a typed array")
	if err != nil || tag != n.tag {
		return false
	}
	run, rest, err := readRun(rest, majorBytes, "a byte string")
	if err != nil || len(rest) > 0 || len(run)%n.wire != 0 || len(run) > v.Cap()*n.wire {
		return false
	}
	v.SetLen(len(run) / n.wire)
	copy(memory(v, len(run)), run)
	return true
}

// getSlow is the counterpart of putSlow.
func (n *numeric) getSlow(run []byte, v reflect.Value) error {
	for i := range v.Len() {
		var b [8]byte
		copy(b[:], run[i*n.wire:(i+1)*n.wire])
		if err := setElement(v.Index(i), binary.LittleEndian.Uint64(b[:]), n.wire); err != nil {
			return at(err, index(i))
		}
	}
	return nil
}

// getList reads a plain array of numbers, which is what a writer without typed arrays sends.
func (n *numeric) getList(data []byte, v reflect.Value) ([]byte, error) {
	count, rest, err := readOpen(data, majorArray, "an array")
	if err != nil {
		return nil, err
	}
	if count > uint64(len(rest)) {
		return nil, errShort
	}
	if err := n.room(v, int(count)); err != nil {
		return nil, err
	}
	for i := range int(count) {
		if rest, err = n.elem.get(rest, v.Index(i)); err != nil {
			return nil, at(err, index(i))
		}
	}
	return rest, nil
}

// room makes a slice for count elements, or compares count with the array's.
func (n *numeric) room(v reflect.Value, count int) error {
	if n.null {
		v.Set(reflect.MakeSlice(v.Type(), count, count))
		return nil
	}
	if count != n.length {
		return fmt.Errorf("found %d elements, want %d", count, n.length)
	}
	return nil
}

// diff names the first element that differs.
func (n *numeric) diff(x *differ, a, b reflect.Value) bool {
	if !x.encodings(&n.leaf, a, b) {
		return false
	}
	if a.Len() == b.Len() && a.Len() > 0 {
		i := a.Len() - 1
		for j := range i {
			if elementBits(a.Index(j)) != elementBits(b.Index(j)) {
				i = j
				break
			}
		}
		x.at(index(i))
	}
	return true
}
