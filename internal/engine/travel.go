package engine

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/musterrun/muster/internal/codec"
)

// arrive is what becomes of the function's error in a strict session. RetryIf judges the original, as it does where the
// function runs.
func (f *Fn[In, Out]) arrive(r *Run, err error) error {
	if !r.s.cfg.Strict || f.Local {
		return err
	}
	r.sent = err
	arrived := throughWire(err)
	if codec.Known(arrived) {
		return arrived
	}
	return &arrival{error: arrived, sent: err, s: r.s, fn: f.Name}
}

// original is what the function returned, if err is what arrived of it.
func (r *Run) original(err error) error {
	if err != nil && r.sent != nil {
		return r.sent
	}
	return err
}

// throughWire is what becomes of an error between processes.
func throughWire(err error) error {
	data, e := codec.AppendError(nil, err)
	if e == nil {
		var decoded error
		if decoded, e = codec.DecodeError(data); e == nil {
			return decoded
		}
	}
	return fmt.Errorf("%w (and its encoding failed: %w)", err, e)
}

// arrival is an error that isn't registered, after its way. Whoever asks it in vain for something that the original had
// would be answered otherwise without the way: the session says so at its end.
type arrival struct {
	error
	sent error
	s    *Session
	fn   string
}

func (a *arrival) Unwrap() error { return a.error }

// Is answers no: errors.Is goes on with what arrived.
func (a *arrival) Is(target error) bool {
	if !codec.Known(target) && !errors.Is(a.error, target) && errors.Is(a.sent, target) {
		a.lost(fmt.Sprintf("errors.Is asked for, %q", target), "muster.RegisterError")
	}
	return false
}

var panicType = reflect.TypeFor[*panicError]()

// As answers no: errors.As goes on with what arrived.
func (a *arrival) As(target any) bool {
	t := reflect.TypeOf(target).Elem()
	if t == panicType {
		return false // the engine asks, for the stack
	}
	v := reflect.New(t)
	if !errors.As(a.error, v.Interface()) && errors.As(a.sent, v.Interface()) {
		had := fmt.Sprintf("%T", v.Elem().Interface())
		a.lost("errors.As asked for, "+had, "muster.RegisterErrorType["+had+"]")
	}
	return false
}

func (a *arrival) lost(what, remedy string) {
	a.s.addCheck(func() error {
		return fmt.Errorf("muster: an error of %s lost what %s: only registered errors keep their identity between processes: call %s",
			a.fn, what, remedy)
	})
}
