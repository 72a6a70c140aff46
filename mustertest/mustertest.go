// Package mustertest helps to test code that uses muster: a session of its own for each test, strict by default, with
// faults injected at will.
package mustertest

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/internal/engine"
)

// Main runs a package's tests, or becomes the worker process of a task whose function is Isolated, if this test binary was
// started as one. It gives the exit code. Tests of such functions need it, others don't:
//
//	func TestMain(m *testing.M) { os.Exit(mustertest.Main(m)) }
func Main(m *testing.M) int {
	if code, worker := engine.Doors.Work(); worker {
		return code
	}
	engine.Doors.Open()
	return m.Run()
}

// Option changes the session that Context makes, and no other.
type Option func(*setup)

type setup struct {
	config muster.Config
	loose  bool
	faults []injection
}

// sessions numbers the sessions, to tell their goroutines apart.
var sessions atomic.Uint64

// Context gives t a context with a session of its own, which is closed at the end of the test. The session is strict,
// unless Loose says otherwise: each argument, result and error is encoded and decoded as between processes. Changing a
// value after it was passed fails the test, and so does asking an error by errors.Is or errors.As for what it has lost on
// its way, since it isn't registered; RetryIf gets the function's own error. Functions that still run after their cancel,
// and goroutines that functions have started and left behind, fail it too. Tests may run in parallel.
func Context(t testing.TB, opts ...Option) context.Context {
	t.Helper()
	var s setup
	for _, o := range opts {
		o(&s)
	}
	s.config.Strict = !s.loose
	s.config.Grace = cmp.Or(s.config.Grace, 5*time.Second)
	trial := engine.Trial{Faults: injected(t, s.faults)}
	trial.Label = fmt.Sprintf("%s %d", t.Name(), sessions.Add(1))
	session, ctx, err := muster.Open(engine.WithTrial(context.Background(), trial), s.config)
	if err != nil {
		t.Fatalf("mustertest: %v", err)
	}
	t.Cleanup(func() {
		defer missed(t, s.faults)
		if err := session.Close(); err != nil {
			t.Errorf("mustertest: closing the session: %v", err)
			return // what still runs was named
		}
		if stacks := leaked(trial.Label); stacks != "" {
			t.Errorf("mustertest: goroutines that functions have started still run: "+
				"wait for them, or let them watch the function's context\n%s", stacks)
		}
	})
	return ctx
}

// Config replaces the session's configuration; a Grace of 0 stays 5 s here, and the session is strict whatever Strict
// says.
func Config(c muster.Config) Option {
	return func(s *setup) { s.config = c }
}

// Loose makes a session that isn't strict: values are passed by reference, as in a program. It is for functions that
// strict sessions are too slow for.
func Loose() Option {
	return func(s *setup) { s.loose = true }
}
