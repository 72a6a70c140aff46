package cluster_test

import (
	"testing"

	"github.com/musterrun/muster/mustertest/cluster"
)

// A lone call's outcome is told ahead of the journal: whoever is killed before it is recorded, the caller has it, nothing runs
// twice, and the next call finds its way.
func TestKilledBeforeTheRecord(t *testing.T) {
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx := c.Context()
	dir := t.TempDir()
	n := 0
	call := func() {
		t.Helper()
		n++
		if v, err := square.Call(ctx, work{dir, n}); v != n*n || err != nil {
			t.Fatalf("call %d: %d, %v", n, v, err)
		}
	}
	for range 4 { // both nodes have workers then
		call()
	}
	c.KillHead() // what was told last is recorded some milliseconds later
	c.StartHead()
	call()
	c.KillAgent(0)
	call()
	// A batch that a busy machine doesn't confirm within two seconds is given out again.
	if ran, _ := executions(t, dir); ran < n || ran > n+2 {
		t.Errorf("%d executions of %d calls", ran, n)
	}
}
