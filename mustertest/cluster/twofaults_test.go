package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// A head that is back doesn't know of a node that died meanwhile: its tasks run elsewhere all the same.
func TestHeadAndAgentKilled(t *testing.T) {
	t.Parallel()
	disturbed(t, 3, func(c *cluster.Procs) {
		c.KillHead()
		c.KillAgent(1)
		c.StartHead()
	})
}

// disturbed starts tasks on some nodes, and does something to these when a part is done: all end well, few run again.
func disturbed(t *testing.T, nodes int, disturb func(*cluster.Procs)) {
	t.Helper()
	c := cluster.Processes(t, nodes, cluster.Options{})
	ctx, dir := c.Context(), t.TempDir()
	const n = 2000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	disturb(c)
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+unrecorded {
		t.Errorf("%d executions of %d", ran, n)
	}
}

// What a worker had that died while the head was away is given back once the head is there again.
func TestWorkerKilledWithoutHead(t *testing.T) {
	t.Parallel()
	disturbed(t, 2, func(c *cluster.Procs) {
		c.KillHead()
		c.KillWorker(0)
		c.StartHead()
	})
}

// A driver that goes on while an agent is cut off doesn't wait for that one, and what it brings later does no harm.
func TestDriverKilledWhileAnAgentIsCutOff(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 3, cluster.Options{})
	dir := t.TempDir()
	d := c.Run(counting, "count", dir)
	for d.Next(patience) != "500" {
	}
	c.CutOff(0)
	d.Kill()
	d = c.Run(counting, "count", dir)
	for d.Next(patience) != "1000" {
	}
	c.Heal(0)
	for d.Next(patience) != "done" {
	}
	d.Wait(patience)
	if ran, _ := executions(t, dir); ran > 4000+unrecorded {
		t.Errorf("%d executions of 4000", ran)
	}
}

// Two agents that come and go while the head does too.
func TestAllComeAndGo(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx, dir := c.Context(), t.TempDir()
	const n = 6000
	refs := start(ctx, dir, n)
	for i := range 4 {
		_, _ = refs[1000*i].Get(ctx)
		c.KillAgent(i % 2)
		if i%2 == 0 {
			c.KillHead()
			c.StartHead()
		}
		c.StartAgent(i % 2)
	}
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+256 { // an agent that is killed before it could record what was done loses that
		t.Errorf("%d executions of %d", ran, n)
	} else {
		t.Logf("executed again: %d", ran-n)
	}
}

// Tasks that wait for others, in every process that may die, come to their ends.
func TestNestedAmongFaults(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx := c.Context()
	r := fib.Go(ctx, 17)
	<-time.After(cluster.Ages.Renew)
	for range 2 { // a task whose worker dies three times counts as the cause
		if len(c.Workers(0)) > 0 {
			c.KillWorker(0)
		}
		<-time.After(cluster.Ages.Renew)
	}
	c.KillHead()
	c.StartHead()
	if v, err := r.Get(ctx); v != 1597 || err != nil {
		t.Error(v, err)
	}
}

// A driver that comes back after it was given up still takes over what runs.
func TestDriverBackLate(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 1, cluster.Options{})
	dir := filepath.Join(t.TempDir(), "ran")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &chaosRun{t: t, c: c, dir: dir, sc: scaleOf()}
	r.driver = c.Run(holding, "late", dir)
	r.holders(0, 1, 0)
	r.driver.Kill()
	var jobs []protocol.JobInfo
	for limit := time.After(patience); len(jobs) == 0 || jobs[0].State != protocol.JobOrphaned; {
		select {
		case <-time.After(cluster.Ages.Renew):
			c.Ask(protocol.OpListJobs, nil, &jobs)
		case <-limit:
			t.Fatalf("%+v", jobs)
		}
	}
	r.driver = c.Run(holding, "late", dir)
	r.hear("asked")
	r.open(0)
	r.driver.Wait(patience)
	if ran := len(r.holders(0, 1, 0)); ran != 1 {
		t.Errorf("%d executions", ran)
	}
}

// holding has one task, which is held.
var holding = cluster.Driver("holding", func(ctx context.Context, args []string) error {
	r := chaosHold.Go(ctx, work{args[0], 0})
	fmt.Println("asked")
	_, err := r.Get(ctx)
	return err
})
