package engine

import (
	"context"
	"runtime/pprof"
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
