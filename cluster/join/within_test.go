package join

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Bad input is told within 5 s: neither a connection nor a question takes longer, and a connection leaves a second for
// the program's start.
func TestTimes(t *testing.T) {
	const told = 5 * time.Second
	if connectTime > told-time.Second || askTime > told {
		t.Error(connectTime, askTime)
	}
}

// Steps that share the time never have more than there is.
func TestPartOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		began := time.Now()
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second} {
			part, cancel := partOf(ctx, 4-i)
			<-part.Done()
			cancel()
			if took := time.Since(began); took != want {
				t.Errorf("step %d ends after %v, not %v", i, took, want)
			}
		}
		part, cancel := partOf(t.Context(), 2)
		defer cancel()
		if _, ok := part.Deadline(); ok {
			t.Error("a deadline out of nothing")
		}
	})
}
