package agent

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// limited starts an agent whose workers are limited, or skips the test where that can't be.
func limited(t *testing.T, c *testCluster, memory int64) *Agent {
	t.Helper()
	a := c.startAgent(func(c *Config) { c.Limits, c.Memory = true, memory })
	if a.limits == nil {
		t.Skip("needs cgroups that may be made: " + a.unlimited)
	}
	base := a.limits.base
	t.Cleanup(func() {
		a.Stop()
		if _, err := os.Stat(base); err == nil {
			t.Error("the cgroup stays:", base)
		}
	})
	return a
}

func (k *coordinator) hog(bytes int, need protocol.Need, flags byte) protocol.Task {
	task := k.task("hog", strconv.Itoa(bytes))
	task.Flags, task.Need = flags, need
	return task
}

// An isolated task that takes more memory than it has asked for is killed, and it is said why; others go on.
func TestMemoryOfATask(t *testing.T) {
	c := startCluster(t)
	limited(t, c, 1<<30)
	k := c.open("j1", nil)
	need := protocol.Need{CPU: unit / 10, Memory: 100 << 20}
	waits := k.task("wait", "")
	waits.Need.CPU = unit / 10
	fits, exceeds := k.hog(10<<20, need, protocol.Isolated), k.hog(300<<20, need, protocol.Isolated)
	k.give(waits, fits, exceeds)
	if o := k.outcome(fits); o.Status != protocol.Succeeded {
		t.Errorf("%+v", o)
	}
	g := k.givenBack(exceeds)
	want := "the worker was killed by the memory limit of 100 MiB on node n1; give it more by Memory(...)"
	if g.Reason != protocol.WorkerDied || !strings.HasPrefix(g.Text, want) {
		t.Errorf("%d %q", g.Reason, g.Text)
	}
	enough := k.hog(300<<20, protocol.Need{CPU: unit / 10, Memory: 500 << 20}, protocol.Isolated)
	k.give(enough)
	if o := k.outcome(enough); o.Status != protocol.Succeeded {
		t.Errorf("%+v", o)
	}
	k.down(protocol.Stop{Attempt: attemptOf(&waits)})
	if o := k.outcome(waits); o.Status != protocol.Canceled {
		t.Errorf("the other task: %+v", o)
	}
}

// All workers together stay within what the agent gives.
func TestMemoryOfAll(t *testing.T) {
	c := startCluster(t)
	limited(t, c, 200<<20)
	k := c.open("j1", nil)
	task := k.hog(600<<20, protocol.Need{CPU: unit}, 0)
	k.give(task)
	g := k.givenBack(task)
	if want := "was killed by the memory limit of 200 MiB for all workers on node n1"; !strings.Contains(g.Text, want) {
		t.Errorf("%q", g.Text)
	}
}
