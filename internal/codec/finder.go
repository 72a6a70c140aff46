package codec

import (
	"fmt"
	"reflect"
)

// A Finder finds the Refs in values of one type. A *Plan is one.
type Finder interface {
	HasRefs() bool
	EachRef(ptr any, visit func(*Node)) error
}

// FinderOf gives a Finder for any type: its Plan, or if its values can't leave the process, one that walks them by
// reflection, through unexported fields too. Neither looks into interface values, functions and channels.
func FinderOf(t reflect.Type) Finder {
	if p, err := Of(t); err == nil {
		return p
	}
	f := &walker{may: map[reflect.Type]bool{}}
	f.refs = f.holds(t)
	return f
}

// walker is the Finder for types without a Plan.
type walker struct {
	refs bool
	may  map[reflect.Type]bool // whether a Ref can stand in a type; complete once refs is set, and only read then
}

// HasRefs tells whether a Ref can stand in a value of the type.
func (w *walker) HasRefs() bool { return w.refs }

// holds fills may for t and the types it is made of, until nothing changes: a type may be made of itself.
func (w *walker) holds(t reflect.Type) bool {
	for {
		before := len(w.trues())
		w.mark(t, map[reflect.Type]bool{})
		if len(w.trues()) == before {
			return w.may[t]
		}
	}
}

func (w *walker) trues() (ts []reflect.Type) {
	for t, yes := range w.may {
		if yes {
			ts = append(ts, t)
		}
	}
	return ts
}

func (w *walker) mark(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return w.may[t]
	}
	seen[t] = true
	yes := false
	if _, isRef := refOf(t); isRef {
		yes = true
	} else {
		for _, part := range partsOf(t) {
			yes = w.mark(part, seen) || yes
		}
	}
	w.may[t] = w.may[t] || yes
	return w.may[t]
}

func partsOf(t reflect.Type) (parts []reflect.Type) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			parts = append(parts, t.Field(i).Type)
		}
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
		parts = append(parts, t.Elem())
	}
	return parts
}

// EachRef calls visit for each Ref in *ptr that is not zero. What pointers, slices and maps share is visited once.
func (w *walker) EachRef(ptr any, visit func(*Node)) error {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("scan for refs: found a %T, want a pointer", ptr)
	}
	w.walk(v.Elem(), visit, map[visited]bool{})
	return nil
}

// visited is a pointer that was followed, as one type.
type visited struct {
	at  uintptr
	len int
	typ reflect.Type
}

func (w *walker) walk(v reflect.Value, visit func(*Node), seen map[visited]bool) {
	t := v.Type()
	if !w.may[t] {
		return
	}
	if ref, ok := refOf(t); ok {
		if n := *ref.slot(v); n != nil {
			visit(n)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			w.walk(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(), visit, seen) // readable if unexported
		}
	case reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), visit, seen)
		}
	case reflect.Slice:
		if key := (visited{v.Pointer(), v.Len(), t}); v.Len() > 0 && !seen[key] {
			seen[key] = true
			for i := range v.Len() {
				w.walk(v.Index(i), visit, seen)
			}
		}
	case reflect.Pointer:
		if key := (visited{v.Pointer(), 0, t}); !v.IsNil() && !seen[key] {
			seen[key] = true
			w.walk(v.Elem(), visit, seen)
		}
	case reflect.Map:
		if key := (visited{v.Pointer(), 0, t}); !v.IsNil() && !seen[key] {
			seen[key] = true
			for it := v.MapRange(); it.Next(); {
				w.walk(addressable(it.Value()), visit, seen)
			}
		}
	}
}

// addressable is v, or a copy of it where v is a map's value.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	cp := reflect.New(v.Type()).Elem()
	cp.Set(v)
	return cp
}
