package engine

import (
	"context"
	"time"
)

// Fault is something that goes wrong before an attempt of a function: a delay, then a panic or an error.
type Fault struct {
	Func    string
	Attempt int // from 1; 0 for every attempt
	Delay   time.Duration
	Panic   any
	Err     error
}

// Faults are those of one session.
type Faults []Fault

type faultsKey struct{}

// WithFaults is a context with which Open makes a session that has the faults.
func WithFaults(ctx context.Context, f Faults) context.Context {
	return context.WithValue(ctx, faultsKey{}, f)
}

// FaultsOf are the faults of a context, or nil.
func FaultsOf(ctx context.Context) Faults {
	f, _ := ctx.Value(faultsKey{}).(Faults)
	return f
}

// strike does what the faults for this attempt say.
func (fs Faults) strike(r *Run, name string) error {
	for _, f := range fs {
		if f.Func != name || f.Attempt != 0 && f.Attempt != r.Attempt() {
			continue
		}
		if f.Delay > 0 {
			t := time.NewTimer(f.Delay)
			select {
			case <-t.C:
			case <-r.Done():
				t.Stop()
				return r.Err()
			}
		}
		if f.Panic != nil {
			panic(f.Panic)
		}
		if f.Err != nil {
			return f.Err
		}
	}
	return nil
}
