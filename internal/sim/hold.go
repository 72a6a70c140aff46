package sim

import (
	"time"

	"github.com/musterrun/muster/internal/ledger"
	"github.com/musterrun/muster/protocol"
)

// hold keeps a machine for a large task of one job (cluster/agent/hold.go).
type hold struct {
	w     *work
	need  ledger.Room
	until time.Duration
}

const maxHold = time.Minute

// holdFor begins, goes on with or ends a hold for a job.
func (a *agent) holdFor(w *work, h protocol.Hold) {
	if a.hold != nil && (a.s.now > a.hold.until || a.hold.w.over) {
		a.hold = nil
	}
	switch mine := a.hold != nil && a.hold.w == w; {
	case a.hold != nil && !mine:
	case h.For <= 0:
		a.hold = nil
	default:
		a.hold = &hold{w, ledger.Of(&h.Need), a.s.now + min(h.For, maxHold)}
	}
}

// keep takes out of what is free what a job may not have because of the hold.
func (a *agent) keep(w *work) (kept ledger.Room) {
	h := a.hold
	if h == nil || h.w == w || h.w.over || a.s.now > h.until || a.s.has(ignoresHolds) {
		return kept
	}
	if w.rank().Less(h.w.rank()) || w.lends > 0 && h.need.Memory > 0 {
		return kept
	}
	return a.ledger.Keep(&h.need)
}

// came ends the hold when the task has come that it is for.
func (a *agent) came(w *work, n *protocol.Need) {
	if a.hold != nil && a.hold.w == w && a.hold.need.CoveredBy(n) {
		a.hold = nil
	}
}
