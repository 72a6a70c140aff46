// Package mustertest helps to test code that uses muster: a session of its own for each test, strict by default, with
// faults injected at will.
package mustertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/internal/engine"
)

// Option changes the session that Context makes, and no other.
type Option func(*setup)

type setup struct {
	config muster.Config
	faults engine.Faults
}

// sessions numbers the sessions, to tell their goroutines apart.
var sessions atomic.Uint64

// Context gives t a context with a session of its own, which is closed at the end of the test. The session is strict:
// each argument and result is encoded and decoded as between processes, and changing one after it was passed fails the
// test. Functions that still run after their cancel, and goroutines that functions have started and left behind, fail it
// too. Tests may run in parallel.
func Context(t testing.TB, opts ...Option) context.Context {
	t.Helper()
	s := setup{config: muster.Config{Strict: true, Grace: 5 * time.Second}}
	for _, o := range opts {
		o(&s)
	}
	label := fmt.Sprintf("%s %d", t.Name(), sessions.Add(1))
	session, ctx, err := muster.Open(engine.WithTrial(context.Background(), engine.Trial{Faults: s.faults, Label: label}), s.config)
	if err != nil {
		t.Fatalf("mustertest: %v", err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("mustertest: closing the session: %v", err)
			return // what still runs was named
		}
		if stacks := leaked(label); stacks != "" {
			t.Errorf("mustertest: goroutines that functions have started still run: "+
				"wait for them, or let them watch the function's context\n%s", stacks)
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
