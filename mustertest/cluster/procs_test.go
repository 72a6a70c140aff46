package cluster_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// patience is for whatever the machine's other work may hold up.
const patience = time.Minute

// counting prints how many of its squares are done, now and then.
var counting = cluster.Driver("counting", func(ctx context.Context, args []string) error {
	const n = 4000
	refs := start(ctx, args[0], n)
	for i, r := range refs {
		v, err := r.Get(ctx)
		if err != nil {
			return err
		}
		if v != i*i {
			return fmt.Errorf("%d squared is %d", i, v)
		}
		if i%100 == 0 {
			fmt.Println(i)
		}
	}
	fmt.Println("done")
	return nil
})

func TestProcesses(t *testing.T) {
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx := c.Context()
	v, err := pid.Call(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if own := append(c.Workers(0), c.Workers(1)...); !slices.Contains(own, v) {
		t.Error("a task ran in process", v, "and the workers are", own)
	}
}

// A driver that is killed and started again goes on with what is left.
func TestKilledDriver(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	dir := t.TempDir()
	d := c.Run(counting, "count", dir)
	for d.Next(patience) != "500" {
	}
	d.Kill()
	d = c.Run(counting, "count", dir)
	for d.Next(patience) != "done" {
	}
	d.Wait(patience)
	if ran, _ := executions(t, dir); ran != 4000 {
		t.Errorf("%d executions of 4000", ran)
	}
}

// An agent that is killed and back before anybody counts it as dead has nothing of what it had: that runs again.
func TestAgentBackAtOnce(t *testing.T) {
	t.Parallel()
	disturbed(t, 2, func(c *cluster.Procs) {
		c.KillAgent(0)
		c.StartAgent(0)
	})
}

// A driver that was cut off for so long that its job's work was ended goes on when it is back.
func TestDriverAwayForLong(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx := c.Context()
	dir := t.TempDir()
	const n = 2000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	c.CutOffDrivers()
	<-time.After(3 * cluster.Ages.Dead)
	c.HealDrivers()
	check(t, ctx, refs)
}

// A driver whose job is cancelled learns that from what it waits for.
func TestCancelledJob(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 1, cluster.Options{})
	config := c.Config()
	config.Job, config.Grace = "doomed", 100*time.Millisecond
	s, ctx, err := muster.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	gate := filepath.Join(t.TempDir(), "gate")
	r := held.Go(ctx, work{gate, 0})
	c.Ask(protocol.OpCancelJob, protocol.JobID{Job: "doomed"}, nil)
	wait, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := r.Get(wait); err == nil || wait.Err() != nil || !strings.Contains(err.Error(), "cancelled by") {
		t.Error(err)
	}
	_ = s.Close() // it names what was given up
}

// An agent that is cut off, but not for as long as the dead are, goes on with what it has.
func TestCutOffBriefly(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	ctx, dir := c.Context(), t.TempDir()
	const n = 2000
	refs := start(ctx, dir, n)
	_, _ = refs[100].Get(ctx)
	c.CutOff(0)
	<-time.After(cluster.Ages.Dead / 2)
	c.Heal(0)
	check(t, ctx, refs)
	if ran, _ := executions(t, dir); ran > n+8 { // of a batch that was on its way nobody knows whether it has arrived
		t.Errorf("%d executions of %d", ran, n)
	}
}
