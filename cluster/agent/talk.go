package agent

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// foreignOutcome is a worker that ends a task which it doesn't have.
type foreignOutcome struct{ at protocol.Attempt }

func (e *foreignOutcome) Error() string {
	return fmt.Sprintf("it sent an outcome of task %d, attempt %d, which it doesn't have", e.at.Task, e.at.N)
}

// Frame takes what a worker says. An error ends the worker.
func (p *proc) Frame(kind protocol.FrameKind, body []byte) error {
	switch kind {
	case protocol.FrameOutcomes:
		return p.a.ended(p, body)
	case protocol.FrameItems:
		return p.a.items(p, body)
	case protocol.FrameLog:
		return p.a.logLine(p, body)
	default:
		return nil // a pong, or of a later minor version
	}
}

func (a *Agent) logLine(p *proc, body []byte) error {
	l, err := protocol.ReadLog(body)
	if err != nil {
		return err
	}
	a.mu.Lock()
	ready := p.job.ready
	a.mu.Unlock()
	if ready != nil {
		_, _ = fmt.Fprintf(ready.log, "[task %d.%d] %s\n", l.Task, l.N, strings.TrimRight(l.Text, "\n"))
	}
	return nil
}

// items passes on what a worker's attempts say. Those of attempts that it doesn't have are dropped: they have ended.
func (a *Agent) items(p *proc, body []byte) error {
	up, err := protocol.ReadUp(bytes.Clone(body))
	if err != nil {
		return err
	}
	a.mu.Lock()
	if p.over {
		a.mu.Unlock()
		return nil
	}
	rest, came := up.Items[:0], false
	for _, it := range up.Items {
		by, ok := protocol.Speaker(it)
		if !ok {
			continue // of a kind that is the agent's own
		}
		h := p.tasks.get(by)
		g, back := it.(protocol.GiveBack)
		switch {
		case h != nil && back:
			if item := a.returned(p, h, g); item != nil {
				rest, came = append(rest, item), true
			}
			continue
		case h == nil || h.orphan:
			continue
		case p.epoch != p.job.epoch:
			a.orphan(p, by, h)
			p.job.up.say(nil, protocol.Held{Key: h.key, Gone: true})
			continue
		}
		a.note(p, by, h, it)
		rest = append(rest, it)
	}
	if len(rest) > 0 {
		p.job.up.say(nil, rest...)
	}
	if came {
		a.fill(p)
		a.freed(p.job, p)
	}
	a.grantResumes()
	a.mu.Unlock()
	a.offer()
	p.job.up.wait()
	return nil
}

// blocked is what an attempt waits for.
type blocked struct {
	proc    *proc
	at      protocol.Attempt
	wants   map[protocol.RefID]bool // what it has asked for and waits for
	settles []protocol.Item         // answers that end its wait, held until its CPUs are free
	queued  bool                    // it is in Agent.resume
	gone    bool                    // it has ended
}

// note keeps track of what an attempt waits for, and lends its CPUs meanwhile. The mutex is held.
func (a *Agent) note(p *proc, by protocol.Attempt, h *held, it protocol.Item) {
	h.spoke = true
	switch it := it.(type) {
	case protocol.Want:
		if it.Waits {
			h.waits(p, by).wants[it.Ref] = true
		}
	case protocol.Block:
		if it.Waits {
			if a.lend(p.job, &h.Charge); p.kind == alone {
				a.dispatch(p.job) // another may run alone meanwhile
			}
		} else if h.Lent {
			h.CPU = min(h.CPU, a.ledger.Free.CPU) // it goes on in any case
			a.regain(p.job, &h.Charge)
		}
	}
}

func (h *held) waits(p *proc, at protocol.Attempt) *blocked {
	if h.rare == nil {
		h.rare = &blocked{proc: p, at: at, wants: map[protocol.RefID]bool{}}
	}
	return h.rare
}

// settle brings an answer to an attempt. One that ends its wait is held until the attempt's CPUs can be charged again.
// The mutex is held.
func (a *Agent) settle(p *proc, h *held, s protocol.Settle) {
	b := h.rare
	if b != nil && b.wants[s.Ref] {
		delete(b.wants, s.Ref)
		if len(b.wants) == 0 && h.Lent {
			b.settles = append(b.settles, s)
			if !b.queued {
				b.queued = true
				a.resume = append(a.resume, b)
			}
			a.grantResumes()
			return
		}
	}
	p.down(s)
}

// grantResumes lets attempts go on whose wait has ended, in order, as far as there are CPUs. The mutex is held.
func (a *Agent) grantResumes() {
	a.retryGPUs()
	for len(a.resume) > 0 {
		b := a.resume[0]
		if !b.gone {
			h := b.proc.tasks.get(b.at)
			if !a.regain(b.proc.job, &h.Charge) {
				return
			}
			b.proc.down(b.settles...)
		}
		b.queued, b.settles = false, nil
		a.resume[0] = nil
		a.resume = a.resume[1:]
	}
}

// down sends items to a worker.
func (p *proc) down(items ...protocol.Item) {
	d := protocol.Down{Items: items}
	p.Send(protocol.FrameDown, d.Append)
}

// onDown takes what a coordinator says. The answer says that it was heard.
func (a *Agent) onDown(m *nats.Msg) {
	d, err := protocol.ReadDown(m.Data)
	id := token(m.Subject, 2)
	if err != nil || !validID(id) {
		a.log.Warn("what a coordinator said makes no sense; is its driver of another version?", "job", id, "error", err)
		return
	}
	if !join.AskedBy(m, id) {
		a.refuse(m, "it asks for its answer elsewhere than in its job's inbox")
		return
	}
	a.mu.Lock()
	j := a.jobs[id]
	switch {
	case j != nil && d.Epoch < j.epoch:
		a.mu.Unlock()
		a.log.Warn("a driver that was replaced still speaks: it isn't listened to", "job", id, "epoch", d.Epoch)
		return
	case j != nil && d.Epoch > j.epoch:
		a.know(id, d.Epoch)
	}
	var back map[*proc][]protocol.Item
	for _, it := range d.Items {
		if j == nil || j.over {
			break
		}
		if t, ok := it.(protocol.TakeBack); ok {
			back = a.takeBack(j, t, back)
			continue
		}
		a.downItem(j, it)
	}
	for p, items := range back {
		p.down(items...)
	}
	a.mu.Unlock()
	_ = m.Respond(nil)
	if len(d.Items) > 0 {
		a.offer()
	}
}

// downItem carries out what the coordinator says. What is about attempts that have ended is passed over. The mutex is held.
func (a *Agent) downItem(j *job, it protocol.Item) {
	switch it := it.(type) {
	case protocol.Settle:
		if p, h, ok := j.holder(it.By); ok {
			if hasObject(&it.Value) {
				a.fetchSettle(j, it)
			} else {
				a.settle(p, h, it)
			}
		}
	case protocol.Stop:
		if w := j.waiting[it.Attempt]; w != nil {
			a.giveBackWaiting(j, it.Attempt, w, protocol.NotStarted, "it was told to end before it started")
		} else if p, _, ok := j.holder(it.Attempt); ok {
			p.down(it)
			p.stopping(it)
		}
	case protocol.Begin:
		a.begin(j, it.Attempt)
	case protocol.Hold:
		a.holdFor(j, it)
	case protocol.Quit:
		a.end(j, "its coordinator said so")
	}
}

// token is a part of a subject, counted from 0.
func token(subject string, n int) string {
	for ; n > 0; n-- {
		_, subject, _ = strings.Cut(subject, ".")
	}
	part, _, _ := strings.Cut(subject, ".")
	return part
}
