//go:build unix

package agent

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

// A job with endless small tasks doesn't keep another from the machine.
func TestJobsShare(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	greedy := c.open("j1", nil)
	greedy.mu.Lock()
	greedy.keep, greedy.most = false, 256
	for i := range 3_000_000 {
		greedy.tasks = append(greedy.tasks, protocol.Task{ID: uint64(i + 1), Attempt: 1, Need: protocol.Need{CPU: unit}})
	}
	greedy.serve()
	greedy.mu.Unlock()
	greedy.until("the greedy job runs", func() bool { return greedy.ended > 1000 })
	modest := c.open("j2", nil)
	for range 20 {
		task := modest.task("echo", "x")
		modest.give(task)
		modest.until("its outcome, or that it is given back", func() bool {
			for len(modest.items) > 0 { // room was taken: the coordinator gives it out again
				g := modest.items[0].(protocol.GiveBack)
				modest.items = modest.items[1:]
				again := task
				task.Attempt = g.N + 1
				again.Attempt = task.Attempt
				modest.tasks = append(modest.tasks, again)
				modest.serve()
			}
			return len(modest.outcomes[attemptOf(&task)]) > 0
		})
	}
	greedy.mu.Lock()
	left := len(greedy.tasks)
	greedy.tasks = nil
	greedy.mu.Unlock()
	if left == 0 {
		t.Error("the greedy job ended first: the test shows nothing")
	}
	t.Logf("%d of the greedy job's tasks were left, %d taken back", left, len(greedy.items))
	allFree(t, a)
}

// TestPartsOfAnEmptyMachine: of two jobs that are there when a machine comes, neither is offered all of it first. What the
// other doesn't take either is offered a moment later.
func TestPartsOfAnEmptyMachine(t *testing.T) {
	c := startCluster(t)
	all := []*coordinator{c.open("j1", nil), c.open("j2", nil)}
	a := c.startAgent(nil)
	total := int64(a.cfg.CPUs * unit)
	least := total
	for _, k := range all {
		k.until("the whole machine is offered", func() bool { return len(k.offers) > 0 && k.offers[len(k.offers)-1].CPU == total })
		k.mu.Lock()
		least = min(least, k.offers[0].CPU)
		k.mu.Unlock()
	}
	if least != total/2 {
		t.Errorf("the first of two jobs is offered %d of %d", least, total)
	}
}
