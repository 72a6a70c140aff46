package cache

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// cborMarshaler is what the codec asks types for first.
type cborMarshaler interface{ MarshalCBOR() ([]byte, error) }

// ownMarshalling are the interfaces by which a type says itself what its bytes are.
var ownMarshalling = [...]reflect.Type{
	reflect.TypeFor[cborMarshaler](), reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
}

// rawWidth is how many bytes an element of the slice type t takes in a file, if slices of t may be raw.
func rawWidth(t reflect.Type) (width int, ok bool) {
	if t.Kind() != reflect.Slice {
		return 0, false
	}
	switch elem := t.Elem(); elem.Kind() {
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Int16, reflect.Uint32, reflect.Int32,
		reflect.Uint64, reflect.Int64, reflect.Float32, reflect.Float64:
		width = int(elem.Size())
	case reflect.Int, reflect.Uint:
		width = 8
	default:
		return 0, false
	}
	return width, !marshalsItself(t) && !marshalsItself(t.Elem())
}

func marshalsItself(t reflect.Type) bool {
	for _, method := range ownMarshalling {
		if t.Implements(method) || reflect.PointerTo(t).Implements(method) {
			return true
		}
	}
	return false
}

// direct reports whether an element stands in memory as it does in a file.
func direct(elem reflect.Type, width int) bool {
	return int(elem.Size()) == width && (littleEndian || width == 1)
}

func aligned(data []byte, width int) bool {
	return len(data) == 0 || uintptr(unsafe.Pointer(&data[0]))%uintptr(width) == 0
}

// memory is the memory of a slice whose elements are direct.
func memory(slice reflect.Value, width int) []byte {
	return unsafe.Slice((*byte)(slice.UnsafePointer()), slice.Len()*width)
}

// view is data as a slice of type t, which has direct elements; data must be aligned for them.
func view(t reflect.Type, data []byte, width int) reflect.Value {
	n := len(data) / width
	if n == 0 {
		return reflect.MakeSlice(t, 0, 0)
	}
	header := unsafe.Slice(&data[0], n) // n is the number of elements, whatever their size: only the header is used
	return reflect.NewAt(t, unsafe.Pointer(&header)).Elem()
}

// putElements writes the elements of a slice whose memory differs from the file.
func putElements(slice reflect.Value, width int) []byte {
	if int(slice.Type().Elem().Size()) == width {
		data := bytes.Clone(memory(slice, width))
		swap(data, width)
		return data
	}
	data := make([]byte, 0, slice.Len()*width) // int or uint on a 32-bit machine
	for i := range slice.Len() {
		n := slice.Index(i)
		if n.CanInt() {
			data = binary.LittleEndian.AppendUint64(data, uint64(n.Int()))
		} else {
			data = binary.LittleEndian.AppendUint64(data, n.Uint())
		}
	}
	return data
}

// getElements is the reverse of putElements.
func getElements(data []byte, width int, slice reflect.Value) error {
	made := reflect.MakeSlice(slice.Type(), len(data)/width, len(data)/width)
	if int(slice.Type().Elem().Size()) == width {
		copy(memory(made, width), data)
		swap(memory(made, width), width)
		slice.Set(made)
		return nil
	}
	for i := range made.Len() {
		bits, n := binary.LittleEndian.Uint64(data[i*8:]), made.Index(i)
		if n.CanInt() && !n.OverflowInt(int64(bits)) {
			n.SetInt(int64(bits))
		} else if n.CanUint() && !n.OverflowUint(bits) {
			n.SetUint(bits)
		} else {
			return fmt.Errorf("read a raw value into a %s: element %d doesn't fit on this machine", slice.Type(), i)
		}
	}
	slice.Set(made)
	return nil
}

// swap turns the bytes of each element around.
func swap(data []byte, width int) {
	for ; len(data) >= width; data = data[width:] {
		slices.Reverse(data[:width])
	}
}
