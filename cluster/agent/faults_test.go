//go:build unix

package agent

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// waits gives out a task that waits until it is told to end, and waits until it does so; its worker's process.
func (k *coordinator) waits(a *Agent, name string, flags uint8) (t protocol.Task, pid int) {
	k.t.Helper()
	return k.waitsWith(a, func(t *protocol.Task) { t.Func, t.Flags = funcOf(name), flags })
}

func (k *coordinator) waitsWith(a *Agent, change func(*protocol.Task)) (t protocol.Task, pid int) {
	k.t.Helper()
	t = k.task("wait", "")
	t.Need.CPU = unit / 4
	change(&t)
	k.give(t)
	mark := "[task " + strconv.Itoa(int(t.ID)) + ".1] it waits in process "
	within(k.t, "a task that waits", func() bool {
		_, text, ok := strings.Cut(jobLog(a, k.job), mark)
		line, _, whole := strings.Cut(text, "\n")
		pid, _ = strconv.Atoi(line)
		return ok && whole
	})
	return t, pid
}

func jobLog(a *Agent, job string) string {
	data, _ := os.ReadFile(a.folder.jobLog(job))
	return string(data)
}

// within waits for something that nothing tells.
func within(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: it doesn't come", what)
		}
	}
}

func TestWorkerCrashes(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	child := k.task("child", "") // which has the worker's output open, and isn't waited for
	k.give(child)
	k.outcome(child)
	crash := k.task("crash", "")
	k.give(crash)
	g := k.givenBack(crash)
	if g.Reason != protocol.WorkerDied || !g.Alone || !strings.Contains(g.Text, "signal 9") || !strings.Contains(g.Text, "about to crash") {
		t.Errorf("alone: %+v", g)
	}
	beside, _ := k.waits(a, "wait", 0)
	crash = k.task("crash", "")
	k.give(crash)
	for _, task := range []protocol.Task{crash, beside} {
		if g := k.givenBack(task); g.Reason != protocol.WorkerDied || g.Alone {
			t.Errorf("beside another: %+v", g)
		}
	}
	after := k.task("echo", "x")
	k.give(after)
	k.outcome(after)
	allFree(t, a)
}

// allFree waits until the machine's room is free again: all came back.
func allFree(t *testing.T, a *Agent) {
	t.Helper()
	within(t, "all room free again", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, j := range a.jobs {
			if j.used.CPU != 0 || j.used.Memory != 0 {
				return false
			}
		}
		return a.ledger.Free.CPU == a.ledger.Total.CPU && a.ledger.Free.IO == a.ledger.Total.IO
	})
}

// One that takes long doesn't hold up another, as long as there are CPUs.
func TestSuspectsBesideEachOther(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	first, pid := k.waits(a, "wait", protocol.Alone)
	second, other := k.waits(a, "wait", protocol.Alone)
	if pid == other {
		t.Error("they share a process")
	}
	for _, task := range []protocol.Task{second, first} {
		k.down(protocol.Stop{Attempt: attemptOf(&task), Grace: time.Minute})
		k.outcome(task)
	}
	within(t, "that one of the workers ends", func() bool { return (syscall.Kill(pid, 0) != nil) != (syscall.Kill(other, 0) != nil) })
	allFree(t, a)
}

// A task that may have killed a worker runs in another process than the others, and an isolated one in one of its own.
func TestSuspectsRunAlone(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs = 1 })
	k := c.open("j1", nil)
	usual, pid := k.waits(a, "wait", 0)
	suspect, other := k.waits(a, "wait", protocol.Alone)
	loner, third := k.waits(a, "wait", protocol.Isolated)
	if pid == other || pid == third || other == third {
		t.Errorf("processes %d, %d, %d", pid, other, third)
	}
	second := k.task("crash", "")
	second.Flags, second.Need.CPU = protocol.Alone, 1
	k.give(second)
	k.until("the second is accepted", func() bool { return k.accepted[k.number] > 0 })
	k.down(protocol.Stop{Attempt: attemptOf(&suspect), Grace: time.Minute})
	if o := k.outcome(suspect); o.Status != protocol.Canceled {
		t.Errorf("status %d", o.Status)
	}
	if g := k.givenBack(second); !g.Alone {
		t.Errorf("%+v", g)
	}
	for _, task := range []protocol.Task{usual, loner} {
		k.down(protocol.Stop{Attempt: attemptOf(&task), Grace: time.Minute})
		k.outcome(task)
	}
	within(t, "the isolated worker's end", func() bool { return syscall.Kill(third, 0) != nil })
	allFree(t, a)
}

func TestWorkersThatMakeNoSense(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.pingEvery, c.silence = 10*time.Millisecond, 100*time.Millisecond })
	k := c.open("j1", nil)
	for name, want := range map[string]string{"garbage": "malformed", "foreign": "doesn't have", "deaf": "hasn't answered"} {
		task := k.task(name, "")
		k.give(task)
		if g := k.givenBack(task); g.Reason != protocol.WorkerDied || !strings.Contains(g.Text, want) {
			t.Errorf("%s: %+v", name, g)
		}
	}
	allFree(t, a)
}

func TestCantStart(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", func(i *protocol.JobInfo) { i.Env = []string{"START=fails"} })
	task := k.task("echo", "")
	k.give(task)
	g := k.givenBack(task)
	for _, want := range []string{"3 times", "status 2", "muster.Main", "usage: this program"} {
		if !strings.Contains(g.Text, want) {
			t.Errorf("no %q in %q", want, g.Text)
		}
	}
	allFree(t, a)
}

// A task that ignores its Stop: its worker gets no more, and is killed once the others in it have ended.
func TestStubborn(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	stubborn, pid := k.waits(a, "stubborn", 0)
	beside, _ := k.waits(a, "wait", 0)
	k.down(protocol.Stop{Attempt: attemptOf(&stubborn), Grace: time.Millisecond})
	within(t, "a worker that gets no more", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs["j1"].main == nil
	})
	if fresh, other := k.waits(a, "wait", 0); other == pid {
		t.Errorf("task %d went to the old worker", fresh.ID)
	}
	k.down(protocol.Stop{Attempt: attemptOf(&beside), Grace: time.Minute})
	if o := k.outcome(beside); o.Status != protocol.Canceled {
		t.Errorf("%+v", o)
	}
	if g := k.givenBack(stubborn); g.Reason != protocol.WorkerDied {
		t.Errorf("%+v", g)
	}
}

// A batch that comes twice runs once.
func TestBatchTwice(t *testing.T) {
	c := startCluster(t)
	c.startAgent(nil)
	k := c.open("j1", nil)
	first := k.task("echo", "1")
	k.until("an offer", func() bool { return len(k.parked) > 0 })
	k.mu.Lock()
	k.number = 7
	b := protocol.Batch{Epoch: 1, Number: 7, Tasks: []protocol.Task{first}}
	k.answer(k.parked[0], &b)
	k.answer(k.parked[0], &b)
	k.parked = nil
	k.mu.Unlock()
	k.until("two accepts", func() bool { return k.accepted[7] == 2 })
	last := k.task("echo", "2")
	k.give(last)
	k.outcome(last)
	k.outcome(first)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended != 2 {
		t.Errorf("%d outcomes of 2 tasks", k.ended)
	}
}

// The server is away while tasks end: their outcomes are in the journal once it is back, and the agent goes on.
func TestServerRestarts(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	var waiting []protocol.Task
	for range 4 {
		task, _ := k.waits(a, "wait", 0)
		waiting = append(waiting, task)
	}
	a.mu.Lock()
	j := a.jobs["j1"]
	a.mu.Unlock()
	for i, task := range waiting {
		if i == 2 {
			c.stopServer()
		}
		a.mu.Lock()
		a.downItem(j, protocol.Stop{Attempt: attemptOf(&task), Grace: time.Minute})
		a.mu.Unlock()
	}
	allFree(t, a)
	if j.journal.empty() {
		t.Error("the outcomes are confirmed by a server that is away")
	}
	c.startServer()
	for _, task := range waiting {
		k.outcome(task)
	}
	after := k.task("echo", "x")
	k.give(after)
	k.outcome(after)
	within(t, "an empty outbox", func() bool { return j.journal.empty() && a.outbox.Load() == 0 })
}

// When a job ends nothing of it is left: no process, not even one that a task has started, and no folder.
func TestJobEnds(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	k := c.open("j1", nil)
	child := k.task("child", "")
	k.give(child)
	pid, _ := strconv.Atoi(string(k.outcome(child).Value.Data))
	_, worker := k.waits(a, "wait", 0)
	if syscall.Kill(pid, 0) != nil || syscall.Kill(worker, 0) != nil {
		t.Fatal("they don't run")
	}
	c.news(protocol.JobDigest{Job: "j1", Epoch: 1, Ended: true})
	within(t, "the end of its processes", func() bool { return syscall.Kill(worker, 0) != nil && gone(pid) })
	within(t, "the end of its folder", func() bool {
		_, err := os.Stat(a.folder.job("j1"))
		return os.IsNotExist(err)
	})
	allFree(t, a)
}

// gone reports whether a process has ended, though nobody may have waited for it yet.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
