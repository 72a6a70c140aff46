package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// A Plan encodes, decodes, scans and compares the values of one type T. It never changes, so any number of
// goroutines may use it at once; the values it is given must not be changed meanwhile.
//
// Every method takes a *T as any; anything else is an error. No value makes a method panic, but a panic in a type's
// own marshalling methods passes through.
type Plan struct {
	typ       reflect.Type
	pointer   reflect.Type
	shape     shape
	leaf      *leaf // the shape, if it is one
	hasRefs   bool
	recursive bool
	least     int
}

// HasRefs tells whether a Ref can stand in a value of this type: it looks at the type only. Callers save the scan
// if it is false.
func (p *Plan) HasRefs() bool { return p.hasRefs }

// EachRef calls visit for each Ref in *ptr that is not zero, in the order in which Append writes them: struct fields
// and map keys in the order of their encodings. It goes through structs, slices, arrays, pointers and the values of
// maps, but not through what a Ref points at, nor through types with their own marshalling. What several pointers
// share is visited once.
//
// The error, for a cycle or for a value nested too deep, names its path; visit may have been called by then. The
// cost is that of walking the parts of the value whose types can hold a Ref.
func (p *Plan) EachRef(ptr any, visit func(*Node)) error {
	if !p.hasRefs {
		return nil
	}
	v, err := p.open(ptr)
	if err != nil {
		return fmt.Errorf("scan for refs: %w", err)
	}
	s := scanner{visit: visit}
	if err := p.shape.each(&s, v); err != nil {
		return inside("scan", p.typ, err)
	}
	return nil
}

// Append appends the encoding of *ptr to dst. Equal values give equal bytes; the package comment says what equal
// means. refs names the Refs and may be nil if the value holds none. If it fails, dst is returned as it was, and the
// error names the path of the value that can't be written.
//
// Numbers, bools, strings, byte slices and numeric slices cost no allocation but dst's; a large dst is best grown by
// the caller. A value that is changed while it is encoded gives bytes that mean nothing.
func (p *Plan) Append(dst []byte, ptr any, refs RefWriter) ([]byte, error) {
	v, err := p.open(ptr)
	if err != nil {
		return dst, fmt.Errorf("encode: %w", err)
	}
	if p.leaf != nil {
		return p.leaf.put(dst, v), nil
	}
	e := newEncoder(dst, refs)
	if err := p.shape.append(e, v); err != nil {
		return dst, inside("encode", p.typ, err)
	}
	return e.buf, nil
}

// Decode sets *ptr to the value that data holds, all of it: bytes left over are an error. refs finds the Refs by
// their ids and may be nil if there are none. After an error *ptr holds a part of the value, not to be used.
//
// The value shares no memory with data. Decode makes room for n elements only where the data left could hold n of
// them, so that what it allocates is bounded by the length of data times a small factor that depends on the type: the
// size of an element in memory by the length of its shortest encoding.
func (p *Plan) Decode(data []byte, ptr any, refs RefReader) error {
	v, err := p.open(ptr)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	rest, err := p.read(data, v, refs)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	if err != nil {
		return inside("decode", p.typ, err)
	}
	return nil
}

// Overwrite is Decode for a *[]E whose elements nobody needs any more: where E is a number, they are overwritten as far as the
// slice's capacity reaches, and no memory is allocated.
func (p *Plan) Overwrite(data []byte, ptr any, refs RefReader) error {
	if n, ok := p.shape.(*numeric); ok && n.direct && n.null {
		if v, err := p.open(ptr); err == nil && n.overwrite(data, v) {
			return nil
		}
	}
	return p.Decode(data, ptr, refs)
}

func (p *Plan) read(data []byte, v reflect.Value, refs RefReader) ([]byte, error) {
	if p.leaf != nil {
		return p.leaf.get(data, v)
	}
	d := decoder{data: data, refs: refs}
	err := p.shape.decode(&d, v)
	return d.data, err
}

// Diff returns the path of the first place, in encoding order, at which *a and *b would encode differently, such as
// ".Rows[3].Name", "." if that is the whole value, and "" if there is none. Refs are equal if they point at the same
// Node. It ends on cyclic values too; where both are nested too deep to be encoded, it looks no further.
func (p *Plan) Diff(a, b any) string {
	x := newDiffer()
	va, err := p.open(a)
	if err != nil {
		return "."
	}
	vb, err := p.open(b)
	if err != nil {
		return "."
	}
	if !p.shape.diff(x, va, vb) {
		return ""
	}
	if len(x.steps) == 0 {
		return "."
	}
	return joinSteps(outermostFirst(x.steps))
}

var errNilPointer = errors.New("the pointer to the value is nil")

// open returns the T that ptr, a *T, points to.
func (p *Plan) open(ptr any) (reflect.Value, error) {
	v := reflect.ValueOf(ptr)
	if !v.IsValid() || v.Type() != p.pointer {
		return v, fmt.Errorf("found a %T, want a %s", ptr, p.pointer)
	}
	if v.IsNil() {
		return v, errNilPointer
	}
	return v.Elem(), nil
}
