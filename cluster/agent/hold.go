package agent

import (
	"fmt"
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// maxHold is how long a hold lasts without another word of its coordinator's, whatever that asks for.
const maxHold = time.Minute

// hold keeps the machine for a large task of one job: what becomes free isn't given to others until that is enough.
type hold struct {
	job   *job
	need  ledger.Room
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
			a.rank() // of the others it may not have been asked
			j.log.Info("the machine is held for a large task", "needs", n.String())
		}
		a.hold = &hold{j, ledger.Of(n), time.Now().Add(min(h.For, maxHold))}
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
	if a.hold != nil && a.hold.job == j && a.hold.need.CoveredBy(n) {
		a.endHold("the task has come")
	}
}

// keep takes out of what is free what a job may not have because of the hold, and gives it, for the ledger's GiveUp.
func (a *Agent) keep(j *job) (kept ledger.Room) {
	if a.hold != nil && a.hold.delays(j) {
		kept = a.ledger.Keep(&a.hold.need)
	}
	return kept
}

// delays reports whether a hold is kept against a job. It isn't against one that comes first: its share is smaller. Nor
// against one whose tasks here wait for others while they have memory or such: they may be what the hold waits for.
func (h *hold) delays(j *job) bool {
	switch {
	case j == h.job || j.info == nil:
		return false
	case j.quota.rank.Less(h.job.quota.rank):
		return false
	case j.lends > 0 && (h.need.Memory > 0 || h.need.GPUs > 0 || len(h.need.Named) > 0):
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
	need := protocol.Need{CPU: n.CPU, IO: n.IO, Memory: n.Memory, GPUs: n.GPUs, Named: n.Named}
	return fmt.Sprintf("a task of %s's that needs %s", a.hold.job.info.Owner, need.String())
}
