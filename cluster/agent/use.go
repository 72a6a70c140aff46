package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// maxUses bounds for how many functions of jobs the agent counts between two reports, and of a job.
const maxUses = 1000

// use is what came of a function's attempts in a worker since that was last looked at.
type use struct {
	ended   [protocol.Canceled + 1]uint64 // by status
	lost    uint64
	ran     time.Duration
	longest time.Duration
}

// uses are a worker's, by the function's place among its job's. CPU is what the process had used when its attempts were
// last charged with it.
type uses struct {
	all  []use
	some bool
	last uint32 // the function whose attempt ended last
	cpu  time.Duration
}

func (u *uses) of(fn uint32) *use {
	if fn >= maxUses {
		return &use{}
	}
	if int(fn) >= len(u.all) {
		u.all = append(u.all, make([]use, int(fn)+1-len(u.all))...)
	}
	u.some, u.last = true, fn
	return &u.all[fn]
}

func (u *uses) ended(fn uint32, o *protocol.Outcome) {
	x := u.of(fn)
	x.ended[min(int(o.Status), len(x.ended)-1)]++
	x.ran += o.Took
	x.longest = max(x.longest, o.Took)
}

// share gives the part of the CPU time that a function is charged with: by how long its attempts ran, of all that ended
// since the last time. An attempt that runs for long is charged when it has ended.
func (u *uses) share(fn int, cpu time.Duration) time.Duration {
	all := time.Duration(0)
	for i := range u.all {
		all += u.all[i].ran
	}
	if all <= 0 {
		if fn == int(u.last) {
			return cpu
		}
		return 0
	}
	return time.Duration(float64(cpu) * (float64(u.all[fn].ran) / float64(all)))
}

// usage is what the agent reports of functions. It is the Agent's mutex's, but for unsent, which is the reporter's.
type usage struct {
	life, number uint64
	all          map[useKey]*protocol.FunctionUse
	unsent       *protocol.NodeUse // the head hasn't said that it has it
}

type useKey struct{ job, fn string }

func newUsage() usage {
	return usage{life: rand.Uint64() | 1, all: map[useKey]*protocol.FunctionUse{}} //nolint:gosec // not a secret
}

// charge moves what is counted of a worker to the report, with what its process has used by now. The mutex is held.
func (a *Agent) charge(p *proc, cpu time.Duration, memory int64) {
	u := &p.uses
	if !u.some || p.info == nil {
		return
	}
	used := max(0, cpu-u.cpu)
	u.cpu = max(cpu, u.cpu)
	for i := range u.all {
		x := &u.all[i]
		if *x == (use{}) || i >= len(p.info.Functions) {
			continue
		}
		key := useKey{p.job.id, p.info.Functions[i]}
		f := a.usage.all[key]
		if f == nil && len(a.usage.all) >= maxUses {
			continue
		}
		if f == nil {
			f = &protocol.FunctionUse{Job: key.job, Func: key.fn}
			a.usage.all[key] = f
		}
		f.Succeeded += x.ended[protocol.Succeeded]
		f.Failed += x.ended[protocol.Failed]
		f.Canceled += x.ended[protocol.Canceled]
		f.Lost += x.lost
		f.Ran += x.ran
		f.Longest = max(f.Longest, x.longest)
		f.CPU += u.share(i, used)
		f.Memory = max(f.Memory, memory)
	}
	clear(u.all)
	u.some = false
}

// chargeAll charges the workers that run.
func (a *Agent) chargeAll() {
	var procs []*proc
	a.mu.Lock()
	for _, j := range a.jobs {
		for _, p := range j.procs() {
			if p.uses.some && p.PID() != 0 {
				procs = append(procs, p)
			}
		}
	}
	a.mu.Unlock()
	for _, p := range procs {
		cpu, memory := metrics.Used(p.PID())
		a.mu.Lock()
		if cpu > 0 { // else it has just ended, and died charges it
			a.charge(p, cpu, memory)
		}
		a.mu.Unlock()
	}
}

// reportUse tells the head what functions have used since the last time. One that isn't heard is said again.
func (a *Agent) reportUse(ctx context.Context) {
	a.chargeAll()
	u := &a.usage
	if u.unsent == nil {
		a.mu.Lock()
		all := u.all
		if len(all) == 0 {
			a.mu.Unlock()
			return
		}
		u.all = map[useKey]*protocol.FunctionUse{}
		a.mu.Unlock()
		u.number++
		u.unsent = &protocol.NodeUse{Life: u.life, Number: u.number}
		for _, f := range all {
			u.unsent.Functions = append(u.unsent.Functions, *f)
		}
	}
	err := a.cfg.Control.Ask(ctx, protocol.OpReportUse, u.unsent, nil)
	var refused *protocol.Refusal
	if err == nil || errors.As(err, &refused) { // an older head knows nothing of it
		u.unsent = nil
	}
}
