package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// stepTasks is how many tasks each step of steps has.
const stepTasks = 200

// steps is a driver that says when the tasks of a step are done, and goes on when there is a file.
var steps = cluster.Driver("steps", func(ctx context.Context, args []string) error {
	n, err := strconv.Atoi(args[1])
	sum := 0
	for k := 0; k < n && err == nil; k++ {
		refs := make([]muster.Ref[int], stepTasks)
		for i := range refs {
			refs[i] = chaosCheap.Go(ctx, work{args[0], k*stepTasks + i})
		}
		for _, r := range refs {
			v, e := r.Get(ctx)
			if sum += v; e != nil {
				return e
			}
		}
		fmt.Println("step", k, sum)
		_, err = chaosHold.Call(ctx, work{args[0], (n + k) * chaosPhase}) // until the gate of n+k is open
	}
	return err
})

// exits ends with an exit code, and not by returning.
var exits = cluster.Driver("exits", func(ctx context.Context, args []string) error {
	code, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	_, err = chaosCheap.Call(ctx, work{args[0], 1})
	fmt.Println("exits", err)
	os.Exit(code)
	return nil
})

// A submitted driver is started again when it is killed, also while the head is away, and elsewhere when its machine is
// lost; it outlives the head's death. Nothing that was recorded runs again, and its result is exact.
func TestSubmittedDriver(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 2, cluster.Options{})
	dir := filepath.Join(t.TempDir(), "ran")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const n = 4
	d := c.Submit(steps, "nightly", dir, strconv.Itoa(n))
	sum := 0
	at := func(k int) {
		t.Helper()
		for i := range stepTasks {
			sum += (k*stepTasks + i) * (k*stepTasks + i)
		}
		for want := fmt.Sprint("step ", k, " ", sum); d.Next(patience) != want; {
		}
	}
	again := func(attempt int) protocol.Submission {
		t.Helper()
		return d.Await(patience, func(s protocol.Submission) bool { return s.Attempt == attempt && s.State == protocol.DriverRunning })
	}
	next := func(k int) {
		t.Helper()
		if err := os.WriteFile(gateOf(dir, n+k), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at(0)
	c.KillHead()
	d.Kill()
	c.StartHead()
	if s := again(2); !strings.Contains(s.Reason, "signal 9") {
		t.Errorf("killed, and %q is the reason", s.Reason)
	}
	next(0)
	at(1)
	node, _ := d.Carrier()
	former := d.Look().Node
	c.KillAgent(node)
	if s := again(3); s.Node == former || !strings.Contains(s.Reason, "is lost") {
		t.Errorf("its node %s was lost, and it runs on %s: %s", former, s.Node, s.Reason)
	}
	next(1)
	at(2)
	c.KillHead()
	c.StartHead()
	next(2)
	at(3)
	next(3)
	s := d.Await(patience, func(s protocol.Submission) bool { return !s.State.Live() })
	if s.State != protocol.DriverDone || s.Attempt != 3 || s.ExitCode != 0 {
		t.Errorf("it is %+v", s)
	}
	times := map[uint32]int{}
	for _, ran := range ledgersIn(t, dir) {
		for _, x := range ran {
			times[x]++
		}
	}
	for x := range uint32(n * stepTasks) {
		if times[x] != 1 {
			t.Errorf("task %d was executed %d times", x, times[x])
		}
	}
	c.StartAgent(node) // which ends what its predecessor left
}

// An exit code is final, and is kept with what was written last. A name is free again then, and what is cancelled ends.
func TestEndsOfSubmittedDrivers(t *testing.T) {
	t.Parallel()
	c := cluster.Processes(t, 1, cluster.Options{})
	dir := t.TempDir()
	over := func(s protocol.Submission) bool { return !s.State.Live() }
	s := c.Submit(exits, "nightly", dir, "3").Await(patience, over)
	if s.State != protocol.DriverFailed || s.ExitCode != 3 || s.Attempt != 1 || !strings.Contains(s.Tail, "exits <nil>\n") {
		t.Errorf("%+v", s)
	}
	d := c.Submit(steps, "nightly", dir, "1")
	for !strings.HasPrefix(d.Next(patience), "step 0") {
	}
	_, pid := d.Carrier()
	c.Ask(protocol.OpCancelJob, protocol.JobID{Job: "nightly"}, nil)
	if s := d.Look(); s.State != protocol.DriverCanceled {
		t.Errorf("%+v", s)
	}
	d.Await(patience, func(protocol.Submission) bool {
		_, now := d.Carrier()
		return now != pid
	})
	if s := d.Look(); s.State != protocol.DriverCanceled || s.Attempt != 1 {
		t.Errorf("%+v", s)
	}
}
