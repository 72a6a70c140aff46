package cache

import (
	"bytes"
	"fmt"
	"reflect"
)

// Value is a result as bytes.
type Value struct {
	// Data is the result's encoding, or its memory if Raw. What a hit gives belongs to the caller alone: nobody else
	// sees a change to it. What is stored must not be changed until Do returns.
	Data []byte

	// Raw says that Data is the memory of a slice of numbers, little-endian; see Raw and Value.Into.
	Raw bool

	// Mapped says that Data is a private mapping of the entry's file. It stays until the process ends.
	Mapped bool
}

// MapFrom is the size in bytes from which Raw takes a slice, and from which a raw value's file is mapped.
const MapFrom = 1 << 20

// Raw is the value of a slice of numbers or bytes of MapFrom or more, without a copy where memory is little-endian:
// the slice must then not change until Do returns. ok is false for smaller slices and other types, among them types
// with their own marshalling; these are encoded.
//
// Elements may be of any integer or float type, named or not. int and uint take 8 bytes each on every machine.
func Raw(slice reflect.Value) (v Value, ok bool) {
	if slice.Kind() != reflect.Slice {
		return Value{}, false
	}
	width, ok := rawWidth(slice.Type())
	if !ok || slice.Len() < MapFrom/width {
		return Value{}, false
	}
	if direct(slice.Type().Elem(), width) {
		return Value{Data: memory(slice, width), Raw: true}, true
	}
	return Value{Data: putElements(slice, width), Raw: true}, true
}

// Into sets *slice, a slice that Raw takes, to the elements that v holds. It makes no copy if memory is little-endian
// and Data is aligned, as it is after a hit: *slice then is Data's memory.
func (v Value) Into(slice reflect.Value) error {
	t := slice.Type()
	width, ok := rawWidth(t)
	if !v.Raw || !ok {
		return fmt.Errorf("read a raw value into a %s: want a raw value and a slice of numbers", t)
	}
	if len(v.Data)%width != 0 {
		return fmt.Errorf("read a raw value into a %s: %d bytes are no multiple of %d", t, len(v.Data), width)
	}
	if !direct(t.Elem(), width) {
		return getElements(v.Data, width, slice)
	}
	data := v.Data
	if !aligned(data, width) {
		data = make([]byte, len(data)+8) // 8 more, so that it isn't among the tiny objects, which aren't aligned
		data = data[:copy(data, v.Data)]
	}
	slice.Set(view(t, data, width))
	return nil
}

// clone is a value of the caller's own.
func (v Value) clone() Value { return Value{Data: bytes.Clone(v.Data), Raw: v.Raw} }
