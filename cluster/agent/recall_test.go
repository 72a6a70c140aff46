//go:build unix

package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// A worker gives back what it is asked for and hasn't begun; what it has is charged its whole need from then on.
func TestTakenBackFromAWorker(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	long, lie := k.task("wait", ""), []protocol.Task{k.task("queued", ""), k.task("queued", ""), k.task("queued", "")}
	k.give(append([]protocol.Task{long}, lie...)...)
	within(t, "the long one runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	within(t, "the worker has all", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs["j1"].main != nil && a.jobs["j1"].main.tasks.len() == 4
	})
	ask := []protocol.Item{protocol.TakeBack{Attempt: attemptOf(&long)}}
	for i := range lie {
		ask = append(ask, protocol.TakeBack{Attempt: attemptOf(&lie[i])})
	}
	k.down(ask...)
	for _, task := range lie {
		if g := k.givenBack(task); g.Reason != protocol.Returned {
			t.Errorf("%+v", g)
		}
	}
	within(t, "the long one charged its whole need", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		h := a.jobs["j1"].main.tasks.get(attemptOf(&long))
		return h != nil && h.CPU == unit && a.ledger.Free.CPU == 0
	})
	k.down(protocol.Stop{Attempt: attemptOf(&long), Grace: time.Minute})
	k.outcome(long)
	allFree(t, a)
}

// What a worker gives back that it wasn't asked for stays its own.
func TestNotTakenBackUnasked(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	task := k.task("unasked", "")
	k.give(task)
	k.outcome(task)
	k.mu.Lock()
	for _, it := range k.items {
		if g, ok := it.(protocol.GiveBack); ok {
			t.Errorf("passed on: %+v", g)
		}
	}
	k.mu.Unlock()
	allFree(t, a)
}
