package codec

import "reflect"

// pointerShape is null or what the pointer points at. If that can be null itself, it stands in an array of one, so
// that a nil pointer differs from a pointer to nil.
type pointerShape struct {
	self, elem *Plan
	boxed      bool
}

func (s *pointerShape) append(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	if s.boxed {
		e.buf = appendHead(e.buf, majorArray, 1)
	}
	if err := e.enter(s.self, v); err != nil {
		return err
	}
	return e.leave(s.self, v, s.elem.shape.append(e, v.Elem()))
}

func (s *pointerShape) decode(d *decoder, v reflect.Value) error {
	if d.null() {
		v.SetZero()
		return nil
	}
	if s.boxed {
		if err := d.array(1); err != nil {
			return err
		}
	}
	if _, err := d.room(1, s.elem.least); err != nil {
		return err
	}
	if err := d.enter(s.self); err != nil {
		return err
	}
	defer d.leave(s.self)
	v.Set(reflect.New(s.elem.typ))
	return s.elem.shape.decode(d, v.Elem())
}

func (s *pointerShape) least() int { return 1 }

func (s *pointerShape) nilable() bool { return true }

func (s *pointerShape) parts() []*Plan { return []*Plan{s.elem} }

func (s *pointerShape) each(sc *scanner, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	done, err := sc.enter(s.self, v)
	if done || err != nil {
		return err
	}
	return sc.leave(s.self, v, s.elem.shape.each(sc, v.Elem()))
}

func (s *pointerShape) diff(x *differ, a, b reflect.Value) bool {
	if settled, different := nils(a, b); settled {
		return different
	}
	if !x.enter(s.self, a, b) {
		return false
	}
	defer x.leave()
	return s.elem.shape.diff(x, a.Elem(), b.Elem())
}
