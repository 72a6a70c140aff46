package codec

import (
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

var stringLeaf = &leaf{
	min: 1,
	put: func(dst []byte, v reflect.Value) []byte { return appendString(dst, v.String()) },
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		s, rest, err := readString(data)
		if err != nil {
			return nil, err
		}
		v.SetString(s)
		return rest, nil
	},
}

// bytesLeaf is for []byte and named types like it: a byte string, null for nil.
var bytesLeaf = &leaf{
	min:  1,
	null: true,
	put: func(dst []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(dst, itemNull)
		}
		b := v.Bytes()
		return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
	},
	get: func(data []byte, v reflect.Value) ([]byte, error) {
		if isNull(data) {
			v.SetZero()
			return data[1:], nil
		}
		run, rest, err := readRun(data, majorBytes, "a byte string")
		if err != nil {
			return nil, err
		}
		v.SetBytes(append(make([]byte, 0, len(run)), run...))
		return rest, nil
	},
}

// byteArrayLeaf is for [n]byte: a byte string of exactly that length.
func byteArrayLeaf(n int) *leaf {
	return &leaf{
		min: headLen(n) + n,
		put: func(dst []byte, v reflect.Value) []byte {
			return append(appendHead(dst, majorBytes, uint64(n)), v.Bytes()...)
		},
		get: func(data []byte, v reflect.Value) ([]byte, error) {
			run, rest, err := readRun(data, majorBytes, "a byte string")
			if err != nil {
				return nil, err
			}
			if len(run) != n {
				return nil, fmt.Errorf("found %d bytes, want %d", len(run), n)
			}
			copy(v.Bytes(), run)
			return rest, nil
		},
	}
}

// appendString writes a text string, or a byte string if s is not UTF-8: a Go string may hold any bytes, a CBOR text
// string may not, and a reader in another language would refuse it.
func appendString(dst []byte, s string) []byte {
	major := byte(majorText)
	if !utf8.ValidString(s) {
		major = majorBytes
	}
	return append(appendHead(dst, major, uint64(len(s))), s...)
}

func readString(data []byte) (string, []byte, error) {
	run, rest, err := readText(data)
	return string(run), rest, err
}

// readText is readString without the copy.
func readText(data []byte) (run, rest []byte, err error) {
	if len(data) > 0 && data[0]&0xe0 == majorBytes {
		return readRun(data, majorBytes, "a string")
	}
	run, rest, err = readRun(data, majorText, "a string")
	if err == nil && !utf8.Valid(run) {
		return nil, nil, errors.New("found a text string that is not UTF-8")
	}
	return run, rest, err
}
