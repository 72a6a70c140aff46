package codec

import "reflect"

// A shape knows how the values of one type are laid out. It is made once per type and never changed after that.
// Every reflect.Value that it is given is addressable.
type shape interface {
	append(e *encoder, v reflect.Value) error
	// decode sets v whole: nothing that stood in it before remains.
	decode(d *decoder, v reflect.Value) error
	// least is the length of the shortest encoding of any value. Decode compares it with what is left of the input
	// before it makes room for n values.
	least() int
	// nilable tells whether a value may be written as null. A pointer to such a type needs a null of its own.
	nilable() bool
	// parts are the plans of the types that this one is made of.
	parts() []*Plan
	// each visits the Refs in v. It is called only if a part has Refs.
	each(s *scanner, v reflect.Value) error
	// diff tells whether a and b encode differently, and leaves the path of the place in x.
	diff(x *differ, a, b reflect.Value) bool
}

// atom has what is alike in the shapes that are made of no other.
type atom struct{}

func (atom) nilable() bool                          { return false }
func (atom) parts() []*Plan                         { return nil }
func (atom) each(_ *scanner, _ reflect.Value) error { return nil }

// A leaf is a shape that can always be written and needs nothing but the bytes: numbers, strings, numeric slices.
// Plan calls put and get directly, so that these types cost no allocation of our own.
type leaf struct {
	atom
	put  func(dst []byte, v reflect.Value) []byte
	get  func(data []byte, v reflect.Value) (rest []byte, err error)
	min  int
	null bool
}

func (l *leaf) append(e *encoder, v reflect.Value) error {
	e.buf = l.put(e.buf, v)
	return nil
}

func (l *leaf) decode(d *decoder, v reflect.Value) error {
	rest, err := l.get(d.data, v)
	if err != nil {
		return err
	}
	d.data = rest
	return nil
}

func (l *leaf) least() int { return l.min }

func (l *leaf) nilable() bool { return l.null }

func (l *leaf) diff(x *differ, a, b reflect.Value) bool { return x.encodings(l, a, b) }
