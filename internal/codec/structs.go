package codec

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// structShape is a map from names to values. All fields are written, and all are wanted: a missing or unknown name
// is an error, since a field that silently became zero would be a wrong result, not a slow one.
type structShape struct {
	atom
	fields []field // in the order of their keys
	byName map[string]int
}

// A field of a struct as it is encoded.
type field struct {
	name  string
	key   []byte // the name, encoded
	step  string // for paths: the Go name with its dot
	index int
	plan  *Plan
}

// fill compiles the fields of t. Embedded structs are fields like others, under their type's name: nothing shadows
// anything, and an embedded pointer may be nil.
func (s *structShape) fill(c *compiler, t reflect.Type, path string) error {
	s.byName = map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" || !f.IsExported() && f.Type.Size() == 0 {
			continue // holds nothing that a program could read
		}
		path := path + "." + f.Name
		if !f.IsExported() && !isOpenEmbedded(f) {
			return hidden(t, f, path)
		}
		name, ok := wireName(f)
		if !ok {
			return &TypeError{Path: path, Type: f.Type.String(), Reason: "its tag leaves it out, so it would be lost", Remedy: remedyTag}
		}
		if _, twice := s.byName[name]; twice {
			reason := fmt.Sprintf("another field is named %q too", name)
			return &TypeError{Path: path, Type: f.Type.String(), Reason: reason, Remedy: "another name in the tag"}
		}
		plan, err := c.plan(f.Type, path)
		if err != nil {
			return err
		}
		s.byName[name] = 0
		s.fields = append(s.fields, field{name: name, key: appendString(nil, name), step: "." + f.Name, index: i, plan: plan})
	}
	slices.SortFunc(s.fields, func(a, b field) int { return bytes.Compare(a.key, b.key) })
	for i, f := range s.fields {
		s.byName[f.name] = i
	}
	return nil
}

// isOpenEmbedded tells whether f is an embedded struct of an unexported type, whose exported fields a program can
// reach all the same. It must be walked field by field: its methods are out of reach.
func isOpenEmbedded(f reflect.StructField) bool {
	if !f.Anonymous || f.Type.Kind() != reflect.Struct || ownMarshalling(f.Type) != nil {
		return false
	}
	_, isRef := refOf(f.Type)
	return !isRef
}

// wireName takes the name from the cbor tag, else from the json tag, else it is the field's. Options after the name
// have no effect: omitempty would make an empty slice nil.
func wireName(f reflect.StructField) (name string, ok bool) {
	tag := f.Tag.Get("cbor")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
		return "", false
	}
	name, _, _ = strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	return name, true
}

func (s *structShape) append(e *encoder, v reflect.Value) error {
	e.buf = appendHead(e.buf, majorMap, uint64(len(s.fields)))
	for i := range s.fields {
		f := &s.fields[i]
		e.buf = append(e.buf, f.key...)
		if err := f.plan.shape.append(e, v.Field(f.index)); err != nil {
			return at(err, f.step)
		}
	}
	return nil
}

func (s *structShape) decode(d *decoder, v reflect.Value) error {
	count, err := d.open(majorMap, "a map")
	if err != nil {
		return err
	}
	var few [64]bool // most structs need no allocation
	done := few[:]
	if len(s.fields) > len(few) {
		done = make([]bool, len(s.fields))
	}
	for n := range count {
		i, err := s.key(d, n)
		if err != nil {
			return err
		}
		f := &s.fields[i]
		if done[i] {
			return at(errors.New("the field is there twice"), f.step)
		}
		done[i] = true
		if err := f.plan.shape.decode(d, v.Field(f.index)); err != nil {
			return at(err, f.step)
		}
	}
	for i := range s.fields {
		if !done[i] {
			return at(errors.New("the field is missing"), s.fields[i].step)
		}
	}
	return nil
}

// key reads the name of the n-th field in the data. Our own writer keeps the order, others may not.
func (s *structShape) key(d *decoder, n uint64) (int, error) {
	if n < uint64(len(s.fields)) && bytes.HasPrefix(d.data, s.fields[n].key) {
		d.data = d.data[len(s.fields[n].key):]
		return int(n), nil
	}
	name, rest, err := readText(d.data)
	if err != nil {
		return 0, err
	}
	i, ok := s.byName[string(name)]
	if !ok {
		return 0, fmt.Errorf("found a field %q, which the type has not", name)
	}
	d.data = rest
	return i, nil
}

func (s *structShape) least() int {
	n := headLen(len(s.fields))
	for _, f := range s.fields {
		n += len(f.key) + f.plan.shape.least()
	}
	return n
}

func (s *structShape) parts() []*Plan {
	plans := make([]*Plan, len(s.fields))
	for i, f := range s.fields {
		plans[i] = f.plan
	}
	return plans
}

func (s *structShape) each(sc *scanner, v reflect.Value) error {
	for i := range s.fields {
		f := &s.fields[i]
		if !f.plan.hasRefs {
			continue
		}
		if err := f.plan.shape.each(sc, v.Field(f.index)); err != nil {
			return at(err, f.step)
		}
	}
	return nil
}

func (s *structShape) diff(x *differ, a, b reflect.Value) bool {
	for i := range s.fields {
		f := &s.fields[i]
		if f.plan.shape.diff(x, a.Field(f.index), b.Field(f.index)) {
			x.at(f.step)
			return true
		}
	}
	return false
}
