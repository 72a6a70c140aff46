//go:build unix

package agent

import (
	"fmt"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// Tasks run, and their outcomes are in the journal, each once.
func TestTasksRun(t *testing.T) {
	c := startCluster(t)
	c.startAgent(nil)
	k := c.open("j1", nil)
	var tasks []protocol.Task
	for i := range 1000 {
		tasks = append(tasks, k.task("echo", fmt.Sprint(i)))
	}
	k.give(tasks...)
	for i, task := range tasks {
		if o := k.outcome(task); o.Status != protocol.Succeeded || string(o.Value.Data) != fmt.Sprint(i) {
			t.Fatalf("task %d: %+v", i, o)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended != 1000 || len(k.items) > 0 {
		t.Errorf("%d outcomes, %v", k.ended, k.items)
	}
}
