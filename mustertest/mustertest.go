// Package mustertest helps to test code that uses muster: a session of its own for each test, strict by default, with
// faults injected at will.
package mustertest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/internal/engine"
)

// Option changes the session that Context makes, and no other.
type Option func(*setup)

type setup struct {
	config muster.Config
	faults engine.Faults
}

// Context gives t a context with a session of its own, which is closed at the end of the test. The session is strict:
// each argument and result is encoded and decoded as between processes, and changing one after it was passed fails the
// test. Functions that still run after their cancel, and goroutines that the test has left behind, fail it too.
//
// The check for goroutines sees all of the process, so it is left out in tests that run in parallel with others (those
// that have called t.Parallel before), unless Leaks(true) is given.
func Context(t testing.TB, opts ...Option) context.Context {
	t.Helper()
	s := setup{config: muster.Config{Strict: true, Grace: 5 * time.Second}}
	for _, o := range opts {
		o(&s)
	}
	before := goleak.IgnoreCurrent()
	session, ctx, err := muster.Open(engine.WithFaults(context.Background(), s.faults), s.config)
	if err != nil {
		t.Fatalf("mustertest: %v", err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("mustertest: closing the session: %v", err)
			return // what still runs was named
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("mustertest: %v", err)
		}
	})
	return ctx
}

// Config replaces the session's configuration; Strict is then as c says.
func Config(c muster.Config) Option {
	return func(s *setup) { s.config = c }
}

// Fail makes the given attempt (from 1; 0 for every one) of each task of the function fail with err instead of running.
func Fail(fn string, attempt int, err error) Option {
	return fault(engine.Fault{Func: fn, Attempt: attempt, Err: err})
}

// Panic makes the attempt panic with value instead of running.
func Panic(fn string, attempt int, value any) Option {
	return fault(engine.Fault{Func: fn, Attempt: attempt, Panic: value})
}

// Delay lets the attempt begin later by d, unless it is cancelled meanwhile.
func Delay(fn string, attempt int, d time.Duration) Option {
	return fault(engine.Fault{Func: fn, Attempt: attempt, Delay: d})
}

func fault(f engine.Fault) Option {
	return func(s *setup) { s.faults = append(s.faults, f) }
}
