package codec

import (
	"errors"
	"io"
	"reflect"
	"sync"
	"testing"
)

type slicesInside struct{ err any }

func (slicesInside) Error() string { return "" }

type withChannel struct{ C chan int }

func (*withChannel) Error() string { return "" }

type withRef struct{ R ref[int] }

func (*withRef) Error() string { return "" }

func panics(t *testing.T, want string, call func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	call()
}

func TestRegisterErrorPanics(t *testing.T) {
	fresh := errors.New("fresh")
	panics(t, `RegisterError(""): the name is empty`, func() { RegisterError("", fresh) })
	panics(t, `RegisterError("x"): the error is nil`, func() { RegisterError("x", nil) })
	panics(t, `RegisterError("io.EOF"): the name is taken`, func() { RegisterError("io.EOF", fresh) })
	panics(t, `RegisterError("fs.PathError"): the name is taken`, func() { RegisterError("fs.PathError", fresh) })
	panics(t, `RegisterError("x"): the error is registered as "io.EOF"`, func() { RegisterError("x", io.EOF) })
	panics(t, `RegisterError("x"): values of codec.pathsError can't be compared, which errors.Is needs`, func() { RegisterError("x", pathsError{}) })
	panics(t, `RegisterError("x"): values of codec.slicesInside can't be compared, which errors.Is needs`, func() { RegisterError("x", slicesInside{[]int{}}) })
}

func TestRegisterErrorTypePanics(t *testing.T) {
	fresh := reflect.TypeFor[*slicesInside]()
	panics(t, `RegisterErrorType("x"): the type is nil`, func() { RegisterErrorType("x", nil) })
	panics(t, `RegisterErrorType("x"): error is an interface, want the type of the errors themselves`, func() { RegisterErrorType("x", reflect.TypeFor[error]()) })
	panics(t, `RegisterErrorType("x"): int has no Error method`, func() { RegisterErrorType("x", reflect.TypeFor[int]()) })
	panics(t, `RegisterErrorType("x"): codec.quotaError has no Error method`, func() { RegisterErrorType("x", reflect.TypeFor[quotaError]()) })
	panics(t, `RegisterErrorType("x"): *codec.quotaError is registered as "codec_test.quotaError"`, func() {
		RegisterErrorType("x", reflect.TypeFor[*quotaError]())
	})
	panics(t, `RegisterErrorType("x"): slicesInside.err (interface {}) can't leave the process: an unexported field would be lost; use an exported field, or give the type that holds it MarshalBinary and UnmarshalBinary`+local, func() { RegisterErrorType("x", fresh) })
	panics(t, `RegisterErrorType("x"): withChannel.C (chan int) can't leave the process: a channel has no bytes; use a field that holds the data itself`+local, func() { RegisterErrorType("x", reflect.TypeFor[*withChannel]()) })
	panics(t, `RegisterErrorType("x"): *codec.withRef can hold Refs, which an error can't carry`, func() { RegisterErrorType("x", reflect.TypeFor[*withRef]()) })
	panics(t, `RegisterErrorType(""): the name is empty`, func() { RegisterErrorType("", reflect.TypeFor[*ring]()) })
	panics(t, `RegisterErrorType("io.EOF"): the name is taken`, func() { RegisterErrorType("io.EOF", reflect.TypeFor[*ring]()) })
}

// late registers while it is asked what it is.
type late struct {
	once *sync.Once
	err  error
}

func (late) Error() string { return "late" }

func (l late) Is(error) bool {
	l.once.Do(func() { RegisterError("codec_test.late", l.err) })
	return false
}

func TestRegistrationDuringUse(t *testing.T) {
	inner := errors.New("registered late")
	l := late{new(sync.Once), inner}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _ = travel(t, l) })
	}
	wg.Wait()
	if got := travel(t, inner); got != inner {
		t.Error(got)
	}
}
