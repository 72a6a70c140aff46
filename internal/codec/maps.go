package codec

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// mapShape is a map, null for nil, with its keys in the order of their encodings.
type mapShape struct {
	self, key, elem *Plan
}

// entries are a map's, in order, and out of the map: the values in a map have no address, and every shape wants one.
type entries struct {
	list         []entry
	keys, values reflect.Value // slices
}

type entry struct {
	code  []byte // the key, encoded
	place int    // in keys and values
}

func (m *entries) key(i int) reflect.Value { return m.keys.Index(m.list[i].place) }

func (m *entries) value(i int) reflect.Value { return m.values.Index(m.list[i].place) }

func (m *entries) step(i int) string { return mapIndex(m.key(i)) }

// entries leaves the encoder alone, so that the caller can write each value behind its key.
func (s *mapShape) entries(v reflect.Value) (*entries, error) {
	n := v.Len()
	m := &entries{
		list:   make([]entry, n),
		keys:   reflect.MakeSlice(reflect.SliceOf(s.key.typ), n, n),
		values: reflect.MakeSlice(reflect.SliceOf(s.elem.typ), n, n),
	}
	codes := encoder{}
	for i, it := 0, v.MapRange(); it.Next(); i++ {
		key, start := m.keys.Index(i), len(codes.buf)
		key.SetIterKey(it)
		m.values.Index(i).SetIterValue(it)
		if err := s.key.shape.append(&codes, key); err != nil {
			return nil, at(err, mapIndex(key))
		}
		m.list[i] = entry{codes.buf[start:], i}
	}
	slices.SortFunc(m.list, func(a, b entry) int { return bytes.Compare(a.code, b.code) })
	for i := 1; i < n; i++ {
		if bytes.Equal(m.list[i-1].code, m.list[i].code) {
			return nil, at(errors.New("another key is encoded alike"), m.step(i))
		}
	}
	return m, nil
}

func (s *mapShape) append(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	if err := e.enter(s.self, v); err != nil {
		return err
	}
	return e.leave(s.self, v, s.appendEntries(e, v))
}

func (s *mapShape) appendEntries(e *encoder, v reflect.Value) error {
	m, err := s.entries(v)
	if err != nil {
		return err
	}
	e.buf = appendHead(e.buf, majorMap, uint64(len(m.list)))
	for i := range m.list {
		e.buf = append(e.buf, m.list[i].code...)
		if err := s.elem.shape.append(e, m.value(i)); err != nil {
			return at(err, m.step(i))
		}
	}
	return nil
}

func (s *mapShape) decode(d *decoder, v reflect.Value) error {
	if d.null() {
		v.SetZero()
		return nil
	}
	count, err := d.open(majorMap, "a map")
	if err != nil {
		return err
	}
	n, err := d.room(count, s.key.least+s.elem.least)
	if err != nil {
		return err
	}
	if err := d.enter(s.self); err != nil {
		return err
	}
	defer d.leave(s.self)
	v.Set(reflect.MakeMapWithSize(v.Type(), n))
	key, value := reflect.New(s.key.typ).Elem(), reflect.New(s.elem.typ).Elem()
	for i := range n {
		if err := s.key.shape.decode(d, key); err != nil {
			return at(err, fmt.Sprintf("[key %d]", i))
		}
		if err := s.elem.shape.decode(d, value); err != nil {
			return at(err, mapIndex(key))
		}
		v.SetMapIndex(key, value)
		if v.Len() != i+1 {
			return at(errors.New("the key is there twice"), mapIndex(key))
		}
	}
	return nil
}

func (s *mapShape) least() int { return 1 }

func (s *mapShape) nilable() bool { return true }

func (s *mapShape) parts() []*Plan { return []*Plan{s.key, s.elem} }

func (s *mapShape) each(sc *scanner, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	done, err := sc.enter(s.self, v)
	if done || err != nil {
		return err
	}
	return sc.leave(s.self, v, s.eachValue(sc, v))
}

func (s *mapShape) eachValue(sc *scanner, v reflect.Value) error {
	m, err := s.entries(v)
	if err != nil {
		return err
	}
	for i := range m.list {
		if err := s.elem.shape.each(sc, m.value(i)); err != nil {
			return at(err, m.step(i))
		}
	}
	return nil
}

func (s *mapShape) diff(x *differ, a, b reflect.Value) bool {
	if settled, different := nils(a, b); settled {
		return different
	}
	if !x.enter(s.self, a, b) {
		return false
	}
	defer x.leave()
	ma, errA := s.entries(a)
	mb, errB := s.entries(b)
	if errA != nil || errB != nil {
		return (errA == nil) != (errB == nil)
	}
	return s.diffEntries(x, ma, mb)
}

// diffEntries goes through both in order; a key that only one of them has is the difference.
func (s *mapShape) diffEntries(x *differ, a, b *entries) bool {
	i := 0
	for ; i < len(a.list) && i < len(b.list); i++ {
		switch order := bytes.Compare(a.list[i].code, b.list[i].code); {
		case order > 0:
			a = b
			fallthrough
		case order < 0:
			x.at(a.step(i))
			return true
		case s.elem.shape.diff(x, a.value(i), b.value(i)):
			x.at(a.step(i))
			return true
		}
	}
	if len(a.list) == len(b.list) {
		return false
	}
	if i == len(a.list) {
		a = b
	}
	x.at(a.step(i))
	return true
}
