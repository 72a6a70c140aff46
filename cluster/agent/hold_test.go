//go:build unix

package agent

import (
	"testing"
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// A machine that is held for a job's large task gives another job's small ones nothing that becomes free, until the large
// one has come, and goes on with them then.
func TestHoldOverJobs(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(nil)
	small := c.open("j1", nil)
	var running []protocol.Task
	for range 2 {
		task, _ := small.waitsWith(a, func(t *protocol.Task) { t.Need.CPU = unit })
		running = append(running, task)
	}
	large := c.open("j2", nil)
	whole := large.task("wait", "")
	whole.Need.CPU = 2 * unit
	large.mu.Lock()
	large.patient = true
	large.mu.Unlock()
	large.down(protocol.Hold{Need: whole.Need, For: time.Minute})
	large.give(whole)
	more := small.task("wait", "")
	small.give(more)
	uses := func(k *coordinator) int64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.jobs[k.job].used.CPU
	}
	small.down(protocol.Stop{Attempt: attemptOf(&running[0])})
	small.outcome(running[0])
	large.until("one CPU is offered to the large task's job", func() bool {
		return len(large.offers) > 0 && large.offers[len(large.offers)-1].CPU == unit
	})
	if n := uses(small); n != unit || a.info().Held != "a task of admin's that needs 2 CPUs" {
		t.Errorf("the small tasks have %d, and the machine is held for %q", n, a.info().Held)
	}
	small.down(protocol.Stop{Attempt: attemptOf(&running[1])})
	within(t, "the large task runs", func() bool { return uses(large) == 2*unit })
	if n := uses(small); n != 0 || a.info().Held != "" {
		t.Errorf("the small tasks have %d, and the machine is held for %q", n, a.info().Held)
	}
	within(t, "the large task's worker has it", func() bool {
		large.down(protocol.Stop{Attempt: attemptOf(&whole)})
		large.mu.Lock()
		defer large.mu.Unlock()
		return len(large.outcomes[attemptOf(&whole)])+len(large.items) > 0
	})
	within(t, "small ones go on", func() bool { return uses(small) == unit })
	small.down(protocol.Quit{})
	large.down(protocol.Quit{})
}

// One hold at a time, for as long as its coordinator says.
func TestHolds(t *testing.T) {
	a := sharing("a1", "b1")
	for _, j := range a.jobs {
		j.log = testConfig(nil, "n1", "").Logger
	}
	four := protocol.Hold{Need: protocol.Need{CPU: 4 * unit}, For: time.Second}
	a.holdFor(a.jobs["a1"], four)
	a.holdFor(a.jobs["b1"], protocol.Hold{Need: protocol.Need{CPU: unit}, For: time.Second})
	a.holdFor(a.jobs["b1"], protocol.Hold{})
	if a.hold == nil || a.hold.job != a.jobs["a1"] || a.hold.need.CPU != 4*unit {
		t.Fatalf("another job's hold took the first one's place: %+v", a.hold)
	}
	a.checkHold(time.Now())
	if a.hold == nil {
		t.Error("a hold ends before its time")
	}
	a.came(a.jobs["a1"], &protocol.Need{CPU: unit})
	if a.hold == nil {
		t.Error("a hold ends with another task of the job")
	}
	a.checkHold(time.Now().Add(2 * time.Second))
	if a.hold != nil {
		t.Error("a hold outlives its coordinator")
	}
	a.holdFor(a.jobs["a1"], four)
	a.came(a.jobs["a1"], &protocol.Need{CPU: 4 * unit})
	if a.hold != nil {
		t.Error("a hold outlives the task that it is for")
	}
	a.holdFor(a.jobs["b1"], protocol.Hold{Need: protocol.Need{CPU: unit}, For: 1 << 62})
	if a.hold == nil || time.Until(a.hold.until) > maxHold {
		t.Errorf("a hold lasts for %v", a.hold)
	}
	a.holdFor(a.jobs["b1"], protocol.Hold{})
	if a.hold != nil {
		t.Error("a hold isn't ended by its coordinator")
	}
}

// What a hold keeps from other jobs, and from which.
func TestWhatAHoldKeeps(t *testing.T) {
	a := sharing("a1", "b1")
	a1, b1 := a.jobs["a1"], a.jobs["b1"]
	left := func(j *job) int64 {
		a.rank()
		kept := a.keep(j)
		defer a.ledger.GiveUp(&kept)
		return a.ledger.Free.CPU
	}
	want := func(what string, forA, forB int64) {
		t.Helper()
		if x, y := left(a1), left(b1); x != forA*unit || y != forB*unit {
			t.Errorf("%s: %d and %d are left", what, x, y)
		}
	}
	want("without a hold", 4, 4)
	a.hold = &hold{job: a1, need: ledger.Room{CPU: 3 * unit}}
	want("what the held task doesn't need", 4, 1)
	b1.lends = 1
	want("CPUs that are lent are free: no task that waits has them", 4, 1)
	a.hold.need.Memory = 10
	want("one that waits may have memory that the held task needs", 4, 4)
	b1.lends = 0
	c := ledger.Charge{CPU: 2 * unit}
	a.ledger.Free.CPU -= c.CPU
	a1.uses(&c, 1)
	want("the other one has a smaller share", 2, 2)
	b1.uses(&ledger.Charge{Memory: 90}, 1)
	want("and now a larger one", 2, 0)
	if a.ledger.Free.CPU != 2*unit || a.ledger.Free.Memory != 100 {
		t.Errorf("not all was put back: %+v", a.ledger.Free)
	}
}
