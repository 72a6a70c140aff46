package agent

import (
	"slices"
	"time"

	"github.com/musterrun/muster/protocol"
)

// take takes a batch for what was offered: it charges the tasks, and gives them to workers as soon as that can be. Those
// for which there is no room are given back. The mutex is held.
func (a *Agent) take(j *job, b *protocol.Batch, offered int64) {
	kept := a.keep(j)
	defer a.ledger.GiveUp(&kept)
	admission := a.ledger.Admit(offered, b.Tasks)
	now := b.Tasks[:0]
	slab := make([]held, 0, len(b.Tasks)) // one piece of memory for all
	direct := j.main != nil && j.main.ready
	for i := range b.Tasks {
		t := &b.Tasks[i]
		at := protocol.Attempt{Task: t.ID, N: t.Attempt}
		if _, _, have := j.holder(at); have || j.waiting[at] != nil {
			continue
		}
		c, ok := admission.Charge(&t.Need)
		if !ok || a.leaving || a.drain.on {
			if ok {
				a.ledger.Release(&c)
			}
			why := "its node's room was taken by others"
			if a.drain.on {
				why = whyDrained
			}
			j.up.say(nil, protocol.GiveBack{Attempt: at, Reason: protocol.NotStarted, Text: why})
			continue
		}
		j.uses(&c, 1)
		a.came(j, &t.Need)
		h := held{Charge: c, key: t.Key, need: t.Need.CPU, once: t.Flags&protocol.Once != 0, fn: t.Func}
		h.early = t.Flags&protocol.Early != 0 && !h.once
		if !direct || t.Flags&(protocol.Alone|protocol.Isolated|protocol.Once) != 0 || t.Need.GPUs > 0 || needsObjects(t) {
			a.wait(j, at, t, h)
			continue
		}
		slab = append(slab, h)
		j.main.tasks.put(at, &slab[len(slab)-1])
		now = append(now, *t)
	}
	if len(now) > 0 {
		j.main.give(now)
	}
	if len(j.waiting) > 0 {
		a.dispatch(j)
	}
}

// wait keeps a task until what it needs is there. t's bytes are its message's, which nobody changes.
func (a *Agent) wait(j *job, at protocol.Attempt, t *protocol.Task, h held) {
	j.seq++
	w := &waiting{task: *t, held: h, seq: j.seq}
	j.waiting[at] = w
	if t.Flags&protocol.Once != 0 {
		w.left++
		w.asks = true
		j.up.say(nil, protocol.Started{Attempt: at})
	}
	a.fetchAll(j, at, w)
}

// cleared notes that one obstacle of a task is gone. The mutex is held.
func (a *Agent) cleared(j *job, at protocol.Attempt, w *waiting) {
	if j.waiting[at] != w {
		return // it was given back meanwhile
	}
	if w.left--; w.left == 0 {
		a.dispatch(j)
	}
}

// begin lets a task go to its worker that must not run twice: that it begins is recorded. The mutex is held.
func (a *Agent) begin(j *job, at protocol.Attempt) {
	if w := j.waiting[at]; w != nil && w.asks {
		w.asks = false
		a.cleared(j, at, w)
	}
}

// dispatch gives workers the tasks that wait for nothing else, and starts workers that are missing. The mutex is held.
func (a *Agent) dispatch(j *job) {
	if len(j.waiting) == 0 || j.over || a.leaving || j.info == nil {
		return
	}
	var to *proc // who is to get what has gathered: most go to the same one
	var tasks []protocol.Task
	list := j.inOrder()
	for i, w := range list {
		if w.left > 0 {
			continue
		}
		p := a.workerFor(j, w)
		if p == nil || !p.ready || p.kind != shared && p.tasks.len() > 0 {
			continue
		}
		if p != to {
			to.give(tasks)
			to, tasks = p, slices.Grow(tasks[:0], len(list)-i)
		}
		delete(j.waiting, w.at())
		h := w.held // the argument is the message's memory: it isn't kept
		p.tasks.put(w.at(), &h)
		tasks = append(tasks, w.task)
	}
	to.give(tasks)
}

// workerFor is the worker that is to run a task. It may not be ready, or not be free; it is nil while there are no GPUs
// for it.
func (a *Agent) workerFor(j *job, w *waiting) *proc {
	if n := w.task.Need.GPUs; n > 0 && w.held.lease == nil {
		if w.held.lease = a.gpus.take(n); w.held.lease == nil {
			return nil
		}
	}
	switch k := kindOf(&w.task); {
	case k == isolated:
		if w.proc == nil {
			w.proc = a.startWith(j, isolated, w.held.lease)
			w.proc.need = w.task.Need
		}
		return w.proc
	case w.held.lease != nil:
		return a.withGPU(j, w.held.lease)
	case k == alone:
		return a.singleFor(j)
	}
	if j.main == nil {
		return a.start(j, shared)
	}
	return j.main
}

// singleFor is the worker for a task that is to run alone: one that has no task, or else one more as long as fewer than
// CPUs are busy, so that one of them that takes long doesn't hold up the others. One whose task waits isn't: what that waits
// for may be to run alone as well.
func (a *Agent) singleFor(j *job) (p *proc) {
	busy := 0
	for p = range j.singles {
		switch {
		case p.tasks.len() == 0:
			return p
		case !p.lends():
			busy++
		}
	}
	if busy < max(1, int(a.cfg.CPUs)) {
		return a.start(j, alone)
	}
	return p
}

// lends reports whether what the worker has waits for others.
func (p *proc) lends() bool {
	for _, h := range p.tasks.all() {
		if !h.Lent {
			return false
		}
	}
	return true
}

// give sends tasks to the worker, in frames that are short enough.
func (p *proc) give(tasks []protocol.Task) {
	const most = 4 << 20
	for len(tasks) > 0 {
		n, size := 0, 0
		for n < len(tasks) && (n == 0 || size < most) {
			size += sizeOf(&tasks[n])
			n++
		}
		b := protocol.Batch{Tasks: tasks[:n]}
		p.Send(protocol.FrameTasks, b.Append)
		tasks = tasks[n:]
	}
}

// sizeOf is about how many bytes a task takes in a message.
func sizeOf(t *protocol.Task) int {
	size := len(t.Arg) + 64
	for i := range t.Deps {
		size += 16 + sizeOfValue(&t.Deps[i].Value)
	}
	return size
}

func sizeOfValue(v *protocol.Value) int {
	size := len(v.Data) + len(v.ID) + len(v.Node) + 24
	for i := range v.Parts {
		size += sizeOfValue(&v.Parts[i])
	}
	return size
}

// ended takes outcomes from a worker.
func (a *Agent) ended(p *proc, body []byte) error {
	o := &p.outcomes
	if err := o.Read(body); err != nil {
		return err
	}
	a.mu.Lock()
	if p.over {
		a.mu.Unlock()
		return nil
	}
	j := p.job
	var told []byte
	for i := range o.List {
		x := &o.List[i]
		at := protocol.Attempt{Task: x.ID, N: x.Attempt}
		h := p.tasks.remove(at)
		if h == nil {
			a.mu.Unlock()
			return &foreignOutcome{at}
		}
		a.counters.ended[min(int(x.Status), len(a.counters.ended)-1)]++
		p.uses.ended(h.fn, x)
		x.Key = h.key // what a worker says about it counts for nothing
		a.forget(j, h)
		switch {
		case h.orphan:
		case hasObject(&x.Value):
			a.upload(p, x)
		default:
			early := h.early && len(o.List) == 1 && isShort(x) && j.journal.mayTell()
			if early {
				told = lone(p.epoch, a.cfg.Node, x)
			}
			j.record(p.epoch, x, early)
		}
	}
	p.done += len(o.List)
	a.freed(j, p)
	a.mu.Unlock()
	if told == nil || !j.journal.tell(told) {
		j.journal.wake()
	}
	a.offer()
	return nil
}

// record adds an outcome to the journal. The Refs in it may stand for calls, so those are heard first. Early says that the
// coordinator is told of it at once.
func (j *job) record(epoch uint32, o *protocol.Outcome, early bool) {
	if len(o.Refs) > 0 {
		kept := cloneOutcome(o)
		if j.up.onceHeard(func() { j.journal.add(epoch, kept, false); j.journal.wake() }) {
			return
		}
	}
	j.journal.add(epoch, o, early)
}

// freed goes on after a worker has ended tasks. The mutex is held.
func (a *Agent) freed(j *job, p *proc) {
	a.grantResumes()
	switch {
	case p.tasks.len() > 0 || p.kind == shared && !p.last:
		return
	case p.kind == isolated || p.last:
		p.end("its tasks have ended")
	default:
		a.dispatch(j)
		if p.kind == alone && p.tasks.len() == 0 && len(j.singles) > 1 { // one is kept for the next
			delete(j.singles, p)
			j.others[p] = true
			p.end("its tasks have ended")
		}
	}
}

// giveBackAll returns what a worker has. The mutex is held.
func (a *Agent) giveBackAll(j *job, p *proc, reason byte, text string) {
	one := p.tasks.len() == 1
	for at, h := range p.tasks.all() {
		a.forget(j, h)
		why := reason
		if h.once {
			why = protocol.WorkerDied // it may have begun
		}
		if why == protocol.WorkerDied {
			p.uses.of(h.fn).lost++
		}
		switch {
		case p.epoch == j.epoch:
			j.up.say(nil, protocol.GiveBack{Attempt: at, Reason: why, Alone: one && reason == protocol.WorkerDied, Text: text})
		case !h.orphan:
			j.up.say(nil, protocol.Held{Key: h.key, Gone: true})
		}
	}
	p.tasks.clear()
}

// giveBackWaiting returns a task that hasn't started. The mutex is held.
func (a *Agent) giveBackWaiting(j *job, at protocol.Attempt, w *waiting, reason byte, text string) {
	delete(j.waiting, at)
	a.forget(j, &w.held)
	one := reason == protocol.WorkerDied && kindOf(&w.task) != shared
	j.up.say(nil, protocol.GiveBack{Attempt: at, Reason: reason, Alone: one, Text: text})
	if w.proc != nil {
		w.proc.end("its task was taken back")
	}
}

// stopped is an attempt that was told to end.
type stopped struct {
	proc  *proc
	at    protocol.Attempt
	until time.Time
}

// stopping notes that an attempt was told to end. The mutex is held.
func (p *proc) stopping(s protocol.Stop) {
	p.job.stops = append(p.job.stops, stopped{p, s.Attempt, time.Now().Add(s.Grace)})
}

// overdue ends the workers of attempts that haven't returned after their grace: an isolated one's at once, another's
// when nothing else runs in it. The mutex is held.
func (a *Agent) overdue(j *job, now time.Time) {
	if len(j.stops)+len(j.others) == 0 {
		return
	}
	late := map[*proc]int{}
	j.stops = slices.DeleteFunc(j.stops, func(s stopped) bool {
		runs := s.proc.tasks.get(s.at) != nil
		if runs && now.After(s.until) {
			late[s.proc]++
		}
		return !runs
	})
	for p := range j.others {
		if !p.until.IsZero() && now.After(p.until) {
			p.Kill("it still ran for a driver that was replaced long ago")
		}
	}
	for p, n := range late {
		if p == j.main {
			j.log.Warn("a task ignores that it was told to end: its worker gets no more tasks", "tasks", n)
			j.main, j.others[p], p.last = nil, true, true
			a.dispatch(j)
		}
		if n == p.tasks.len() {
			p.Kill("a task in it ignores that it was told to end")
		}
	}
}
