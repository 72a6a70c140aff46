package main

import (
	"runtime"
	"testing"
)

// An agent computes on half of what it gives to tasks, on one core at least, and on no more than there are.
func TestUseFewCores(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	before := runtime.GOMAXPROCS(8)
	defer runtime.GOMAXPROCS(before)
	for _, c := range []struct {
		cpus float64
		want int
	}{{100, 8}, {8, 4}, {7, 4}, {2, 1}, {0.5, 1}, {0, 4}} {
		runtime.GOMAXPROCS(8)
		if (&agentFlags{cpus: c.cpus}).useFewCores(); runtime.GOMAXPROCS(0) != c.want {
			t.Errorf("with %v CPUs it computes on %d cores, not %d", c.cpus, runtime.GOMAXPROCS(0), c.want)
		}
	}
	t.Setenv("GOMAXPROCS", "8")
	runtime.GOMAXPROCS(8)
	if (&agentFlags{cpus: 2}).useFewCores(); runtime.GOMAXPROCS(0) != 8 {
		t.Error("what the environment says doesn't count")
	}
}
