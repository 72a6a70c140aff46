package codec

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// memory is the first size bytes of the elements of v, a slice or an addressable array.
func memory(v reflect.Value, size int) []byte {
	if v.Kind() == reflect.Array {
		v = v.Addr()
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), size)
}

// elementBits are the bits of a number, with every NaN alike.
func elementBits(v reflect.Value) uint64 {
	switch {
	case v.CanInt():
		return uint64(v.Int())
	case v.CanUint():
		return v.Uint()
	case v.Kind() == reflect.Float32:
		return uint64(settled32(math.Float32bits(float32(v.Float()))))
	}
	return settled64(math.Float64bits(v.Float()))
}

func setElement(v reflect.Value, bits uint64, wire int) error {
	switch {
	case v.CanInt():
		unused := 64 - 8*wire
		n := int64(bits<<unused) >> unused
		if v.OverflowInt(n) {
			return fmt.Errorf("%d does not fit %s", n, v.Type())
		}
		v.SetInt(n)
	case v.CanUint():
		if v.OverflowUint(bits) {
			return fmt.Errorf("%d does not fit %s", bits, v.Type())
		}
		v.SetUint(bits)
	case v.Kind() == reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(bits))))
	default:
		v.SetFloat(math.Float64frombits(bits))
	}
	return nil
}
