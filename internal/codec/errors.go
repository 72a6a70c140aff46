package codec

import (
	"fmt"
	"reflect"
	"slices"
)

// Bounds of one error tree. What is beyond them is cut off, not refused: an error must arrive, and the texts of the
// outer errors as a rule say what the inner ones did.
const (
	maxErrorDepth = 64      // errors inside each other, through fields too
	maxErrorNodes = 1024    // errors in all
	maxErrorText  = 1 << 20 // bytes of their texts in all, the outer before the inner
)

var errorInterface = reflect.TypeFor[error]()

// isErrorType tells whether t is error, or a named interface that asks for no more.
func isErrorType(t reflect.Type) bool {
	return t.Kind() == reflect.Interface && t.NumMethod() == 1 && errorInterface.Implements(t)
}

// errorBudget is what remains of the bounds.
type errorBudget struct{ depth, nodes, text int }

// AppendError appends the encoding of err, or null for nil. The error it returns names the field of a registered
// error type that can't be written, such as a time in the year 10000; dst then is returned as it was.
//
// An error's text is kept exactly, and its tree through both forms of Unwrap; the bounds are 64 levels, 1,024 errors
// and 1 MiB of text, beyond which the rest is cut off. A panic in an error's own methods takes the place of what the
// method would have said.
func AppendError(dst []byte, err error) ([]byte, error) {
	e := newEncoder(dst, nil)
	if err := e.error(err); err != nil {
		return dst, inside("encode", errorInterface, err)
	}
	return e.buf, nil
}

// Known reports whether err itself is a registered sentinel or of a registered type, and so keeps its identity.
func Known(err error) bool {
	name, _ := registered.identity(err)
	return name != ""
}

// error writes tag(merr) [text, name, data, is, wrap].
func (e *encoder) error(err error) error {
	if err == nil {
		return e.null()
	}
	budget := &e.errs
	if budget.depth == 0 {
		budget.nodes, budget.text = maxErrorNodes, maxErrorText
	}
	budget.depth++
	budget.nodes--
	defer func() { budget.depth-- }()

	e.buf = appendHead(e.buf, majorTag, tagError)
	e.buf = appendHead(e.buf, majorArray, 5)
	e.buf = appendString(e.buf, budget.cut(textOf(err)))
	name, layout := registered.identity(err)
	if layout != nil && budget.depth < maxErrorDepth && budget.nodes > 0 {
		return e.typedError(err, name, layout)
	}
	if name != "" && layout == nil {
		e.buf = appendString(e.buf, name)
		e.buf = append(e.buf, itemNull, itemNull, itemNull)
		return nil
	}
	e.buf = append(e.buf, itemNull, itemNull)
	e.likeness(err)
	return e.wrapped(err)
}

// typedError leaves what the error wraps to its fields.
func (e *encoder) typedError(err error, name string, layout *errorType) error {
	e.buf = appendString(e.buf, name)
	if err := layout.write(e, err); err != nil {
		return at(err, "("+name+")")
	}
	e.likeness(err)
	return e.null()
}

// likeness writes the names of the sentinels for which err's own Is method says yes: the reader can't ask it.
func (e *encoder) likeness(err error) {
	var names []string
	if is, ok := err.(interface{ Is(error) bool }); ok {
		names = registered.matching(func(sentinel error) bool {
			return guard(func() bool { return is.Is(sentinel) })
		})
	}
	if len(names) == 0 {
		e.buf = append(e.buf, itemNull)
		return
	}
	e.buf = appendHead(e.buf, majorArray, uint64(len(names)))
	for _, name := range names {
		e.buf = appendString(e.buf, name)
	}
}

// wrapped writes null, the one error, or an array of the errors that err wraps.
func (e *encoder) wrapped(err error) error {
	if e.errs.depth >= maxErrorDepth || e.errs.nodes <= 0 {
		return e.null()
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		return e.error(guard(err.Unwrap))
	case interface{ Unwrap() []error }:
		return e.errorList(guard(err.Unwrap))
	}
	return e.null()
}

// errorList writes the head last, since the bounds decide only then how many there are.
func (e *encoder) errorList(list []error) error {
	start, n := len(e.buf), uint64(0)
	for _, err := range list {
		if err == nil || e.errs.nodes <= 0 {
			continue
		}
		if err := e.error(err); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return e.null()
	}
	e.buf = slices.Insert(e.buf, start, appendHead(nil, majorArray, n)...)
	return nil
}

func (b *errorBudget) cut(text string) string {
	if len(text) <= b.text {
		b.text -= len(text)
		return text
	}
	short := fmt.Sprintf("%s... (%d bytes of text)", text[:b.text], len(text))
	b.text = 0
	return short
}

// textOf is err's text. A broken error is still an error that must arrive.
func textOf(err error) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprintf("%T, whose Error method panicked: %v", err, r)
		}
	}()
	return err.Error()
}

// guard calls a user's method, and takes a panic for an empty answer.
func guard[T any](method func() T) (answer T) {
	defer func() { _ = recover() }()
	return method()
}

// errorShape is for values of type error.
type errorShape struct{ atom }

func (errorShape) append(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	return e.error(v.Interface().(error))
}

func (errorShape) decode(d *decoder, v reflect.Value) error {
	v.SetZero()
	err, failure := d.error()
	if failure == nil && err != nil {
		v.Set(reflect.ValueOf(err))
	}
	return failure
}

func (errorShape) least() int { return 1 }

func (errorShape) nilable() bool { return true }

func (s errorShape) diff(x *differ, a, b reflect.Value) bool { return x.encodings(s, a, b) }
