package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/musterrun/muster/internal/codec"
)

// The errors that the public package hands on under the same names.
var (
	ErrCanceled  = error(canceledError{})
	ErrClosed    = errors.New("muster: the session is closed")
	ErrNoSession = errors.New("muster: the context has no session: pass on the context that Main, Open or the task's function was given")
)

// ErrMaybeRan is the error of a task that may have run, wholly or in part, when what ran it was lost.
var ErrMaybeRan = errors.New("muster: what ran it was lost, and it must not run twice: it may have run, wholly or in part")

type canceledError struct{}

func (canceledError) Error() string        { return "canceled" }
func (canceledError) Is(target error) bool { return target == context.Canceled }

// TaskError is the public package's *TaskError.
type TaskError struct {
	Func    string
	Task    uint64
	Item    int
	Attempt int
	Node    string
	Stack   string
	Err     error
}

func (e *TaskError) Error() string {
	if inner, ok := e.Err.(*TaskError); ok && inner.Func == e.Func && e.Item < 0 && e.Attempt <= 1 { //nolint:errorlint // the next level
		return inner.Error()
	}
	var b strings.Builder
	b.WriteString(e.Func)
	if e.Item >= 0 {
		fmt.Fprintf(&b, ": item %d", e.Item)
	}
	if e.Attempt > 1 {
		fmt.Fprintf(&b, ": attempt %d", e.Attempt)
	}
	b.WriteString(": ")
	b.WriteString(strings.TrimPrefix(e.Err.Error(), "muster: "))
	return b.String()
}

// Unwrap is what the function returned, or why it didn't run to its end.
func (e *TaskError) Unwrap() error { return e.Err }

// panicError is a function's panic; its stack goes into TaskError.Stack. It travels as it is.
type panicError struct {
	Text  string
	Err   error // the value, if it is one
	Stack string
}

func init() { codec.RegisterErrorType("muster.panic", panicType) }

func (e *panicError) Error() string { return "panic: " + e.Text }

// stackIn is the stack of the function's own panic, or nothing.
func stackIn(err error) string {
	err = bare(err)
	if t, ok := err.(*timeoutError); ok { //nolint:errorlint // that of this attempt
		err = t.err
	}
	if p, ok := err.(*panicError); ok { //nolint:errorlint // only the function's own panic has a stack
		return p.Stack
	}
	return ""
}

// Unwrap gives the value if it is an error, so that errors.Is sees through a panic(err).
func (e *panicError) Unwrap() error { return e.Err }

// timeoutError is the end of an attempt whose time was over.
type timeoutError struct {
	after time.Duration
	err   error // what the function returned then, or nil
}

func (e *timeoutError) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return fmt.Sprintf("timeout after %v: %v", e.after, e.err)
	}
	text := fmt.Sprintf("timeout after %v: %v", e.after, context.DeadlineExceeded)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap gives context.DeadlineExceeded and the function's own error.
func (e *timeoutError) Unwrap() []error {
	if e.err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.err}
}

var errGoexit = errors.New("the function called runtime.Goexit")

// Reasons of a cancellation, as given to the machine.
const (
	byRef uint8 = iota + 1
	byContext
	byParent
	byLoop
	byClose
)

// reason is the cancellation's one line for people.
func reason(why uint8) string {
	switch why {
	case byRef:
		return "Ref.Cancel was called"
	case byContext:
		return "the context passed to Go ended"
	case byParent:
		return "the task that started it returned without its Ref in the result"
	case byLoop:
		return "the loop over the results was left"
	default:
		return "the session was closed"
	}
}

// canceled is the error of a task that was cancelled for the given reason.
func canceled(why uint8, sc *Scope) error {
	switch why {
	case byContext:
		return fmt.Errorf("the context passed to Go ended: %w", sc.cause())
	case byParent:
		return fmt.Errorf("%s: %w", reason(why), ErrCanceled)
	case byClose:
		return ErrClosed
	default:
		return ErrCanceled
	}
}
