package muster

import (
	"reflect"

	"github.com/musterrun/muster/internal/codec"
	"github.com/musterrun/muster/internal/engine"
)

// Sentinel errors, for errors.Is.
var (
	// ErrMaybeRan is the error of a task with the option AtMostOnce that may have run, wholly or in part, when what ran
	// it was lost.
	ErrMaybeRan = engine.ErrMaybeRan
	// ErrCanceled is the error of a task that was cancelled; it is also context.Canceled.
	ErrCanceled = engine.ErrCanceled
	// ErrClosed is the error of a task that hadn't ended when its session was closed, and of calls after that.
	ErrClosed = engine.ErrClosed
	// ErrNoSession is the error of a call, under Main, whose context has no session.
	ErrNoSession = engine.ErrNoSession
)

// TaskError is how a task failed. errors.As finds it:
//
//	var failed *muster.TaskError
//	if errors.As(err, &failed) { ... }
//
// Its fields are
//
//	Func    string // the function's name
//	Task    uint64 // the task's number in its session; 0 if it was refused before it had one
//	Item    int    // index in a Map, else -1
//	Attempt int    // the one that failed, from 1; 0 if the function never ran
//	Node    string // reserved for tasks on other machines; "" today
//	Stack   string // of a panic: from the frame that panicked to the function; else ""
//	Err     error  // what the function returned, or why it didn't run to its end
//
// Error is one line: the function, item and attempt, as far as they say something, then Err. Unwrap gives Err.
type TaskError = engine.TaskError

func init() {
	RegisterErrorType[*TaskError]("muster.TaskError")
	RegisterError("muster.ErrCanceled", ErrCanceled)
	RegisterError("muster.ErrMaybeRan", ErrMaybeRan)
	RegisterError("muster.ErrClosed", ErrClosed)
	RegisterError("muster.ErrNoSession", ErrNoSession)
}

// RegisterError lets errors.Is find the sentinel in an error that came from another process; the first time that one is
// asked in vain for a sentinel of the same text, a line says so. Registered are context's, io's and fs's. It must be
// called while packages are initialised, and panics for a nil error or a name that is empty or taken.
func RegisterError(name string, sentinel error) {
	mustInit("RegisterError", name)
	codec.RegisterError(name, sentinel)
}

// RegisterErrorType lets errors.As find errors of type E in an error that came from another process. E's exported
// fields travel. It must be called while packages are initialised, and panics for a name that is empty or taken.
func RegisterErrorType[E error](name string) {
	mustInit("RegisterErrorType", name)
	codec.RegisterErrorType(name, reflect.TypeFor[E]())
}
