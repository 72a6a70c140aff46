package codec

import (
	"fmt"
	"math"
	"reflect"
)

var boolLeaf = &leaf{
	min: 1,
	put: func(dst []byte, v reflect.Value) []byte {
		if v.Bool() {
			return append(dst, itemTrue)
		}
		return append(dst, itemFalse)
	},
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		if len(data) == 0 || data[0] != itemFalse && data[0] != itemTrue {
			return nil, mismatch(data, "a bool")
		}
		v.SetBool(data[0] == itemTrue)
		return data[1:], nil
	},
}

var intLeaf = &leaf{
	min: 1,
	put: func(dst []byte, v reflect.Value) []byte { return appendInt(dst, v.Int()) },
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		n, rest, err := readInt(data)
		if err != nil {
			return nil, err
		}
		if v.OverflowInt(n) {
			return nil, fmt.Errorf("%d does not fit %s", n, v.Type())
		}
		v.SetInt(n)
		return rest, nil
	},
}

var uintLeaf = &leaf{
	min: 1,
	put: func(dst []byte, v reflect.Value) []byte { return appendHead(dst, majorUint, v.Uint()) },
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		n, rest, err := readOpen(data, majorUint, "an integer that is not negative")
		if err != nil {
			return nil, err
		}
		if v.OverflowUint(n) {
			return nil, fmt.Errorf("%d does not fit %s", n, v.Type())
		}
		v.SetUint(n)
		return rest, nil
	},
}

var floatLeaf = &leaf{
	min: 1,
	put: func(dst []byte, v reflect.Value) []byte { return appendFloat(dst, v.Float()) },
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		f, rest, err := readFloat(data)
		if err != nil {
			return nil, err
		}
		if v.Kind() == reflect.Float32 && f == f && float64(float32(f)) != f {
			return nil, fmt.Errorf("%v does not fit %s", f, v.Type())
		}
		v.SetFloat(f)
		return rest, nil
	},
}

// complexLeaf writes an array of the real and the imaginary part: RFC 8949 has no complex number.
var complexLeaf = &leaf{
	min: 3,
	put: func(dst []byte, v reflect.Value) []byte {
		c := v.Complex()
		return appendFloat(appendFloat(appendHead(dst, majorArray, 2), real(c)), imag(c))
	},
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		n, rest, err := readOpen(data, majorArray, "an array of two floats")
		if err != nil {
			return nil, err
		}
		if n != 2 {
			return nil, fmt.Errorf("found an array of %d, want two floats", n)
		}
		re, rest, err := readFloat(rest)
		if err != nil {
			return nil, err
		}
		im, rest, err := readFloat(rest)
		if err != nil {
			return nil, err
		}
		v.SetComplex(complex(re, im))
		if v.Kind() == reflect.Complex64 && !sameComplex(v.Complex(), re, im) {
			return nil, fmt.Errorf("%v does not fit %s", complex(re, im), v.Type())
		}
		return rest, nil
	},
}

// sameComplex compares part by part, with NaN equal to itself.
func sameComplex(c complex128, re, im float64) bool {
	return (real(c) == re || re != re) && (imag(c) == im || im != im)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorNegInt, uint64(^n))
	}
	return appendHead(dst, majorUint, uint64(n))
}

func readInt(data []byte) (int64, []byte, error) {
	major, n, rest, err := readHead(data)
	switch {
	case err != nil:
		return 0, nil, err
	case major != majorUint && major != majorNegInt:
		return 0, nil, mismatch(data, "an integer")
	case n > math.MaxInt64:
		return 0, nil, fmt.Errorf("found an integer beyond 64 bits with a sign")
	case major == majorNegInt:
		return ^int64(n), rest, nil
	}
	return int64(n), rest, nil
}
