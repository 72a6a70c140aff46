package codec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// The errors that keep their identity between processes. Names are one space for sentinels and types.
var registered = builtins()

type registry struct {
	mu        sync.RWMutex
	sentinels map[string]error
	names     map[error]string // the reverse
	types     map[string]*errorType
	layouts   map[reflect.Type]*errorType // the reverse
}

// An errorType carries the errors of one dynamic type.
type errorType struct {
	name  string
	write func(e *encoder, err error) error
	read  func(d *decoder) (error, error) // nil, nil if the value means nothing here
}

// RegisterError makes errors.Is find sentinel in decoded errors: wherever an error tree holds it, the decoded tree
// holds the very same value. Both processes must register it under the same name, best in package initialisation;
// one that doesn't know the name gets an error with the same text.
//
// It panics if the name is empty or taken, or if the sentinel is nil, can't be compared, or has a name already. It is
// safe for concurrent use.
func RegisterError(name string, sentinel error) {
	if problem := registered.addSentinel(name, sentinel); problem != "" {
		panic(fmt.Sprintf("RegisterError(%q): %s", name, problem))
	}
}

// RegisterErrorType makes errors.As find errors of the dynamic type t, *E or E, in decoded errors. Their exported
// fields travel; an error that they wrap does so if a field of type error holds it. Both processes must register the
// type under the same name; one that doesn't know it gets an error with the same text and nothing inside.
//
// It panics if the name is empty or taken, or if t is nil, an interface, no error, registered already, or a type that
// can't leave a process or can hold Refs. It is safe for concurrent use.
func RegisterErrorType(name string, t reflect.Type) {
	if problem := registered.addType(name, t); problem != "" {
		panic(fmt.Sprintf("RegisterErrorType(%q): %s", name, problem))
	}
}

func (r *registry) addSentinel(name string, sentinel error) (problem string) {
	if sentinel == nil {
		return "the error is nil"
	}
	if !reflect.ValueOf(sentinel).Comparable() {
		return fmt.Sprintf("values of %T can't be compared, which errors.Is needs", sentinel)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, twice := r.names[sentinel]; twice {
		return fmt.Sprintf("the error is registered as %q", other)
	}
	if problem := r.checkName(name); problem != "" {
		return problem
	}
	r.sentinels[name], r.names[sentinel] = sentinel, name
	return ""
}

func (r *registry) addType(name string, t reflect.Type) (problem string) {
	switch {
	case t == nil:
		return "the type is nil"
	case t.Kind() == reflect.Interface:
		return fmt.Sprintf("%s is an interface, want the type of the errors themselves", t)
	case !t.Implements(errorInterface):
		return fmt.Sprintf("%s has no Error method", t)
	}
	layout, err := layoutOf(name, t)
	if err != nil {
		return err.Error()
	}
	return r.add(t, layout)
}

func (r *registry) add(t reflect.Type, layout *errorType) (problem string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, twice := r.layouts[t]; twice {
		return fmt.Sprintf("%s is registered as %q", t, other.name)
	}
	if problem := r.checkName(layout.name); problem != "" {
		return problem
	}
	r.types[layout.name], r.layouts[t] = layout, layout
	return ""
}

func (r *registry) checkName(name string) (problem string) {
	if name == "" {
		return "the name is empty"
	}
	if r.sentinels[name] != nil || r.types[name] != nil {
		return "the name is taken"
	}
	return ""
}

// layoutOf carries the errors of type t by the plan of what it points at, or of t.
func layoutOf(name string, t reflect.Type) (*errorType, error) {
	value := t
	if t.Kind() == reflect.Pointer {
		value = t.Elem()
	}
	plan, err := Of(value)
	if err != nil {
		return nil, err
	}
	if plan.hasRefs {
		return nil, fmt.Errorf("%s can hold Refs, which an error can't carry", t)
	}
	write := func(e *encoder, err error) error {
		v := reflect.ValueOf(err)
		if t != value {
			return plan.shape.append(e, v.Elem())
		}
		addressable := reflect.New(value).Elem()
		addressable.Set(v)
		return plan.shape.append(e, addressable)
	}
	read := func(d *decoder) (error, error) {
		if _, err := d.room(1, plan.least); err != nil {
			return nil, err
		}
		v := reflect.New(value)
		if err := plan.shape.decode(d, v.Elem()); err != nil {
			return nil, err
		}
		if t == value {
			v = v.Elem()
		}
		return v.Interface().(error), nil
	}
	return &errorType{name: name, write: write, read: read}, nil
}

// identity is what is registered about err: the name of a sentinel, or the layout of its type.
func (r *registry) identity(err error) (name string, layout *errorType) {
	v := reflect.ValueOf(err)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if v.Comparable() {
		if name, ok := r.names[err]; ok {
			return name, nil
		}
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "", nil // its methods may not bear that, and its fields are nowhere
	}
	layout = r.layouts[v.Type()]
	if layout != nil {
		name = layout.name
	}
	return name, layout
}

func (r *registry) named(name string) (layout *errorType, sentinel error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.types[name], r.sentinels[name]
}

// matching returns the names, in order, of the sentinels that match.
func (r *registry) matching(match func(sentinel error) bool) []string {
	r.mu.RLock()
	sentinels := maps.Clone(r.sentinels) // match is a user's code and may register
	r.mu.RUnlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(sentinels)) {
		if match(sentinels[name]) {
			names = append(names, name)
		}
	}
	return names
}
