package codec

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// remoteError is an error of a type that is not registered, as it arrives: its text, and the sentinels that it said
// it was.
type remoteError struct {
	text string
	is   []error
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Is(target error) bool {
	if slices.Contains(e.is, target) {
		return true
	}
	if lost.Load() != nil && textOf(target) == e.text && !Known(target) {
		if tell := lost.Swap(nil); tell != nil {
			(*tell)(e.text)
		}
	}
	return false
}

// lost is who is to be told that a decoded error was asked by errors.Is for a sentinel that it probably was before it
// travelled: one of the same text that isn't registered.
var lost atomic.Pointer[func(text string)]

// OnLost has tell called the first time that errors.Is is answered with no since a sentinel isn't registered, as far as
// its text tells: with that text, on the goroutine that asks. Nil is nobody.
func OnLost(tell func(text string)) {
	if tell == nil {
		lost.Store(nil)
		return
	}
	lost.Store(&tell)
}

// remoteWrap had an Unwrap() error.
type remoteWrap struct {
	remoteError
	err error
}

func (e *remoteWrap) Unwrap() error { return e.err }

// remoteJoin had an Unwrap() []error.
type remoteJoin struct {
	remoteError
	errs []error
}

func (e *remoteJoin) Unwrap() []error { return e.errs }

// leastError is the shortest encoding of an error: the tag, the array of five, and five items.
const leastError = 11

// DecodeError decodes what AppendError wrote, all of data. The first result is the error that travelled, nil for
// null; the second says that data is none. Sentinels come back as the very same values, registered types as such;
// any other error is of an unexported type with Error, Is and Unwrap.
func DecodeError(data []byte) (err, failure error) {
	d := decoder{data: data}
	err, failure = d.error()
	if failure == nil && len(d.data) > 0 {
		failure = fmt.Errorf("%d bytes are left over", len(d.data))
	}
	if failure != nil {
		return nil, inside("decode", errorInterface, failure)
	}
	return err, nil
}

func (d *decoder) error() (err, failure error) {
	if d.null() {
		return nil, nil
	}
	if d.errs++; d.errs > maxErrorDepth {
		return nil, fmt.Errorf("errors nested deeper than %d levels", maxErrorDepth)
	}
	defer func() { d.errs-- }()
	text, name, failure := d.errorHead()
	if failure != nil {
		return nil, failure
	}
	layout, sentinel := registered.named(name)
	typed, failure := d.errorData(layout)
	if failure != nil {
		return nil, at(failure, "("+name+")")
	}
	remote, failure := d.remote(text)
	switch {
	case failure != nil:
		return nil, failure
	case sentinel != nil:
		return sentinel, nil
	case typed != nil:
		return typed, nil
	}
	return remote, nil
}

// errorHead reads up to the name, which is empty for null.
func (d *decoder) errorHead() (text, name string, err error) {
	tag, err := d.open(majorTag, "an error")
	if err != nil {
		return "", "", err
	}
	if tag != tagError {
		return "", "", fmt.Errorf("found tag %d, want %d, an error", tag, tagError)
	}
	if err := d.array(5); err != nil {
		return "", "", err
	}
	if text, d.data, err = readString(d.data); err != nil {
		return "", "", err
	}
	if !d.null() {
		name, d.data, err = readString(d.data)
	}
	return text, name, err
}

// errorData reads the fields of a registered type. Those of an unknown one are passed over.
func (d *decoder) errorData(layout *errorType) (error, error) {
	if d.null() {
		return nil, nil
	}
	if layout == nil {
		_, err := d.item()
		return nil, err
	}
	return layout.read(d)
}

// remote reads the rest of an error and makes the stand-in for it.
func (d *decoder) remote(text string) (error, error) {
	is, err := d.sentinels()
	if err != nil {
		return nil, err
	}
	e := remoteError{text: text, is: is}
	if d.null() {
		return &e, nil
	}
	if len(d.data) > 0 && d.data[0]&0xe0 != majorArray {
		inner, err := d.error()
		return &remoteWrap{e, inner}, err
	}
	count, err := d.open(majorArray, "errors")
	if err != nil {
		return nil, err
	}
	n, err := d.room(count, leastError)
	if err != nil {
		return nil, err
	}
	errs := make([]error, n)
	for i := range errs {
		if errs[i], err = d.error(); err != nil {
			return nil, at(err, index(i))
		}
		if errs[i] == nil {
			return nil, at(errors.New("found null, want an error"), index(i))
		}
	}
	return &remoteJoin{e, errs}, nil
}

// sentinels reads the names of the sentinels that an error is, as far as they are registered here.
func (d *decoder) sentinels() ([]error, error) {
	if d.null() {
		return nil, nil
	}
	count, err := d.open(majorArray, "the names of errors")
	if err != nil {
		return nil, err
	}
	var is []error
	for range count {
		name, rest, err := readText(d.data)
		if err != nil {
			return nil, err
		}
		d.data = rest
		if _, sentinel := registered.named(string(name)); sentinel != nil {
			is = append(is, sentinel)
		}
	}
	return is, nil
}
