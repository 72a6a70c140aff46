//go:build unix

package agent

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// askNode asks the agent n1 for an operation as the head does.
func (c *testCluster) askNode(op string, in any) (info protocol.NodeInfo, refusal *protocol.Refusal) {
	c.t.Helper()
	data, _ := json.Marshal(in)
	m, err := c.conn.Request(protocol.NodeSubject("n1", op), data, 20*time.Second)
	if err != nil {
		c.t.Fatal(err)
	}
	reply := struct {
		Error *protocol.Refusal
		Body  *protocol.NodeInfo
	}{Body: &info}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		c.t.Fatal(err)
	}
	return info, reply.Error
}

func (c *testCluster) untilDrain(a *Agent, want protocol.DrainState) {
	c.t.Helper()
	within(c.t, "the node is "+string(want), func() bool { return a.drainState() == want })
	within(c.t, "the head hears that", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.nodes["n1"].Drain == want
	})
}

// busy gives the agent a task that waits, and others that lie behind it in its worker.
func (k *coordinator) busy(a *Agent) (long protocol.Task, behind []protocol.Task) {
	k.t.Helper()
	long, behind = k.task("wait", ""), []protocol.Task{k.task("queued", ""), k.task("queued", "")}
	k.give(append([]protocol.Task{long}, behind...)...)
	within(k.t, "the long one runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	within(k.t, "the worker has all", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs["j1"].main != nil && a.jobs["j1"].main.tasks.len() == 3
	})
	return long, behind
}

func (k *coordinator) lastOffer(is func(*protocol.Offer) bool) {
	k.t.Helper()
	k.until("such an offer", func() bool { return len(k.offers) > 0 && is(&k.offers[len(k.offers)-1]) })
}

// A drained node gives back what hasn't begun, ends what has, takes nothing meanwhile, and takes tasks again when it is told.
func TestDrain(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs, c.Ages.Renew = 1, 50*time.Millisecond })
	k := c.open("j1", nil)
	long, behind := k.busy(a)
	if info, refusal := c.askNode("drain", protocol.DrainNode{Within: time.Hour}); refusal != nil || info.Drain != protocol.Draining {
		t.Fatal(info, refusal)
	}
	for _, task := range behind {
		if g := k.givenBack(task); g.Reason != protocol.Returned {
			t.Errorf("%+v", g)
		}
	}
	k.lastOffer(func(o *protocol.Offer) bool { return o.Most == 0 && o.CPU == 0 })
	late := k.task("echo", "late") // its batch has crossed the withdrawal of the offer
	k.mu.Lock()
	k.number++
	k.answer(k.parked[0], &protocol.Batch{Epoch: 1, Number: k.number, Tasks: []protocol.Task{late}})
	k.mu.Unlock()
	if g := k.givenBack(late); g.Reason != protocol.NotStarted || g.Text != whyDrained {
		t.Errorf("%+v", g)
	}
	c.untilDrain(a, protocol.Draining)
	k.down(protocol.Stop{Attempt: attemptOf(&long), Grace: time.Minute})
	k.outcome(long)
	c.untilDrain(a, protocol.Drained)
	allFree(t, a)
	within(t, "no worker is left", func() bool { return a.info().Workers == 0 })

	if info, refusal := c.askNode("undrain", nil); refusal != nil || info.Drain != "" {
		t.Fatal(info, refusal)
	}
	again := k.task("echo", "again")
	k.give(again)
	k.outcome(again)
	if _, refusal := c.askNode("drain", protocol.DrainNode{Within: -1}); refusal == nil || refusal.Code != protocol.CodeMalformed {
		t.Error(refusal)
	}
}

// What runs beyond the deadline is given back, and its worker ends. The node stays drained when its agent is started again.
func TestDrainDeadline(t *testing.T) {
	c := startCluster(t)
	dir := t.TempDir()
	a := c.startAgent(func(c *Config) { c.CPUs, c.StateDir, c.Ages.Renew = 1, dir, 50*time.Millisecond })
	k := c.open("j1", nil)
	long, _ := k.busy(a)
	if _, refusal := c.askNode("drain", protocol.DrainNode{}); refusal != nil {
		t.Fatal(refusal)
	}
	if g := k.givenBack(long); g.Reason != protocol.Returned || g.Text != whyOverdue {
		t.Errorf("%+v", g)
	}
	c.untilDrain(a, protocol.Drained)
	within(t, "no worker is left", func() bool { return a.info().Workers == 0 })
	a.Stop()

	a = c.startAgent(func(c *Config) { c.CPUs, c.StateDir, c.Ages.Renew = 1, dir, 50*time.Millisecond })
	c.untilDrain(a, protocol.Drained)
	k.mu.Lock()
	k.offers, k.parked = nil, nil
	k.mu.Unlock()
	a.offer()
	k.mu.Lock()
	if len(k.offers) > 0 {
		t.Errorf("it offers %+v", k.offers)
	}
	k.mu.Unlock()
	if _, refusal := c.askNode("undrain", nil); refusal != nil {
		t.Fatal(refusal)
	}
	again := k.task("echo", "again")
	k.give(again)
	k.outcome(again)
	a.Stop()
	if a = c.startAgent(func(c *Config) { c.StateDir = dir }); a.drainState() != "" {
		t.Error("it is drained again")
	}
}

// An agent that is to end empties itself first, and isn't drained when it is started again.
func TestDrainBeforeStop(t *testing.T) {
	c := startCluster(t)
	dir := t.TempDir()
	a := c.startAgent(func(c *Config) { c.CPUs, c.StateDir = 1, dir })
	k := c.open("j1", nil)
	long, behind := k.busy(a)
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan error)
	go func() { drained <- a.Drain(ctx, time.Hour) }()
	for _, task := range behind {
		k.givenBack(task)
	}
	cancel()
	if err := <-drained; err == nil {
		t.Error("it is drained while a task runs")
	}
	go func() { drained <- a.Drain(t.Context(), time.Hour) }()
	k.down(protocol.Stop{Attempt: attemptOf(&long), Grace: time.Minute})
	if err := <-drained; err != nil {
		t.Error(err)
	}
	k.outcome(long)
	a.Stop()
	if a = c.startAgent(func(c *Config) { c.StateDir = dir }); a.drainState() != "" {
		t.Error("it is drained still")
	}
}

// A node whose agent the head doesn't understand takes no tasks until it does; a job of another version gets nothing.
func TestOtherVersions(t *testing.T) {
	c := startCluster(t)
	c.mu.Lock()
	c.refuse = &protocol.Refusal{Code: protocol.CodeVersion, Text: "upgrade the head"}
	c.mu.Unlock()
	a := c.startAgent(func(c *Config) { c.Ages.Renew = 20 * time.Millisecond })
	within(t, "it hears that", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.foreign
	})
	k := c.open("j1", nil)
	other := c.open("j2", func(i *protocol.JobInfo) { i.Major = protocol.Major + 1 })
	within(t, "it knows both jobs", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs["j1"] != nil && a.jobs["j1"].info != nil && a.jobs["j2"] != nil && a.jobs["j2"].info != nil
	})
	a.offer()
	k.mu.Lock()
	if len(k.offers) > 0 {
		t.Errorf("it offers %+v", k.offers)
	}
	k.mu.Unlock()
	c.mu.Lock()
	c.refuse = nil
	c.mu.Unlock()
	task := k.task("echo", "")
	k.give(task)
	k.outcome(task)
	other.mu.Lock()
	defer other.mu.Unlock()
	if len(other.offers) > 0 {
		t.Errorf("it offers room to a job of another version: %+v", other.offers)
	}
}
