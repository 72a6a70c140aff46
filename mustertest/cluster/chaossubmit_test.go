package cluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/musterrun/muster/mustertest/cluster"
	"github.com/musterrun/muster/protocol"
)

// TestChaosOfSubmittedDriver kills the driver that the cluster runs, and the machine on which it does, while many tasks are
// on their way, and counts what that costs.
func TestChaosOfSubmittedDriver(t *testing.T) {
	sc := scaleOf()
	c := cluster.Processes(t, 3, cluster.Options{Ages: sc.ages})
	dir := filepath.Join(t.TempDir(), "ran")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &chaosRun{t: t, c: c, dir: dir, sc: sc}
	faults := []struct {
		name string
		do   func(k int, d *cluster.Submitted)
		most mayRepeat
	}{
		{"the driver is killed", r.killSubmitted, mayRepeat{chaosParents, 0, itemsInHand}},
		{"the driver's machine is lost", r.killCarrier, mayRepeat{rareInHand + chaosParents, cheapInHand, 2 * itemsInHand}},
	}
	d := c.Submit(chaos, "chaos", dir, strconv.Itoa(len(faults)))
	r.submitted = d
	for k, f := range faults {
		r.hear(fmt.Sprint("phase ", k))
		f.do(k, d)
	}
	r.hear("done")
	s := d.Await(patience, func(s protocol.Submission) bool { return !s.State.Live() })
	if s.State != protocol.DriverDone || s.Attempt != 1+len(faults) {
		t.Errorf("it is %+v", s)
	}
	for k, f := range faults {
		r.judge(k, f.name, f.most)
	}
}

// killSubmitted lets tasks end that the next driver has adopted.
func (r *chaosRun) killSubmitted(k int, d *cluster.Submitted) {
	r.holders(k, 1)
	r.await(k)
	d.Kill()
	r.hear(fmt.Sprint("phase ", k))
	r.open(k)
}

// killCarrier starts the agent again once the driver runs elsewhere.
func (r *chaosRun) killCarrier(k int, d *cluster.Submitted) {
	r.holders(k, 1)
	r.await(k)
	node, _ := d.Carrier()
	r.c.KillAgent(node)
	r.hear(fmt.Sprint("phase ", k))
	r.c.StartAgent(node)
	r.open(k)
}
