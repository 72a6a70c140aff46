package codec

import (
	"encoding"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// The library's part: integers of any size, and items whose layout a type decides itself.
var (
	cborEncoder = must(cbor.CoreDetEncOptions().EncMode())
	cborDecoder = must(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  maxDepth,
		MaxArrayElements: 1<<31 - 1,
		MaxMapPairs:      1<<31 - 1,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A marshalling is a pair of methods by which a type lays itself out.
type marshalling struct {
	marshal, unmarshal reflect.Type
	shape              shape
}

// marshallings in the order of preference: the one that says most about the format comes first.
var marshallings = []marshalling{
	{reflect.TypeFor[cbor.Marshaler](), reflect.TypeFor[cbor.Unmarshaler](), cborShape{}},
	{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](), binaryShape{}},
	{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](), textShape{}},
}

// ownMarshalling is the shape of a type that has both methods of a pair, or nil.
//
// A struct that embeds a type gets its methods, and with them would travel as the embedded value alone. Whether a
// method is the struct's own can't be seen, so in doubt the struct is walked field by field, which loses nothing.
func ownMarshalling(t reflect.Type) shape {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return nil // a pointer is nil or its element's own encoding
	}
	pointer := reflect.PointerTo(t)
	for _, m := range marshallings {
		if pointer.Implements(m.marshal) && pointer.Implements(m.unmarshal) && !perhapsPromoted(t, m) {
			return m.shape
		}
	}
	return nil
}

// perhapsPromoted tells whether m may come from an embedded field that is not all that the struct holds.
func perhapsPromoted(t reflect.Type, m marshalling) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	embedded, fields := false, 0
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" || f.Type.Size() == 0 {
			continue
		}
		fields++
		if !f.Anonymous {
			continue
		}
		if f.Type.Kind() == reflect.Pointer && f.Type.Implements(m.marshal) {
			return true // it may be nil, which its method need not bear
		}
		embedded = embedded || reflect.PointerTo(f.Type).Implements(m.marshal)
	}
	return embedded && fields > 1
}
