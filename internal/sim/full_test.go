package sim

import (
	"flag"
	"testing"
	"time"
)

var (
	nodes  = flag.Int("nodes", 1000, "how many nodes TestFull has, of 64 CPUs each and with 1,000 tasks each")
	faulty = flag.Int("faulty", 50, "the same of TestFullWithFaults")
)

// full is a cluster of 64 CPUs a node that 50 users share, each with a job as large as the others'.
func full(seed uint64, nodes int) Config {
	return Config{
		Seed: max(1, seed), Nodes: nodes, CPUs: 64, Jobs: 50, Tasks: 1000 * nodes, Servers: servers,
		Shape: Shape{Took: 20 * time.Second, Spread: 0.5},
	}
}

// TestFull shows how near to the ideal a large cluster comes, and how evenly its users share it.
func TestFull(t *testing.T) {
	fares(t, full(*seed, *nodes), 1.10)
}

// TestFullWithFaults is the same while one of a hundred nodes dies each minute, and drivers, workers and the head do too.
func TestFullWithFaults(t *testing.T) {
	c := full(*seed, *faulty)
	c.Faults = Faults{
		Nodes: 0.01, Workers: 5, Drivers: 2, Heads: 0.2, Cuts: 2, Away: 20 * time.Second, Until: 10 * time.Minute,
		LoseAck: 0.001, Double: 0.001, Late: 0.001,
	}
	fares(t, c, 1.25)
}

func fares(t *testing.T, c Config, most float64) {
	t.Helper()
	r, err := Run(c)
	t.Log(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Stretch() > most || r.Fairness < 0.95 {
		t.Errorf("the makespan is %.3f of the ideal, at most %.2f is wanted; the fairness %.3f, at least 0.95", r.Stretch(), most, r.Fairness)
	}
}
