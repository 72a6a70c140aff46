//go:build linux

package main

import (
	"os"
	"testing"
	"time"
)

// The bench starts and stops a cluster of its own; its figures are not judged here.
func TestBench(t *testing.T) {
	p := newEmptyPlace(t)
	p.cleanUp()
	b := read[benchRun](p, "bench", "--json", "--tasks=2000", "--items=20000", "--calls=20", "--rounds=1", "--idle=1s")
	if b.Tasks <= 0 || b.Items <= 0 || b.CallP50 <= 0 || b.Tree <= 0 || b.Start <= 0 || b.Size.Tasks != 2000 {
		t.Errorf("%+v", b)
	}
	if bare := b.Bare; bare == nil || bare.CallP50 <= 0 || bare.CallP99 < bare.CallP50 || bare.Tasks <= 0 || bare.Items <= 0 {
		t.Errorf("a bare NATS: %+v", bare)
	}
	if b.Idle < 0 || b.Idle > 100 {
		t.Errorf("idle, it takes %v cores", b.Idle)
	}
	for _, role := range []string{"head", "agent", "worker", "driver"} {
		if b.Resident[role] < 1<<20 {
			t.Errorf("the %s takes %d bytes", role, b.Resident[role])
		}
		if own := b.Own[role]; own < 1<<20 || own >= b.Resident[role] {
			t.Errorf("the %s takes %d bytes, of which %d are its own", role, b.Resident[role], own)
		}
	}
	p.want(0, "nothing runs here", "down")
}

// The time that this process computes is seen.
func TestCPUTime(t *testing.T) {
	before := cpuTime(os.Getpid())
	for end := time.Now().Add(watchdog); cpuTime(os.Getpid()) <= before; { // each look takes some
		if time.Now().After(end) {
			t.Fatal("no time is seen")
		}
	}
	if cpuTime(-1) != 0 {
		t.Error("a process that isn't there takes time")
	}
}
