package muster

import (
	"context"
	"errors"
	"fmt"

	"github.com/musterrun/muster/internal/engine"
)

// Ref is the result of a task, there or still to come. It is small, may be copied, compared (two Refs of one task are
// ==) and stand anywhere inside an argument or a result. Its methods may be called by any number of goroutines. A
// result lives as long as a Ref of it, or an unstarted task that needs it.
//
// The zero Ref has no task: Get and Wait give an error, Done is closed, Cancel does nothing.
type Ref[T any] struct {
	t *engine.Typed[T]
}

// typed is the task, or for a zero Ref one that has failed with an error that says so.
func (r Ref[T]) typed() *engine.Typed[T] {
	if r.t == nil {
		return engine.Zero[T]()
	}
	return r.t
}

// Get waits for the task and gives its result, which must not be changed. If ctx ends first it gives ctx.Err() itself,
// and the task goes on; any other error is the task's, a *TaskError. Inside a task, Get lends the task's CPU slot to
// others while it waits. It asks for the value: a lazy call runs now.
func (r Ref[T]) Get(ctx context.Context) (T, error) {
	if err := r.Wait(ctx); err != nil {
		var zero T
		return zero, err
	}
	return r.t.Value()
}

// Wait waits as Get does, without the result.
func (r Ref[T]) Wait(ctx context.Context) error {
	if r.t == nil {
		return engine.ErrZeroRef
	}
	if err := r.t.Wait(ctx); err != nil {
		return err
	}
	return r.t.Err()
}

// Value is the result of a Ref that stood in the task's argument: it is there. It panics unless the task is done
// without error; elsewhere use Get.
func (r Ref[T]) Value() T {
	if r.t == nil || !r.t.Done() {
		panic("muster: Value of a Ref that has no result yet: use Get, or pass the Ref in the argument of the task")
	}
	v, err := r.t.Value()
	if err != nil {
		panic(fmt.Sprintf("muster: Value of a Ref whose task failed: use Get: %v", err))
	}
	return v
}

// Done gives a channel that closes when the task has ended or ctx has. Inside a task, the task's CPU slot is lent to
// others from the first such channel that is open until the last one has closed, which happens once the slot is back.
// Asking again with the same context gives the same channel while it is open.
func (r Ref[T]) Done(ctx context.Context) <-chan struct{} {
	if r.t == nil {
		return engine.Closed
	}
	return r.t.DoneChannel(ctx)
}

// Cancel asks for the end of the task: at once if it hasn't started, else through its function's context. Its error is
// then ErrCanceled. It doesn't wait, and changes nothing once the task has ended.
func (r Ref[T]) Cancel() {
	if r.t != nil {
		r.t.Cancel()
	}
}

// IsZero reports whether r is the zero Ref.
func (r Ref[T]) IsZero() bool { return r.t == nil }

// Plan is what would run, or ran, for the result. Asking doesn't start anything.
func (r Ref[T]) Plan() *Plan {
	return &Plan{r.typed().PlanOf()}
}

// MarshalJSON is an error: a Ref means something only within its session.
func (r Ref[T]) MarshalJSON() ([]byte, error) {
	return nil, errors.New("muster: a Ref can't be JSON: get its value first")
}
