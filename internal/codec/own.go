package codec

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// marshal calls a type's own method. A panic in it is an error, since who encodes a value has to go on without.
func marshal(name string, method func() ([]byte, error)) (data []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			data, err = nil, panicked(name, v)
		}
	}()
	return method()
}

// unmarshal is marshal for the way back.
func unmarshal(name string, method func([]byte) error, data []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(name, v)
		}
	}()
	return method(data)
}

func panicked(name string, value any) error {
	if err, ok := value.(error); ok {
		return fmt.Errorf("its %s panicked: %w", name, err)
	}
	return fmt.Errorf("its %s panicked: %v", name, value)
}

// cborShape is for types with MarshalCBOR and UnmarshalCBOR: one item of any kind.
type cborShape struct{ atom }

func (cborShape) append(e *encoder, v reflect.Value) error {
	item, err := marshal("MarshalCBOR", v.Addr().Interface().(cbor.Marshaler).MarshalCBOR)
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
	return unmarshal("UnmarshalCBOR", v.Addr().Interface().(cbor.Unmarshaler).UnmarshalCBOR, item)
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
	b, err := marshal("MarshalBinary", v.Addr().Interface().(encoding.BinaryMarshaler).MarshalBinary)
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
	return unmarshal("UnmarshalBinary", v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary, b[:len(b):len(b)])
}

func (binaryShape) least() int { return 1 }

func (s binaryShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }

// textShape is for types with MarshalText and UnmarshalText: a string.
type textShape struct{ atom }

func (textShape) append(e *encoder, v reflect.Value) error {
	text, err := marshal("MarshalText", v.Addr().Interface().(encoding.TextMarshaler).MarshalText)
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
	return unmarshal("UnmarshalText", v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText, text[:len(text):len(text)])
}

func (textShape) least() int { return 1 }

func (s textShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }
