package codec

import (
	"reflect"
	"sync"
)

var (
	plans     sync.Map   // reflect.Type to *Plan, finished ones
	compiling sync.Mutex // held by the one compiler, so that a type never gets two plans
)

// Of returns the plan for t, compiled once and kept for the life of the process. The error, a *TypeError, names the
// part of t whose values can't leave a process. It is safe for concurrent use; a plan that is there costs one look-up.
func Of(t reflect.Type) (*Plan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*Plan), nil
	}
	compiling.Lock()
	defer compiling.Unlock()
	c := compiler{plans: map[reflect.Type]*Plan{}}
	p, err := c.plan(t, typeName(t))
	if err != nil {
		return nil, err
	}
	c.finish()
	return p, nil
}

// A compiler makes the plans for one type and for those that it is made of.
type compiler struct {
	plans map[reflect.Type]*Plan // not yet finished
}

// plan returns the plan for t, perhaps one whose parts are still to come: that is how recursive types end.
func (c *compiler) plan(t reflect.Type, path string) (*Plan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*Plan), nil
	}
	if p, ok := c.plans[t]; ok {
		return p, nil
	}
	p := &Plan{typ: t, pointer: reflect.PointerTo(t)}
	c.plans[t] = p
	if err := c.fill(p, path); err != nil {
		return nil, err
	}
	return p, nil
}

// fill gives p its shape. What a type says about itself comes before what its kind says.
func (c *compiler) fill(p *Plan, path string) error {
	if ref, ok := refOf(p.typ); ok {
		p.shape = ref
		return nil
	}
	switch p.typ {
	case timeType:
		p.shape = timeShape{}
		return nil
	case bigIntType:
		p.shape = bigIntShape{}
		return nil
	}
	if isErrorType(p.typ) {
		p.shape = errorShape{}
		return nil
	}
	if own := ownMarshalling(p.typ); own != nil {
		p.shape = own
		return nil
	}
	return c.byKind(p, path)
}

// byKind sets p.shape before it compiles the parts, since these may come back to p.
func (c *compiler) byKind(p *Plan, path string) (err error) {
	t := p.typ
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return c.list(p, path)
	case reflect.Pointer:
		s := &pointerShape{self: p}
		p.shape = s
		if s.elem, err = c.plan(t.Elem(), path); err == nil {
			s.boxed = s.elem.shape.nilable()
		}
	case reflect.Map:
		if reason := checkKey(t.Key()); reason != "" {
			return &TypeError{Path: path, Type: t.String(), Reason: reason, Remedy: remedyKey}
		}
		s := &mapShape{self: p}
		p.shape = s
		if s.key, err = c.plan(t.Key(), path+"[key]"); err == nil {
			s.elem, err = c.plan(t.Elem(), path+"[]")
		}
	case reflect.Struct:
		s := &structShape{}
		p.shape = s
		err = s.fill(c, t, path)
	default:
		p.leaf = leafOf(t.Kind())
		if p.leaf == nil {
			return refusal(t, path)
		}
		p.shape = p.leaf
	}
	return err
}

func leafOf(k reflect.Kind) *leaf {
	switch k {
	case reflect.Bool:
		return boolLeaf
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intLeaf
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintLeaf
	case reflect.Float32, reflect.Float64:
		return floatLeaf
	case reflect.Complex64, reflect.Complex128:
		return complexLeaf
	case reflect.String:
		return stringLeaf
	}
	return nil
}

// list is for slices and arrays: of bytes, of numbers, of anything else.
func (c *compiler) list(p *Plan, path string) error {
	elem := p.typ.Elem()
	_, isNumber := typedArrays[elem.Kind()]
	isByte := elem.Kind() == reflect.Uint8
	if (isNumber || isByte) && ownMarshalling(elem) == nil {
		switch {
		case isNumber:
			n := newNumeric(p.typ, leafOf(elem.Kind()))
			p.shape, p.leaf = n, &n.leaf
			return nil
		case p.typ.Kind() == reflect.Array:
			p.leaf = byteArrayLeaf(p.typ.Len())
		default:
			p.leaf = bytesLeaf
		}
		p.shape = p.leaf
		return nil
	}
	var err error
	if p.typ.Kind() == reflect.Array {
		s := &arrayShape{length: p.typ.Len()}
		p.shape = s
		s.elem, err = c.plan(elem, path+"[]")
		return err
	}
	s := &sliceShape{self: p}
	p.shape = s
	s.elem, err = c.plan(elem, path+"[]")
	return err
}

// finish works out what can be said only once all parts are there, and publishes the plans.
func (c *compiler) finish() {
	for _, p := range c.plans {
		p.least = p.shape.least()
		reached := map[*Plan]bool{}
		for _, part := range p.shape.parts() {
			reach(part, reached)
		}
		p.recursive = reached[p]
		_, p.hasRefs = p.shape.(refShape)
		for part := range reached {
			_, isRef := part.shape.(refShape)
			p.hasRefs = p.hasRefs || isRef
		}
	}
	for t, p := range c.plans {
		plans.Store(t, p)
	}
}

func reach(p *Plan, reached map[*Plan]bool) {
	if reached[p] {
		return
	}
	reached[p] = true
	for _, part := range p.shape.parts() {
		reach(part, reached)
	}
}
