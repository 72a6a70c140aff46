package protocol

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// message is what the package encodes: a message or the body of a frame.
type message interface{ Append(dst []byte) []byte }

// form is a kind of message with its decoder.
type form struct {
	name string
	read func(data []byte) (message, error)
}

var forms = []form{
	{"Offer", reads(ReadOffer)},
	{"Batch", reads(ReadBatch)},
	{"Outcomes", reads(ReadOutcomes)},
	{"Decisions", reads(ReadDecisions)},
	{"Up", reads(ReadUp)},
	{"Down", reads(ReadDown)},
	{"Hello", reads(ReadHello)},
	{"Welcome", reads(ReadWelcome)},
	{"Log", reads(ReadLog)},
}

func reads[T any, P interface {
	*T
	message
}](read func([]byte) (T, error)) func([]byte) (message, error) {
	return func(data []byte) (message, error) {
		m, err := read(data)
		return P(&m), err
	}
}

// formOf is the form of m.
func formOf(m message) form {
	name := reflect.TypeOf(m).Elem().Name()
	for _, f := range forms {
		if f.name == name {
			return f
		}
	}
	panic("no form for a " + name)
}

// show writes a message as text, without fields that are zero. Bytes, keys and refs are in hexadecimal digits.
func show(m message) string {
	var b strings.Builder
	showValue(&b, reflect.ValueOf(m).Elem())
	return b.String()
}

func showValue(b *strings.Builder, v reflect.Value) {
	switch x := v.Interface().(type) {
	case []byte:
		b.WriteString(hex.EncodeToString(x))
		return
	case Key:
		b.WriteString(hex.EncodeToString(x[:]))
		return
	case RefID:
		b.WriteString(hex.EncodeToString([]byte(x)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		showValue(b, v.Elem())
	case reflect.Struct:
		showStruct(b, v)
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			showValue(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Bool:
		fmt.Fprint(b, v.Bool())
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		fmt.Fprint(b, v.Uint())
	default:
		fmt.Fprint(b, v.Int())
	}
}

func showStruct(b *strings.Builder, v reflect.Value) {
	b.WriteString(v.Type().Name())
	b.WriteByte('{')
	space := ""
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		b.WriteString(space + v.Type().Field(i).Name + ":")
		showValue(b, f)
		space = " "
	}
	b.WriteByte('}')
}

// testKey is a key whose bytes count up from first.
func testKey(first byte) (k Key) {
	for i := range k {
		k[i] = first + byte(i)
	}
	return k
}
