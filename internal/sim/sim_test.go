package sim

import (
	"flag"
	"testing"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
)

var (
	seed  = flag.Uint64("seed", 0, "simulate this seed alone")
	seeds = flag.Int("seeds", 200, "how many seeds TestSeeds simulates")
)

// small is a cluster in which everything that can go wrong does, within a minute or two.
func small(seed uint64) Config {
	users, limit := 0, int64(0)
	if seed%3 == 0 {
		users, limit = 2, int64(4+seed%5)
	}
	c := Config{
		Users: users, Limit: limit,
		Seed: seed, Nodes: 3 + int(seed%4), CPUs: 4 + int(seed%3), Jobs: 2 + int(seed%3), Tasks: 600, Servers: 1 + 2*int(seed%2),
		Shape: Shape{
			Took: 2 * time.Second, Spread: 0.9, Deps: 0.3, Kids: 0.1, Natures: 0.05, Urgent: 0.1, Large: 0.02, Memory: 0.02,
			Items: 40 * int(seed%2), Unequal: seed%4 == 0, Packable: seed%5 == 0,
		},
		Faults: Faults{
			Nodes: 0.2, Workers: 2, Drivers: 1, Heads: 0.5, Cuts: 1, Apart: 0.5, Drains: 1, Away: 30 * time.Second, Until: 10 * time.Minute,
			LoseAck: 0.01, Lose: 0.001, Double: 0.01, Late: 0.01, Slow: 0.1,
		},
	}
	if seed%6 == 0 { // without calls: a task that waits for one keeps its memory, and the limit could be used up by such
		c.Memory, c.Shape.Memory, c.Shape.Kids = memory/2, 0.2, 0
	}
	return c
}

// TestSeeds simulates small clusters, each with its own faults.
func TestSeeds(t *testing.T) {
	first, last := uint64(1), uint64(*seeds)
	if *seed > 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		r, err := Run(small(n))
		if err != nil {
			t.Errorf("%v\n%v\nreplay: go test ./internal/sim -run TestSeeds -seed %d", r, err, n)
		} else if *seed > 0 {
			t.Log(r)
		}
	}
}

// TestReplay: a seed tells all of a simulation, or what it finds could not be looked into.
func TestReplay(t *testing.T) {
	for n := uint64(1); n <= 5; n++ {
		first, err1 := Run(small(n))
		again, err2 := Run(small(n))
		first.Decision, again.Decision = 0, 0 // in real time
		if err1 != nil || err2 != nil || *first != *again {
			t.Errorf("%v, %v\n%v, %v", first, err1, again, err2)
		}
	}
}

// TestLargeTaskStarts: on a node that another job's small tasks fill as well, one that needs all of it gets its turn.
func TestLargeTaskStarts(t *testing.T) {
	begins := func(b bug) time.Duration {
		s := newSim(&Config{Seed: 1, Nodes: 1, CPUs: 4, Jobs: 2, Tasks: 2000, Servers: 1, Shape: Shape{Took: time.Second, Spread: 0.9}, bug: b})
		s.jobs[0].program.tasks[0].cpu = 4 * coordinator.Unit
		if _, err := s.run(); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.truth.execs[1:] {
			if e.job == 0 && e.task == 0 {
				return e.began
			}
		}
		return 0
	}
	if d := begins(0); d > 30*time.Second {
		t.Errorf("it begins after %v", d)
	}
	if d := begins(ignoresHolds); d < time.Minute {
		t.Errorf("if nothing is held for it, it begins after %v: this test proves nothing", d)
	}
}
