//go:build unix

package agent

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterrun/muster/protocol"
)

func TestGPUsAreGivenOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGPUs(float64(rapid.IntRange(0, 5).Draw(t, "gpus")))
		var held []*lease
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if i := len(held) - 1; i >= 0 && rapid.Bool().Draw(t, "one back") {
				g.give(held[i])
				held = held[:i]
			} else if l := g.take(rapid.Int64Range(1, 3*unit).Draw(t, "n")); l != nil {
				held = append(held, l)
			}
			used := make([]int64, len(g.free))
			for _, l := range held {
				for _, i := range l.use {
					used[i] += l.n
				}
			}
			for i := range used {
				if g.free[i] < 0 || g.free[i]+used[i] != unit {
					t.Fatalf("GPU %d: %d free, %d used", i, g.free[i], used[i])
				}
			}
		}
	})
}

// Each task sees its own GPUs and no others, those without one see none.
func TestTasksSeeTheirGPUs(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.GPUs = 2 })
	k := c.open("j1", nil)
	seen := func(gpus int64, flags uint8) string {
		t.Helper()
		task := k.task("gpus", "")
		task.Flags, task.Need.CPU, task.Need.GPUs = flags, 1, gpus
		k.give(task)
		return string(k.outcome(task).Value.Data)
	}
	if got := seen(0, 0); got != "" {
		t.Errorf("a task without sees %q", got)
	}
	if got := seen(2*unit, 0); got != "0,1" {
		t.Errorf("a task with two sees %q", got)
	}
	first, _ := k.waitsWith(a, func(t *protocol.Task) { t.Need.GPUs = unit })
	if got := seen(unit/2, 0); got != "1" {
		t.Errorf("a task with half a GPU sees %q", got)
	}
	if got := seen(unit, protocol.Alone); got != "1" {
		t.Errorf("a suspect sees %q", got)
	}
	k.down(protocol.Stop{Attempt: attemptOf(&first), Grace: 1 << 40})
	k.outcome(first)
	if got := seen(2*unit, protocol.Isolated); !strings.Contains(got, "0,1") {
		t.Errorf("an isolated one sees %q", got)
	}
	allFree(t, a)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ledger.Free.GPUs != 2*unit || a.gpus.free[0] != unit || a.gpus.free[1] != unit {
		t.Errorf("%d free, one by one %v", a.ledger.Free.GPUs, a.gpus.free)
	}
}
