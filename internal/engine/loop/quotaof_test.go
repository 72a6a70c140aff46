package loop_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

const unit = 10_000

var (
	tuned = function("loop.tuned", hold.Do, engine.Options{
		CPUs: 1, Memory: 30, Resources: []engine.Resource{{Name: engine.GPU, N: 1}, {Name: "seat", N: 2}},
	})
	one   = function("loop.one", hold.Do, engine.Options{CPUs: 1, Resources: []engine.Resource{{Name: engine.GPU, N: 1}}})
	small = function("loop.small", brief.Do, engine.Options{CPUs: 1, Resources: []engine.Resource{{Name: engine.GPU, N: 1}}})
	large = function("loop.large", brief.Do, engine.Options{CPUs: 1, Resources: []engine.Resource{{Name: engine.GPU, N: 2}}})
)

// Quotas of memory, GPUs and named resources are kept as one of CPUs is, each by itself, and the one is named that a task
// waits for.
func TestQuotaOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := engine.Config{Memory: func() int64 { return 1000 }, Resources: map[string]float64{engine.GPU: 4, "seat": 8}}
		ctx, s := openLoop(t, cfg, 1, 8)
		of := func(n int64, why string) protocol.QuotaOf { return protocol.QuotaOf{N: n, Limit: n, Why: why} }
		allow := func(others map[string]protocol.QuotaOf) { s.SetQuota(protocol.Quota{CPUs: -1, Others: others}) }
		allow(map[string]protocol.QuotaOf{"gpu": of(2*unit, "two"), "memory": of(100, "hundred"), "seat": of(8*unit, "eight")})
		var refs []*engine.Typed[int]
		for n := range 4 {
			refs = append(refs, tuned.Go(ctx, n))
		}
		<-reached
		<-reached
		synctest.Wait()
		if l := s.Load(); l.Quota != nil || l.CPUs != 2 || l.Needs != 1 ||
			!maps.Equal(l.Has, map[string]int64{"gpu": 2 * unit, "memory": 60, "seat": 4 * unit}) ||
			!maps.Equal(l.Wants, map[string]int64{"gpu": unit, "memory": 30, "seat": 2 * unit}) ||
			!maps.Equal(l.Kept, map[string]int64{"gpu": 2 * unit, "memory": 100, "seat": 8 * unit}) {
			t.Errorf("the head hears %+v", l)
		}
		waits := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := whyReady(s); len(reached) > 0 || !strings.Contains(got, want) {
				t.Errorf("%d more run, why: %s", len(reached), got)
			}
		}
		waits("it needs 1 GPU, and the job has 2 of 2 that it may have now: two")
		refs = append(refs, hold.Go(ctx, 4)) // needs no GPU
		<-reached
		allow(map[string]protocol.QuotaOf{"memory": of(89, "hundred")})
		waits("it needs 30 bytes of memory, and the job has 60 bytes of 89 bytes that it may have now: hundred")
		allow(map[string]protocol.QuotaOf{"seat": {N: 5 * unit, Limit: unit, Why: "five"}})
		waits("it needs 2 of seat, and the job has 4 of 5 that it may have now: five; so it can't start before that is raised")
		allow(nil)
		<-reached
		<-reached
		for _, gate := range gates {
			close(gate)
		}
		for _, r := range refs {
			if err := r.Wait(ctx); err != nil {
				t.Error(err)
			}
		}
		if l := s.Load(); l.CPUs != 0 || len(l.Has) > 0 || len(l.Wants) > 0 || len(l.Kept) > 0 {
			t.Errorf("when all is done, the head hears %+v", l)
		}
	})
}

// A task that needs all of a quota of GPUs starts though small ones never end, and those that need none go on meanwhile.
func TestALargeTaskWithinAQuotaOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := openLoop(t, engine.Config{Resources: map[string]float64{engine.GPU: 8}, HoldAfter: time.Second}, 2, 8)
		s.SetQuota(protocol.Quota{CPUs: -1, Others: map[string]protocol.QuotaOf{"gpu": {N: 2 * unit, Limit: 2 * unit}}})
		stop, fed := make(chan struct{}), make(chan struct{})
		go feedWith(ctx, small, stop, fed)
		first := one.Go(ctx, 0)
		<-reached
		big := large.Go(ctx, 7)
		<-time.After(5 * time.Second) // in the bubble: what the quota is held for waits for a task of one GPU
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := brief.Call(limited, 1); err != nil {
			t.Errorf("a task without GPUs waits for one with: %v", err)
		}
		close(gates[0])
		if err := big.Wait(limited); err != nil {
			t.Error(err)
		}
		close(stop)
		<-fed
		if err := first.Wait(ctx); err != nil {
			t.Error(err)
		}
	})
}
