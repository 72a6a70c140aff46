//go:build unix

package agent

import (
	"testing"

	"github.com/musterrun/muster/protocol"
)

// BenchmarkTasks runs no-op tasks through an agent and a worker, in batches of 128, with their outcomes in a journal on
// file storage. One operation is a task. Everything runs on this machine: the server, the coordinator and the worker take
// most of the time.
func BenchmarkTasks(b *testing.B) {
	c := startCluster(b)
	c.startAgent(nil)
	k := c.open("j1", nil)
	k.mu.Lock()
	k.most, k.keep = 128, false
	k.mu.Unlock()
	tasks := make([]protocol.Task, b.N)
	for i := range tasks {
		tasks[i] = protocol.Task{ID: uint64(i + 1), Attempt: 1, Func: funcOf("echo"), Need: protocol.Need{CPU: unit}, Arg: []byte{1}}
	}
	first := k.task("echo", "")
	first.ID = 1 << 40
	k.give(first)
	k.until("a worker", func() bool { return k.ended == 1 })
	b.ReportAllocs()
	b.ResetTimer()
	k.give(tasks...)
	k.until("all outcomes", func() bool { return k.ended == b.N+1 })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkRoundTrip is one task at a time: from the batch to its outcome in the journal.
func BenchmarkRoundTrip(b *testing.B) {
	c := startCluster(b)
	c.startAgent(nil)
	k := c.open("j1", nil)
	k.mu.Lock()
	k.keep = false
	k.mu.Unlock()
	task := k.task("echo", "")
	done := 0
	for b.Loop() {
		task.ID++
		k.give(task)
		done++
		k.until("its outcome", func() bool { return k.ended == done })
	}
}
