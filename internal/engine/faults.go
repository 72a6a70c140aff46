package engine

import (
	"context"
	"fmt"
	"runtime/pprof"
	"sync/atomic"
	"time"
)

// Fault is something that goes wrong before an attempt of a function: a delay, then a panic or an error.
type Fault struct {
	Func    string
	Attempt int // from 1; 0 for every attempt
	Delay   time.Duration
	Panic   any
	Err     error

	last   atomic.Int64 // attempt that the function came to
	struck atomic.Bool
}

// Missed says why the fault never struck, or nothing if it did.
func (f *Fault) Missed() string {
	switch last := int(f.last.Load()); {
	case f.struck.Load():
		return ""
	case last == 0:
		return f.Func + " never ran"
	case last < f.Attempt:
		return fmt.Sprintf("%s came to attempt %d at most: an earlier one must fail, and its Retries allow more", f.Func, last)
	default:
		return "another fault of the same attempt came first"
	}
}

// Faults are those of one session.
type Faults []*Fault

// Names lists the registered functions; the public package sets it.
var Names func() []string

// Trial is what a test asks of its session.
type Trial struct {
	Faults Faults
	Label  string // goroutines of the session, and those that its functions start, have it as a profiler label
}

// LabelKey is the key of Trial.Label.
const LabelKey = "muster session"

type trialKey struct{}

// WithTrial is a context with which the public package opens a session for a test.
func WithTrial(ctx context.Context, t Trial) context.Context {
	return context.WithValue(ctx, trialKey{}, t)
}

// TrialOf is the trial of a context, or a zero one.
func TrialOf(ctx context.Context) Trial {
	t, _ := ctx.Value(trialKey{}).(Trial)
	return t
}

// label is a context with the label, or nil without one.
func (t Trial) label() context.Context {
	if t.Label == "" {
		return nil
	}
	return pprof.WithLabels(context.Background(), pprof.Labels(LabelKey, t.Label))
}

// strike does what the faults for this attempt say.
func (fs Faults) strike(r *Run, name string) error {
	for _, f := range fs {
		if f.Func == name && int64(r.Attempt()) > f.last.Load() {
			f.last.Store(int64(r.Attempt())) // of two attempts at the same time either will do
		}
	}
	for _, f := range fs {
		if f.Func != name || f.Attempt != 0 && f.Attempt != r.Attempt() {
			continue
		}
		f.struck.Store(true)
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
