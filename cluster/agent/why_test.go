//go:build unix

package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

func TestWhyATaskWaitsOnItsNode(t *testing.T) {
	objects := []protocol.Dep{{Value: protocol.Value{Form: protocol.Object}}}
	known := &protocol.JobInfo{}
	for _, c := range []struct {
		job  *job
		task protocol.Task
		left int
		want string
	}{
		{&job{}, protocol.Task{}, 0, "the head hasn't said yet"},
		{&job{info: known}, protocol.Task{}, 0, "its worker is being started"},
		{&job{info: known, failed: 2}, protocol.Task{}, 0, "couldn't be started, 2 times in a row"},
		{&job{info: known}, protocol.Task{Deps: objects}, 1, "values that it needs are being fetched"},
		{&job{info: known}, protocol.Task{Flags: protocol.Once}, 1, "that it starts is being recorded"},
		{&job{info: known}, protocol.Task{Flags: protocol.Once, Deps: objects}, 1, "values that it needs"},
		{&job{info: known}, protocol.Task{Need: protocol.Need{GPUs: unit}}, 0, "it waits for GPUs of this machine"},
		{&job{info: known, singles: map[*proc]bool{{}: true}}, protocol.Task{Flags: protocol.Alone}, 0, "its turn to run alone"},
	} {
		a := &Agent{}
		if got := a.whyWaiting(c.job, &waiting{task: c.task, left: c.left}); !strings.Contains(got, c.want) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// The node says how far a task is that it was given, to the head.
func TestHowFarATaskIs(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	how := func(job string, task protocol.Task) string {
		t.Helper()
		data, _ := json.Marshal(protocol.AskTask{Job: job, ID: task.ID, Attempt: task.Attempt})
		m, err := c.conn.Request(protocol.NodeSubject("n1", "task"), data, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Body protocol.TaskOnNode }
		if err := json.Unmarshal(m.Data, &r); err != nil || !strings.HasPrefix(r.Body.Text, "node ") {
			t.Fatal(string(m.Data), err)
		}
		return r.Body.Text
	}
	want := func(got, text string) {
		t.Helper()
		if !strings.Contains(got, text) {
			t.Errorf("%s, want %s", got, text)
		}
	}
	parent := k.task("want", "")
	k.give(parent)
	k.until("its wait", func() bool { return len(k.items) >= 2 })
	within(t, "its CPU lent", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.ledger.Free.CPU == unit })
	want(how("j1", parent), "its function waits, and lends its CPU")
	child := k.task("wait", "")
	k.give(child)
	within(t, "the child runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	want(how("j1", child), "has it, and 1 more, which it runs as it has CPUs")
	k.down(protocol.Settle{By: attemptOf(&parent), Ref: protocol.KeyRef(parent.Key), Value: protocol.Value{Form: protocol.Inline}})
	want(how("j1", parent), "it goes on when a CPU is free")
	k.down(protocol.Stop{Attempt: attemptOf(&child), Grace: time.Minute})
	k.outcome(parent)
	k.outcome(child)
	want(how("j1", child), "it hasn't the task")
	want(how("j2", child), "it doesn't know the job yet")
	m, err := c.conn.Request(protocol.NodeSubject("n1", "task"), []byte("{"), 10*time.Second)
	if err != nil || !strings.Contains(string(m.Data), protocol.CodeMalformed) {
		t.Error(m, err)
	}
	allFree(t, a)
}
