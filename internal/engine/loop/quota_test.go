package loop_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// Nodes are given tasks for as many CPUs as the quota has, which come back as tasks end or lend them; the rule is named.
func TestQuota(t *testing.T) {
	synctest.Test(t, testQuota)
}

func testQuota(t *testing.T) {
	ctx, s := openLoop(t, engine.Config{}, 2, 4)
	s.SetQuota(protocol.Quota{CPUs: 2, Limit: 2, Why: "user ann is limited to 2 CPUs"})
	var refs []*engine.Typed[int]
	for n := range 4 {
		refs = append(refs, hold.Go(ctx, n))
	}
	first, second := <-reached, <-reached
	if l := s.Load(); l.CPUs != 2 || l.Needs != 1 || l.Quota == nil || *l.Quota != 2 {
		t.Errorf("the head hears %+v", l)
	}
	third := 0
	for third == first || third == second {
		third++
	}
	if got := why(s, third+1); !strings.Contains(got, "it needs 1 CPU, and the job has 2 of 2 that it may have now: user ann is limited to 2 CPUs") {
		t.Errorf("why: %s", got)
	}
	<-time.After(time.Second) // they are no short tasks, of which many are given out together
	close(gates[first])
	<-reached
	if l := s.Load(); l.CPUs != 2 {
		t.Errorf("the head hears %+v", l)
	}
	s.SetQuota(protocol.Quota{CPUs: -1})
	<-reached
	if l := s.Load(); l.CPUs != 3 || l.Needs != 0 || l.Quota != nil {
		t.Errorf("without a limit, the head hears %+v", l)
	}
	for n := range gates {
		if n != first {
			close(gates[n])
		}
	}
	for _, r := range refs {
		if err := r.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	if l := s.Load(); l.CPUs != 0 {
		t.Errorf("when all is done, the head hears %+v", l)
	}
	s.SetQuota(protocol.Quota{CPUs: 1, Why: "one"})
	if v, err := outer.Call(ctx, 5); v != 5 || err != nil { // its child has the CPU that it lends
		t.Error(v, err)
	}
	<-reached
	s.SetQuota(protocol.Quota{CPUs: 0, Limit: 2, Why: "none is left"})
	large := wide.Go(ctx, 5)
	if got := whyReady(s); !strings.Contains(got, "none is left; so it can't start before that is raised") {
		t.Errorf("why: %s", got)
	}
	s.SetQuota(protocol.Quota{CPUs: 3, Limit: 3})
	<-reached
	if err := large.Wait(ctx); err != nil {
		t.Error(err)
	}
}

// whyReady is what the session as a whole waits for.
func whyReady(s *engine.Session) string {
	return strings.Join(s.ListTasks(&protocol.AskTasks{}).Why, "\n")
}

// A task that needs all of the quota starts though small ones of its job never end.
func TestALargeTaskWithinAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := openLoop(t, engine.Config{Resources: map[string]float64{"seat": 1}, HoldAfter: time.Second}, 2, 8)
		s.SetQuota(protocol.Quota{CPUs: 4, Limit: 4})
		stop, fed := make(chan struct{}), make(chan struct{})
		go feed(ctx, stop, fed)
		<-time.After(time.Second) // in the bubble
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if v, err := whole.Call(limited, 7); v != 7 || err != nil {
			t.Error(v, err)
		}
		close(stop)
		<-fed
	})
}
