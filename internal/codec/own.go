package codec

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// cborShape is for types with MarshalCBOR and UnmarshalCBOR: one item of any kind.
type cborShape struct{ atom }

func (cborShape) append(e *encoder, v reflect.Value) error {
	item, err := v.Addr().Interface().(cbor.Marshaler).MarshalCBOR()
	if err != nil {
		return err
	}
	if err := cborDecoder.Wellformed(item); err != nil {
		return fmt.Errorf("its MarshalCBOR gave no CBOR: %w", err)
	}
	e.buf = append(e.buf, item...)
	return nil
}

func (cborShape) decode(d *decoder, v reflect.Value) error {
	item, err := d.item()
	if err != nil {
		return err
	}
	v.SetZero()
	return v.Addr().Interface().(cbor.Unmarshaler).UnmarshalCBOR(item)
}

func (cborShape) least() int { return 1 }

// nilable, because the item may be null.
func (cborShape) nilable() bool { return true }

func (s cborShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }

// item takes one whole item of any kind from the data.
func (d *decoder) item() (cbor.RawMessage, error) {
	var item cbor.RawMessage
	rest, err := cborDecoder.UnmarshalFirst(d.data, &item)
	if err != nil {
		return nil, err
	}
	d.data = rest
	return item, nil
}

// binaryShape is for types with MarshalBinary and UnmarshalBinary: a byte string.
type binaryShape struct{ atom }

func (binaryShape) append(e *encoder, v reflect.Value) error {
	b, err := v.Addr().Interface().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return err
	}
	e.buf = append(appendHead(e.buf, majorBytes, uint64(len(b))), b...)
	return nil
}

func (binaryShape) decode(d *decoder, v reflect.Value) error {
	b, rest, err := readRun(d.data, majorBytes, "a byte string")
	if err != nil {
		return err
	}
	d.data = rest
	v.SetZero()
	return v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(b[:len(b):len(b)])
}

func (binaryShape) least() int { return 1 }

func (s binaryShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }

// textShape is for types with MarshalText and UnmarshalText: a string.
type textShape struct{ atom }

func (textShape) append(e *encoder, v reflect.Value) error {
	text, err := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return err
	}
	e.buf = appendString(e.buf, string(text))
	return nil
}

func (textShape) decode(d *decoder, v reflect.Value) error {
	text, rest, err := readText(d.data)
	if err != nil {
		return err
	}
	d.data = rest
	v.SetZero()
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text[:len(text):len(text)])
}

func (textShape) least() int { return 1 }

func (s textShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }
