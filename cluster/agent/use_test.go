//go:build unix

package agent

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

func outcomeOf(status protocol.Status, took time.Duration) *protocol.Outcome {
	return &protocol.Outcome{Status: status, Took: took}
}

// CPU time is charged by how long attempts ran, and all of it once.
func TestUses(t *testing.T) {
	a := &Agent{usage: newUsage()}
	p := &proc{job: &job{id: "j"}, info: &protocol.JobInfo{OpenJob: protocol.OpenJob{Functions: []string{"f", "g"}}}}
	a.charge(p, 5*time.Second, 100) // nothing ran that could be charged with it
	p.uses.ended(0, outcomeOf(protocol.Succeeded, 3*time.Second))
	p.uses.ended(1, outcomeOf(protocol.Failed, time.Second))
	p.uses.ended(7, outcomeOf(protocol.Succeeded, 0)) // the worker makes functions up
	p.uses.ended(1<<31, outcomeOf(protocol.Succeeded, time.Second))
	a.charge(p, 8*time.Second, 100)
	p.uses.ended(0, outcomeOf(protocol.Canceled, 5*time.Second))
	p.uses.of(1).lost++
	a.charge(p, 9*time.Second, 200)
	a.charge(p, 99*time.Second, 900)
	want := map[string]protocol.FunctionUse{
		"f": {Job: "j", Func: "f", Succeeded: 1, Canceled: 1, Ran: 8 * time.Second, Longest: 5 * time.Second, CPU: 7 * time.Second, Memory: 200},
		"g": {Job: "j", Func: "g", Failed: 1, Lost: 1, Ran: time.Second, Longest: time.Second, CPU: 2 * time.Second, Memory: 200},
	}
	if len(a.usage.all) != 2 {
		t.Errorf("%+v", a.usage.all)
	}
	for name, w := range want {
		if got := a.usage.all[useKey{"j", name}]; got == nil || *got != w {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
}

// What functions used is reported with the node's next report, of workers that have ended too.
func TestUseIsReported(t *testing.T) {
	c := startCluster(t)
	a := c.startAgent(func(c *Config) { c.CPUs, c.Ages.Renew = 2, 20*time.Millisecond })
	k := c.open("j1", nil)
	for range 3 {
		task := k.task("echo", "x")
		k.give(task)
		k.outcome(task)
	}
	dying := k.task("crash", "")
	k.give(dying)
	k.givenBack(dying)
	within(t, "a report of all of it", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		succeeded, lost, memory := uint64(0), uint64(0), int64(0)
		for i, u := range c.uses {
			if u.Number != uint64(i)+1 || u.Life != c.uses[0].Life || len(u.Functions) == 0 {
				t.Fatalf("%+v", c.uses)
			}
			for _, f := range u.Functions {
				if f.Job != "j1" || f.Func != "echo" && f.Func != "crash" {
					t.Fatalf("%+v", f)
				}
				succeeded += f.Succeeded
				lost += f.Lost
				memory = max(memory, f.Memory)
			}
		}
		return succeeded == 3 && lost == 1 && memory > 0
	})
	allFree(t, a)
}

// noteUse is the head's part.
func (c *testCluster) noteUse(data []byte) {
	var u protocol.NodeUse
	if err := json.Unmarshal(data, &u); err != nil {
		c.t.Error(err)
	}
	c.uses = append(c.uses, u)
}
