package codec

import "reflect"

// sliceShape is an array, null for nil.
type sliceShape struct {
	self, elem *Plan
}

func (s *sliceShape) append(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	if err := e.enter(s.self, v); err != nil {
		return err
	}
	return e.leave(s.self, v, appendElements(e, s.elem, v))
}

func (s *sliceShape) decode(d *decoder, v reflect.Value) error {
	if d.null() {
		v.SetZero()
		return nil
	}
	count, err := d.open(majorArray, "an array")
	if err != nil {
		return err
	}
	n, err := d.room(count, s.elem.least)
	if err != nil {
		return err
	}
	if err := d.enter(s.self); err != nil {
		return err
	}
	defer d.leave(s.self)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	return decodeElements(d, s.elem, v)
}

func (s *sliceShape) least() int { return 1 }

func (s *sliceShape) nilable() bool { return true }

func (s *sliceShape) parts() []*Plan { return []*Plan{s.elem} }

func (s *sliceShape) each(sc *scanner, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	done, err := sc.enter(s.self, v)
	if done || err != nil {
		return err
	}
	return sc.leave(s.self, v, eachElement(sc, s.elem, v))
}

func (s *sliceShape) diff(x *differ, a, b reflect.Value) bool {
	if settled, different := nils(a, b); settled {
		return different
	}
	if !x.enter(s.self, a, b) {
		return false
	}
	defer x.leave()
	n := min(a.Len(), b.Len())
	return diffElements(x, s.elem, a, b, n) || a.Len() != b.Len()
}

// arrayShape is an array of exactly the type's length.
type arrayShape struct {
	atom
	elem   *Plan
	length int
}

func (s *arrayShape) append(e *encoder, v reflect.Value) error { return appendElements(e, s.elem, v) }

func (s *arrayShape) decode(d *decoder, v reflect.Value) error {
	if err := d.array(s.length); err != nil {
		return err
	}
	return decodeElements(d, s.elem, v)
}

// maxLeast is where least stops counting, so that no type makes it overflow.
const maxLeast = 1 << 20

func (s *arrayShape) least() int {
	one := s.elem.shape.least()
	if s.length > maxLeast/one {
		return maxLeast
	}
	return headLen(s.length) + s.length*one
}

func (s *arrayShape) parts() []*Plan { return []*Plan{s.elem} }

func (s *arrayShape) each(sc *scanner, v reflect.Value) error { return eachElement(sc, s.elem, v) }

func (s *arrayShape) diff(x *differ, a, b reflect.Value) bool {
	return diffElements(x, s.elem, a, b, s.length)
}

func appendElements(e *encoder, elem *Plan, v reflect.Value) error {
	n := v.Len()
	e.buf = appendHead(e.buf, majorArray, uint64(n))
	for i := range n {
		if err := elem.shape.append(e, v.Index(i)); err != nil {
			return at(err, index(i))
		}
	}
	return nil
}

func decodeElements(d *decoder, elem *Plan, v reflect.Value) error {
	for i := range v.Len() {
		if err := elem.shape.decode(d, v.Index(i)); err != nil {
			return at(err, index(i))
		}
	}
	return nil
}

func eachElement(sc *scanner, elem *Plan, v reflect.Value) error {
	for i := range v.Len() {
		if err := elem.shape.each(sc, v.Index(i)); err != nil {
			return at(err, index(i))
		}
	}
	return nil
}

// diffElements compares the first n elements.
func diffElements(x *differ, elem *Plan, a, b reflect.Value, n int) bool {
	for i := range n {
		if elem.shape.diff(x, a.Index(i), b.Index(i)) {
			x.at(index(i))
			return true
		}
	}
	return false
}
