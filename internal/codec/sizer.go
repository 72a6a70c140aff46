package codec

import "reflect"

// A Sizer says about how many bytes of memory the values of one type take. The zero Sizer says 0. It never changes.
type Sizer struct {
	typ   reflect.Type
	fixed bool // what a value holds is all in the value itself
}

// SizerOf gives the Sizer of a type.
func SizerOf(t reflect.Type) Sizer { return Sizer{t, isFixed(t)} }

// Fixed is how many bytes each value takes, if that is the same for all.
func (s Sizer) Fixed() (n int64, ok bool) {
	if s.typ == nil {
		return 0, true
	}
	return int64(s.typ.Size()), s.fixed
}

// Of is about how many bytes *ptr takes, of the Sizer's type, with what its pointers, slices, maps and strings hold. Of long
// ones the first elements stand for all, so the cost is bounded; what several pointers share counts for each of them, and
// what stands in unexported fields, in interfaces and behind Refs not at all.
func (s Sizer) Of(ptr any) int64 {
	if s.typ == nil {
		return 0
	}
	n := int64(s.typ.Size())
	if !s.fixed {
		m := measure{left: maxMeasured}
		n += m.beyond(reflect.ValueOf(ptr).Elem())
	}
	return n
}

// isFixed reports whether values of the type hold nothing that lies elsewhere, as far as a Sizer looks.
func isFixed(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Pointer:
		return false
	case reflect.Array:
		return isFixed(t.Elem())
	case reflect.Struct:
		if isClosed(t) {
			return true
		}
		for i := range t.NumField() {
			if !isFixed(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

// isClosed reports whether a struct keeps to itself what it holds: it may be guarded by a lock.
func isClosed(t reflect.Type) bool {
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return true
		}
	}
	return false
}

const (
	maxMeasured = 10_000 // parts of a value that are looked at
	maxSample   = 1_000  // elements of one slice or map
	maxNested   = 100
)

// measure looks at the parts of one value.
type measure struct{ left, depth int }

// beyond is how many bytes a value takes beside its own, which lie in what holds it.
func (m *measure) beyond(v reflect.Value) int64 {
	if m.left--; m.left < 0 || m.depth > maxNested {
		return 0
	}
	m.depth++
	defer func() { m.depth-- }()
	switch t := v.Type(); v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Pointer:
		if v.IsNil() {
			return 0
		}
		return int64(t.Elem().Size()) + m.beyond(v.Elem())
	case reflect.Slice:
		return int64(v.Len())*int64(t.Elem().Size()) + m.elements(v)
	case reflect.Array:
		return m.elements(v)
	case reflect.Map:
		return int64(v.Len())*int64(t.Key().Size()+t.Elem().Size()) + m.entries(v)
	case reflect.Struct:
		return m.fields(v)
	default:
		return 0
	}
}

func (m *measure) fields(v reflect.Value) (n int64) {
	if isClosed(v.Type()) {
		return 0
	}
	for i := range v.NumField() {
		if f := v.Field(i); !isFixed(f.Type()) {
			n += m.beyond(f)
		}
	}
	return n
}

func (m *measure) elements(v reflect.Value) (n int64) {
	if isFixed(v.Type().Elem()) {
		return 0
	}
	looked := 0
	for ; m.looksOn(looked) && looked < v.Len(); looked++ {
		n += m.beyond(v.Index(looked))
	}
	return scaled(n, looked, v.Len())
}

func (m *measure) entries(v reflect.Value) (n int64) {
	t := v.Type()
	key, elem := !isFixed(t.Key()), !isFixed(t.Elem())
	if !key && !elem {
		return 0
	}
	looked := 0
	for it := v.MapRange(); m.looksOn(looked) && it.Next(); looked++ {
		if key {
			n += m.beyond(it.Key())
		}
		if elem {
			n += m.beyond(it.Value())
		}
	}
	return scaled(n, looked, v.Len())
}

// looksOn reports whether one more element is looked at, after so many. The first always is: it stands for the others.
func (m *measure) looksOn(looked int) bool { return looked == 0 || looked < maxSample && m.left > 0 }

// most is more than anything takes; what holds itself would take more.
const most = 1 << 50

// scaled is what all take if some take n.
func scaled(n int64, some, all int) int64 {
	if some == all {
		return n
	}
	return int64(min(float64(n)/float64(some)*float64(all), most))
}
