package agent

import "github.com/musterrun/muster/protocol"

// A coordinator asks for tasks that may lie behind others, for a node that has room. A worker gives back what it hasn't
// begun.

// takeBack gives back a task that no worker has, and adds to what workers are to be asked what one has. The mutex is held.
func (a *Agent) takeBack(j *job, t protocol.TakeBack, ask map[*proc][]protocol.Item) map[*proc][]protocol.Item {
	if w := j.waiting[t.Attempt]; w != nil {
		a.giveBackWaiting(j, t.Attempt, w, protocol.Returned, "taken back")
		return ask
	}
	p, h, ok := j.holder(t.Attempt)
	if !ok || h.spoke || h.once {
		return ask
	}
	if ask == nil {
		ask = map[*proc][]protocol.Item{}
	}
	h.asked = true
	ask[p] = append(ask[p], t)
	return ask
}

// returned takes a task from a worker that was asked for it and hasn't begun it, and gives what is to be said of that: nil
// if the worker wasn't asked, or if nobody is to hear of it. The mutex is held.
func (a *Agent) returned(p *proc, h *held, g protocol.GiveBack) protocol.Item {
	if !h.asked {
		return nil
	}
	p.tasks.remove(g.Attempt)
	a.forget(p.job, h)
	switch {
	case p.epoch == p.job.epoch:
		return protocol.GiveBack{Attempt: g.Attempt, Reason: protocol.Returned, Text: "taken back"}
	case h.orphan:
		return nil
	default:
		return protocol.Held{Key: h.key, Gone: true}
	}
}

// fill charges the tasks that a worker still has their whole need, as far as that is free: those behind which others lay
// aren't as short as they were charged for, and keep CPUs busy. The mutex is held.
func (a *Agent) fill(p *proc) {
	for _, h := range p.tasks.all() {
		p.job.used.CPU += a.ledger.Fill(&h.Charge, h.need)
	}
}
