package codec

import (
	"math/big"
	"reflect"
)

var bigIntType = reflect.TypeFor[big.Int]()

// bigIntShape is an integer, or a bignum (RFC 8949, section 3.4.3) beyond 64 bits, which other languages read as
// numbers, unlike the decimal text of big.Int's own methods.
type bigIntShape struct{ atom }

func (bigIntShape) append(e *encoder, v reflect.Value) error {
	item, err := cborEncoder.Marshal(v.Addr().Interface())
	if err != nil {
		return err
	}
	e.buf = append(e.buf, item...)
	return nil
}

func (bigIntShape) decode(d *decoder, v reflect.Value) error {
	if !isInteger(d.data) {
		return mismatch(d.data, "an integer")
	}
	v.SetZero()
	rest, err := cborDecoder.UnmarshalFirst(d.data, v.Addr().Interface())
	if err != nil {
		return err
	}
	d.data = rest
	return nil
}

func (bigIntShape) least() int { return 1 }

func (s bigIntShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }

// isInteger keeps out what the library would take for an integer too, such as null for 0.
func isInteger(data []byte) bool {
	major, n, _, err := readHead(data)
	return err == nil && (major == majorUint || major == majorNegInt || major == majorTag && (n == 2 || n == 3))
}
