package codec

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// The panicking types fail in each of the methods that the codec calls.
type (
	panicsCBOR   struct{ back bool }
	panicsBinary struct{ back bool }
	panicsText   struct{ back bool }
)

func (p panicsCBOR) MarshalCBOR() ([]byte, error)        { return perhaps(p.back, "\x01") }
func (p *panicsCBOR) UnmarshalCBOR([]byte) error         { panic(io.ErrNoProgress) }
func (p panicsBinary) MarshalBinary() ([]byte, error)    { return perhaps(p.back, "x") }
func (p *panicsBinary) UnmarshalBinary([]byte) error     { panic(io.ErrNoProgress) }
func (p panicsText) MarshalText() ([]byte, error)        { return perhaps(p.back, "x") }
func (p *panicsText) UnmarshalText([]byte) error         { panic(io.ErrNoProgress) }
func perhaps(later bool, instead string) ([]byte, error) { return []byte(instead), orPanic(later) }

func orPanic(later bool) error {
	if !later {
		panic("no such grade")
	}
	return nil
}

// A panic of a type's own method is an error, there and back.
func TestPanicsOfOwnMethods(t *testing.T) {
	for name, c := range map[string]struct{ bad, good any }{
		"CBOR":   {&[]panicsCBOR{{}}, &[]panicsCBOR{{true}}},
		"Binary": {&[]panicsBinary{{}}, &[]panicsBinary{{true}}},
		"Text":   {&[]panicsText{{}}, &[]panicsText{{true}}},
	} {
		p, err := Of(reflect.TypeOf(c.bad).Elem())
		if err != nil {
			t.Fatal(err)
		}
		dst, err := p.Append([]byte("before"), c.bad, nil)
		if err == nil || !strings.Contains(err.Error(), "[0]: its Marshal"+name+" panicked: no such grade") || string(dst) != "before" {
			t.Errorf("%s: %q, %v", name, dst, err)
		}
		data, err := p.Append(nil, c.good, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Decode(data, c.good, nil)
		if !errors.Is(err, io.ErrNoProgress) || !strings.Contains(err.Error(), "its Unmarshal"+name+" panicked") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
