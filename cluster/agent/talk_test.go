//go:build unix

package agent

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// An attempt that waits lends its CPU, and gets the answer that ends its wait once there is a CPU for it.
func TestWaitLendsCPU(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	parent := k.task("want", "")
	k.give(parent)
	k.until("its call and its wait", func() bool { return len(k.items) >= 2 })
	within(t, "its CPU lent", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.ledger.Free.CPU == unit })
	child := k.task("wait", "")
	k.give(child)
	within(t, "the child runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	answer := protocol.Value{Form: protocol.Inline, Data: []byte("answer")}
	k.down(protocol.Settle{By: attemptOf(&parent), Ref: protocol.KeyRef(parent.Key), Value: answer})
	a.mu.Lock()
	if len(a.resume) != 1 || a.ledger.Free.CPU != 0 {
		t.Errorf("%d wait for a CPU, %d free: the answer went through though no CPU is free", len(a.resume), a.ledger.Free.CPU)
	}
	a.mu.Unlock()
	k.down(protocol.Stop{Attempt: attemptOf(&child), Grace: time.Minute})
	if o := k.outcome(parent); string(o.Value.Data) != "answer" {
		t.Errorf("%+v", o)
	}
	allFree(t, a)
}

// Tasks that are to run alone may wait for such: while they do, they don't keep the others from running.
// (internal/sim, seed 5154)
func TestSuspectsThatWaitForSuspects(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	parent, child := k.task("want", ""), k.task("wait", "")
	parent.Flags, parent.Need.CPU = protocol.Alone, 1
	child.Flags, child.Need.CPU = protocol.Alone, 1
	k.give(parent, child)
	k.until("its call and its wait", func() bool { return len(k.items) >= 2 })
	within(t, "the child runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	k.down(protocol.Stop{Attempt: attemptOf(&child), Grace: time.Minute})
	k.outcome(child)
	k.down(protocol.Settle{By: attemptOf(&parent), Ref: protocol.KeyRef(parent.Key), Value: protocol.Value{Form: protocol.Inline}})
	k.outcome(parent)
	allFree(t, a)
}

// A worker that dies while an attempt in it waits for a CPU leaves nothing in the queue.
func TestDiesWhileItWaits(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	parent := k.task("want", "")
	k.give(parent)
	k.until("its wait", func() bool { return len(k.items) >= 2 })
	suspect := k.task("wait", "")
	suspect.Flags = protocol.Isolated
	k.give(suspect)
	within(t, "the other runs", func() bool { return strings.Contains(jobLog(a, "j1"), "it waits") })
	k.down(protocol.Settle{By: attemptOf(&parent), Ref: protocol.KeyRef(parent.Key), Value: protocol.Value{Form: protocol.Inline}})
	a.mu.Lock()
	a.jobs["j1"].main.Kill("the test says so")
	a.mu.Unlock()
	k.givenBack(parent)
	k.down(protocol.Stop{Attempt: attemptOf(&suspect), Grace: time.Minute})
	k.outcome(suspect)
	allFree(t, a)
}

// A task that must not run twice goes to its worker only after its start is recorded.
func TestOnce(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	k.slow = true
	task, never := k.task("echo", "x"), k.task("echo", "y")
	task.Flags, never.Flags = protocol.Once, protocol.Once
	task.Need.CPU, never.Need.CPU = 1, 1
	k.give(task, never)
	k.until("both ask", func() bool { return len(k.items) == 2 })
	for _, asks := range []protocol.Task{task, never} {
		if !slices.Contains(k.items, protocol.Item(protocol.Started{Attempt: attemptOf(&asks)})) {
			t.Errorf("no Started in %v", k.items)
		}
	}
	plain := k.task("echo", "z") // goes first, as they wait for the answer
	k.give(plain)
	k.outcome(plain)
	if k.ended != 1 {
		t.Errorf("%d have ended", k.ended)
	}
	k.down(protocol.Stop{Attempt: attemptOf(&never)})
	if g := k.givenBack(never); g.Reason != protocol.NotStarted {
		t.Errorf("%+v", g)
	}
	begin := protocol.Begin{Attempt: attemptOf(&task)}
	k.down(begin, begin, protocol.Begin{Attempt: attemptOf(&never)}) // what is said again changes nothing
	k.outcome(task)
	allFree(t, a)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.outcomes[attemptOf(&never)]) != 0 {
		t.Error("one that was stopped ran all the same")
	}
}

// One that has gone to its worker may have begun, also if its node leaves.
func TestOnceWhoseNodeLeaves(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	task, _ := k.waits(a, "wait", protocol.Once)
	a.Stop()
	if g := k.givenBack(task); g.Reason != protocol.WorkerDied {
		t.Errorf("%+v", g)
	}
}

// What hasn't started can be taken back, and told to end; what has, can't be taken back.
func TestTakeBack(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	running, _ := k.waits(a, "wait", 0)
	var early []protocol.Task
	k.mu.Lock()
	k.most = 3
	k.mu.Unlock()
	first, _ := k.waits(a, "wait", protocol.Alone) // the other two wait for it
	for range 2 {
		task := k.task("echo", "")
		task.Flags, task.Need.CPU = protocol.Alone, 1
		early = append(early, task)
	}
	k.give(early...)
	k.until("they are accepted", func() bool { return len(k.tasks) == 0 && k.accepted[k.number] > 0 })
	k.down(protocol.TakeBack{Attempt: attemptOf(&early[0])}, protocol.Stop{Attempt: attemptOf(&early[1])},
		protocol.TakeBack{Attempt: attemptOf(&running)})
	for i, want := range []byte{protocol.Returned, protocol.NotStarted} {
		if g := k.givenBack(early[i]); g.Reason != want {
			t.Errorf("%+v", g)
		}
	}
	for _, task := range []protocol.Task{running, first} {
		k.down(protocol.Stop{Attempt: attemptOf(&task), Grace: time.Minute})
		k.outcome(task)
	}
	allFree(t, a)
}

// reopen gives the job to a driver of the next epoch.
func (k *coordinator) reopen() {
	k.mu.Lock()
	k.epoch++
	epoch := k.epoch
	k.mu.Unlock()
	k.c.mu.Lock()
	k.c.jobs[0].Epoch = epoch
	k.c.mu.Unlock()
	k.c.news(protocol.JobDigest{Job: k.job, Epoch: epoch})
}

// A driver that was replaced isn't listened to. What runs for it goes on, and the new one hears of it; but not of what
// only a driver could answer.
func TestEpochs(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	keep, dies, asks := k.task("await", "go"), k.task("wait", ""), k.task("want", "")
	dies.Flags = protocol.Isolated
	keep.Need.CPU, dies.Need.CPU, asks.Need.CPU = 1, 1, 1
	k.give(keep, dies, asks)
	within(t, "they run", func() bool {
		log := jobLog(a, "j1")
		return strings.Contains(log, "it awaits") && strings.Contains(log, "it waits")
	})
	k.until("the one that asks", func() bool { return len(k.items) >= 2 })
	k.mu.Lock()
	before := len(k.offers)
	k.items = nil
	k.mu.Unlock()
	k.reopen()
	k.until("what runs on, and an offer", func() bool { return len(k.items) == 2 && len(k.offers) > before })
	for _, task := range []protocol.Task{keep, dies} {
		if !slices.ContainsFunc(k.items, func(it protocol.Item) bool {
			h, ok := it.(protocol.Held)
			return ok && h.Key == task.Key && !h.Gone && h.Life == k.offers[len(k.offers)-1].Life
		}) {
			t.Errorf("nothing of task %d in %v", task.ID, k.items)
		}
	}
	fresh := k.task("echo", "x")
	fresh.ID = keep.ID // numbers begin anew
	fresh.Attempt = 2
	k.give(fresh)
	k.outcome(fresh)
	if _, err := k.conn.Request(protocol.DownSubject("j1", "n1"),
		(&protocol.Down{Epoch: 1, Items: []protocol.Item{protocol.Quit{}}}).Append(nil), 200*time.Millisecond); err == nil {
		t.Error("an older epoch got an answer")
	}
	if err := os.WriteFile(a.folder.job("j1")+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k.outcome(keep)
	a.mu.Lock()
	a.overdue(a.jobs["j1"], time.Now().Add(adoptFor+time.Second)) // nobody has wanted it for so long
	a.mu.Unlock()
	k.until("that the other is gone", func() bool {
		return slices.Contains(k.items, protocol.Item(protocol.Held{Key: dies.Key, Gone: true}))
	})
	k.mu.Lock()
	if k.ended != 2 || len(k.outcomes[attemptOf(&asks)]) > 0 {
		t.Errorf("%d outcomes: %v", k.ended, k.outcomes)
	}
	k.mu.Unlock()
	allFree(t, a)
}

func TestNodeRequests(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.Labels = map[string]string{"zone": "a"} })
	k := c.open("j1", func(i *protocol.JobInfo) { i.Env = []string{"DECLARED=yes"} })
	speak := k.task("speak", "")
	k.give(speak)
	k.outcome(speak)
	ask := func(op string, in, body any) *protocol.Refusal {
		t.Helper()
		data, _ := json.Marshal(in)
		m, err := c.conn.Request(protocol.NodeSubject("n1", op), data, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		r := protocol.Reply{Body: body}
		if err := json.Unmarshal(m.Data, &r); err != nil {
			t.Fatal(err)
		}
		return r.Error
	}
	var info protocol.NodeInfo
	if refused := ask("ping", nil, &info); refused != nil || info.CPUs != 2 || info.Workers != 1 || info.Labels["zone"] != "a" {
		t.Errorf("%+v, %v", info, refused)
	}
	var part LogPart
	within(t, "the log", func() bool {
		refused := ask("logs", protocol.AskLog{Job: "j1"}, &part)
		return refused == nil && strings.Contains(string(part.Data), "DECLARED")
	})
	environment(t, string(part.Data), a.folder.job("j1"))
	if refused := ask("logs", protocol.AskLog{Job: "j2"}, &part); refused == nil || refused.Code != protocol.CodeUnknown {
		t.Errorf("another job's log: %v", refused)
	}
	if refused := ask("dance", nil, nil); refused == nil {
		t.Error("an operation that there isn't")
	}
	c.mu.Lock()
	if n := c.nodes["n1"]; n.CPUs != 2 || n.Node != "n1" {
		t.Errorf("the head knows %+v", n)
	}
	c.mu.Unlock()
	if refused := ask("stop", nil, nil); refused != nil {
		t.Error(refused)
	}
	<-a.Done()
}

// environment checks what a worker was started with: nothing of the agent's but what programs need.
func environment(t *testing.T, log, dir string) {
	t.Helper()
	var names []string
	for line := range strings.Lines(log) {
		if e, ok := strings.CutPrefix(line, "env "); ok {
			name, _, _ := strings.Cut(e, "=")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	allowed := []string{"DECLARED", "HOME", "LANG", "MUSTER_CPUS", "PATH", "TMPDIR", "XDG_CACHE_HOME"}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			t.Errorf("the worker has the variable %s", name)
		}
	}
	if !strings.Contains(log, "dir "+dir) || !slices.Contains(names, "TMPDIR") {
		t.Errorf("the worker's folder isn't the job's, in %q", log)
	}
}

// Stop gives back what hasn't ended, and leaves nothing behind.
func TestStopGivesBack(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	task, pid := k.waits(a, "wait", 0)
	a.Stop()
	if g := k.givenBack(task); g.Reason != protocol.Returned {
		t.Errorf("%+v", g)
	}
	if !gone(pid) {
		t.Error("a worker outlives its agent")
	}
	if entries, _ := os.ReadDir(a.folder.jobs()); len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
	a.Stop()
}

// Two agents can't have one folder.
func TestFolderIsTaken(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	_, err := Start(t.Context(), testConfig(c.connect(), "n2", a.cfg.StateDir))
	if err == nil || !strings.Contains(err.Error(), "another agent uses the folder") {
		t.Errorf("got %v", err)
	}
}
