package agent

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/protocol"
)

// maxHold is how long a hold lasts without another word of its coordinator's, whatever that asks for.
const maxHold = time.Minute

// hold keeps the machine for a large task of one job: what becomes free isn't given to others until that is enough.
type hold struct {
	job   *job
	need  room
	until time.Time
}

// holdFor begins, goes on with or ends a hold for a job. Only one is kept: another job's waits for its end. The mutex is
// held, as for the others below.
func (a *Agent) holdFor(j *job, h protocol.Hold) {
	mine := a.hold != nil && a.hold.job == j
	switch n := &h.Need; {
	case h.For <= 0 && mine:
		a.endHold("it isn't needed any more")
	case h.For <= 0 || a.hold != nil && !mine || n.CPU < 0:
	default:
		if !mine {
			j.log.Info("the machine is held for a large task", "needs", n.String())
		}
		a.hold = &hold{j, room{n.CPU, n.IO, n.Memory, n.GPUs, n.Named}, time.Now().Add(min(h.For, maxHold))}
	}
}

func (a *Agent) endHold(why string) {
	a.hold.job.log.Info("the machine isn't held any more", "reason", why)
	a.hold = nil
}

// checkHold ends a hold of which nothing was heard for long.
func (a *Agent) checkHold(now time.Time) {
	if a.hold != nil && now.After(a.hold.until) {
		a.endHold("its coordinator says nothing")
	}
}

// came ends the hold when the task has come that it is for.
func (a *Agent) came(j *job, n *protocol.Need) {
	h := a.hold
	if h == nil || h.job != j || n.CPU < h.need.cpu || n.Memory < h.need.memory || n.GPUs < h.need.gpus {
		return
	}
	for _, want := range h.need.named {
		r := room{named: n.Named}
		if has := r.find(want.Name); has == nil || has.N < want.N {
			return
		}
	}
	a.endHold("the task has come")
}

// keep takes out of what is free what a job may not have because of the hold, and gives it, for giveUp.
func (a *Agent) keep(j *job) (kept room) {
	if a.hold == nil || !a.hold.delays(j) {
		return kept
	}
	n, f := &a.hold.need, &a.ledger.free
	kept = room{cpu: min(n.cpu, f.cpu), io: min(n.io, f.io), memory: min(n.memory, f.memory), gpus: min(n.gpus, f.gpus)}
	for _, want := range n.named {
		if free := f.find(want.Name); free != nil {
			kept.named = append(kept.named, protocol.Amount{Name: want.Name, N: min(want.N, free.N)})
		}
	}
	a.ledger.shift(&kept, -1)
	return kept
}

// giveUp puts back what keep took.
func (a *Agent) giveUp(kept *room) { a.ledger.shift(kept, 1) }

// delays reports whether a hold is kept against a job. It isn't against one that comes first: its share is smaller. Nor
// against one whose tasks here wait for others while they have memory or such: they may be what the hold waits for.
func (h *hold) delays(j *job) bool {
	switch {
	case j == h.job || j.info == nil:
		return false
	case j.quota.rank.Less(h.job.quota.rank):
		return false
	case j.lends > 0 && (h.need.memory > 0 || h.need.gpus > 0 || len(h.need.named) > 0):
		return false
	}
	return true
}

// heldText says for whom the machine is held, for people; "" if it isn't.
func (a *Agent) heldText() string {
	if a.hold == nil || a.hold.job.info == nil {
		return ""
	}
	n := &a.hold.need
	need := protocol.Need{CPU: n.cpu, IO: n.io, Memory: n.memory, GPUs: n.gpus, Named: n.named}
	return fmt.Sprintf("a task of %s's that needs %s", a.hold.job.info.Owner, need.String())
}
