package codec

import (
	"fmt"
	"reflect"
	"strings"
)

// TypeError says why the values of a type can't leave a process, and what to do about it.
type TypeError struct {
	Path   string // from the type asked for to the trouble: "Job.Opts.Callback", "[]Job[].C"
	Type   string // of what stands there: "chan int"
	Reason string // "a channel has no bytes"
	Remedy string // "a concrete type or json.RawMessage"
}

// Error is one line: the path, the reason, the remedy, and muster.Local as the way around.
func (e *TypeError) Error() string {
	return fmt.Sprintf("%s (%s) can't leave the process: %s; use %s, or use muster.Local, whose values never leave the process",
		e.Path, e.Type, e.Reason, e.Remedy)
}

const (
	remedyConcrete = "a concrete type or json.RawMessage"
	remedyTag      = "a name in the tag, or give the type that holds it MarshalBinary and UnmarshalBinary"
	remedyExport   = "an exported field, or give the type that holds it MarshalBinary and UnmarshalBinary"
	remedyData     = "a field that holds the data itself"
	remedyKey      = "a string or an integer as the key"
)

// refusals are the kinds that no plan can be made for.
var refusals = map[reflect.Kind]TypeError{
	reflect.Chan:          {Reason: "a channel has no bytes", Remedy: remedyData},
	reflect.Func:          {Reason: "a function has no bytes", Remedy: "a registered function's name"},
	reflect.UnsafePointer: {Reason: "an address means nothing elsewhere", Remedy: remedyData},
	reflect.Uintptr:       {Reason: "an address means nothing elsewhere", Remedy: "uint64"},
	reflect.Interface:     {Reason: "the reader can't know which type it holds", Remedy: remedyConcrete},
}

func refusal(t reflect.Type, path string) *TypeError {
	err := refusals[t.Kind()]
	err.Path, err.Type = path, t.String()
	return &err
}

// hidden is for the unexported field f of t.
func hidden(t reflect.Type, f reflect.StructField, path string) *TypeError {
	err := &TypeError{Path: path, Type: f.Type.String(), Reason: "an unexported field would be lost", Remedy: remedyExport}
	for _, holder := range []reflect.Type{t, f.Type} {
		if holder.PkgPath() == "sync" || holder.PkgPath() == "sync/atomic" {
			err.Type = holder.String()
			err.Reason, err.Remedy = "locks and atomics work within one process", remedyData
		}
	}
	return err
}

// checkKey tells why t can't be the key of a map that is decoded again: every key must be found under what was
// decoded, so keys are compared by value and made of bools, integers and strings.
func checkKey(t reflect.Type) (reason string) {
	switch {
	case t == timeType:
		return "two times of one instant need not be equal as keys"
	case ownMarshalling(t) != nil:
		return ""
	}
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "a float key may be NaN, which is never found again"
	case reflect.Pointer:
		return "a pointer is another one after decoding"
	case reflect.Interface:
		return "the reader can't know which type the key holds"
	case reflect.Array:
		return checkKey(t.Elem())
	case reflect.Struct:
		if _, isRef := refOf(t); isRef {
			return "a Ref as a key would not be found as a dependency"
		}
		for i := range t.NumField() {
			if reason := checkKey(t.Field(i).Type); reason != "" && t.Field(i).Name != "_" {
				return reason
			}
		}
	}
	return ""
}

// typeName is t as paths show it: without packages, which only make them long.
func typeName(t reflect.Type) string {
	if t.Name() != "" {
		return bareName(t.Name())
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + typeName(t.Elem())
	case reflect.Slice:
		return "[]" + typeName(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeName(t.Elem()))
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return "any"
		}
	}
	return t.String()
}

// bareName leaves the packages out of a generic type's arguments: Pair[example.com/a.Job,int] becomes Pair[Job,int].
func bareName(name string) string {
	var b strings.Builder
	word := 0
	for i := range len(name) {
		switch name[i] {
		case '[', ']', ',', '*', ' ':
			b.WriteString(name[word : i+1])
			word = i + 1
		case '.', '/':
			word = i + 1
		}
	}
	b.WriteString(name[word:])
	return b.String()
}
