package muster

import (
	"runtime"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// A worker computes on the cores that its node gives to tasks, and on no more than there are; if GOMAXPROCS is set, on those.
func TestWorkersCores(t *testing.T) {
	was := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(was)
	for _, c := range []struct {
		set, node string
		want      int
	}{
		{"", "1.5", 2}, {"", "0.5", 1}, {"", "8", 3}, {"", "", 3}, {"", "none", 3}, {"3", "1", 3},
	} {
		runtime.GOMAXPROCS(3)
		t.Setenv("GOMAXPROCS", c.set)
		t.Setenv(protocol.EnvCPUs, c.node)
		useNodeCores()
		if got := runtime.GOMAXPROCS(0); got != c.want {
			t.Errorf("GOMAXPROCS=%s, a node of %q CPUs: %d cores", c.set, c.node, got)
		}
	}
}
