package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/musterrun/muster/protocol"
)

// drain is a node that is being emptied. The zero value is one that isn't.
type drain struct {
	on    bool
	until time.Time // then what still runs is given back
	over  bool      // that was done
	told  protocol.DrainState
}

// Why tasks are given back, for people.
const (
	whyLeaves   = "its node leaves the cluster"
	whyDrained  = "its node is drained"
	whyOverdue  = "its node is drained, and the time that it had to end there is over"
	drainedLook = 10 * time.Millisecond // how often Drain looks whether the node is empty
)

// Drain empties the node: it takes no more tasks, gives back at once those that haven't begun, and after so long those that
// still run. It waits until nothing is left, outcomes included; the error is ctx's if that ends first. It isn't remembered:
// an agent that is started again takes tasks.
func (a *Agent) Drain(ctx context.Context, within time.Duration) error {
	a.startDrain(within)
	look := time.NewTicker(drainedLook)
	defer look.Stop()
	for a.drainState() != protocol.Drained {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// drainAsked carries out that somebody who may has the node emptied, or take tasks again. It stays so until the other is
// asked for, also over starts of the agent.
func (a *Agent) drainAsked(op string, data []byte) (*protocol.NodeInfo, *protocol.Refusal) {
	var in protocol.DrainNode
	on := op == "drain"
	if on && json.Unmarshal(data, &in) != nil || in.Within < 0 {
		return nil, &protocol.Refusal{Code: protocol.CodeMalformed, Text: "how it is to be drained makes no sense: give a time of 0 or more"}
	}
	if err := a.folder.keepDrained(a.cfg.Node, on); err != nil {
		return nil, &protocol.Refusal{Code: protocol.CodeInternal, Text: "that can't be written down on the node: " + err.Error()}
	}
	if on {
		a.startDrain(in.Within)
	} else {
		a.undrain()
	}
	return a.info(), nil
}

// startDrain begins to empty the node, or gives it other time. What workers have begun they end; the next task would get
// a worker of its own.
func (a *Agent) startDrain(within time.Duration) {
	a.mu.Lock()
	a.drain = drain{on: true, until: time.Now().Add(within)}
	a.leaveDrivers()
	for _, j := range a.jobs {
		for at, w := range j.waiting {
			a.giveBackWaiting(j, at, w, protocol.Returned, whyDrained)
		}
		for _, p := range j.procs() {
			a.retire(p)
		}
	}
	withdrawn := a.withdraw()
	a.mu.Unlock()
	a.log.Info("the node is drained: it takes no more tasks", "deadline", within)
	for _, m := range withdrawn {
		_ = a.conn.PublishRequest(m.subject, m.reply, m.data) // if it gets lost, a batch comes and is given back
	}
	a.reportSoon()
}

// retire asks a worker for what it hasn't begun, and lets it end with the rest. The mutex is held.
func (a *Agent) retire(p *proc) {
	if p.job.main == p {
		p.job.main = nil
	}
	delete(p.job.singles, p)
	p.job.others[p], p.last = true, true
	var ask []protocol.Item
	for at, h := range p.tasks.all() {
		if !h.spoke && !h.once && !h.orphan {
			h.asked = true
			ask = append(ask, protocol.TakeBack{Attempt: at})
		}
	}
	switch {
	case p.tasks.len() == 0:
		p.end(whyDrained)
	case len(ask) > 0:
		p.down(ask...)
	}
}

// endDrain gives back what still runs once its time is over, and has the head told how far the node is. The mutex is held.
func (a *Agent) endDrain(now time.Time) {
	if a.drain.on && !a.drain.over && !now.Before(a.drain.until) {
		a.drain.over = true
		a.giveBackEverything(whyOverdue)
	}
	if state := a.drainedYet(); state != a.drain.told {
		a.drain.told = state
		a.reportSoon()
	}
}

// undrain has the node take tasks again.
func (a *Agent) undrain() {
	a.mu.Lock()
	a.drain = drain{}
	for _, j := range a.jobs {
		j.offer.parked, j.offer.rest = false, time.Time{}
	}
	a.mu.Unlock()
	a.log.Info("the node takes tasks again")
	a.offer()
	a.reportSoon()
}

// drainState says how far the node is.
func (a *Agent) drainState() protocol.DrainState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.drainedYet()
}

// drainedYet is drainState with the mutex held.
func (a *Agent) drainedYet() protocol.DrainState {
	switch {
	case !a.drain.on:
		return ""
	case len(a.recording) > 0 || !a.driversOver():
		return protocol.Draining
	}
	for _, j := range a.jobs {
		heard := j.up.idle() || a.drain.over // a coordinator that is away hears of it when it is back
		if !heard || !j.recorded() || len(j.waiting) > 0 {
			return protocol.Draining
		}
		for _, p := range j.procs() {
			if p.tasks.len() > 0 {
				return protocol.Draining
			}
		}
	}
	return protocol.Drained
}
