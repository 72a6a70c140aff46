package agent

import (
	"time"

	"github.com/musterrun/muster/protocol"
)

// adoptFor is how long what runs for a driver that was replaced may go on: the new one may not want it.
const adoptFor = 10 * time.Minute

// nextEpoch begins to work for a job's new coordinator. What runs for the one before goes on, and counts by its key; the
// new one hears of it before it is offered room. The mutex is held.
func (a *Agent) nextEpoch(j *job, epoch uint32) {
	j.log.Info("the job has a new driver", "epoch", epoch)
	j.epoch = epoch
	a.dropWaiting(j)
	held := a.keepRunning(j)
	j.batches = recent{}
	j.offer = offered{number: j.offer.number, room: j.offer.room, cpu: j.offer.cpu}
	j.deaths, j.failed, j.missing, j.telling = 0, 0, 0, false
	j.up.begin(epoch)
	if len(held) > 0 {
		j.telling = true
		j.up.say(func() { a.told(j, epoch) }, held...)
	}
	if j.info != nil { // the new driver's program may be another
		j.info, j.binary, j.ready = nil, nil, nil
		j.all.Go(func() { a.learn(j) })
	}
	a.grantResumes()
}

func (a *Agent) told(j *job, epoch uint32) {
	a.mu.Lock()
	if j.epoch == epoch {
		j.telling = false
	}
	a.mu.Unlock()
	a.offer()
}

// keepRunning lets workers end what they have, and says what that is.
func (a *Agent) keepRunning(j *job) (held []protocol.Item) {
	for _, p := range j.procs() {
		p.last = true
		if p.until.IsZero() {
			p.until = time.Now().Add(adoptFor)
		}
		for at, h := range p.tasks.all() {
			switch {
			case h.spoke && !h.orphan:
				a.orphan(p, at, h)
			case !h.orphan:
				held = append(held, protocol.Held{Key: h.key, Life: j.life})
			}
		}
		if p.tasks.len() == 0 || !p.ready {
			p.end("a new driver has the job")
		}
		j.others[p] = true
	}
	j.main = nil
	clear(j.singles)
	return held
}

// orphan tells an attempt to end whose coordinator has gone: nobody could answer it.
func (a *Agent) orphan(p *proc, at protocol.Attempt, h *held) {
	h.orphan = true
	s := protocol.Stop{Attempt: at, Grace: a.cfg.Grace}
	p.down(s)
	p.stopping(s)
}

// drop ends the job's workers and forgets its tasks. The mutex is held.
func (a *Agent) drop(j *job, why string) {
	for _, p := range j.procs() {
		p.end(why)
		for at, h := range p.tasks.all() {
			a.forget(j, h)
			p.tasks.remove(at)
		}
	}
	a.dropWaiting(j)
	j.main, j.stops = nil, nil
	clear(j.singles)
	clear(j.others)
}

func (a *Agent) dropWaiting(j *job) {
	for at, w := range j.waiting {
		a.forget(j, &w.held)
		delete(j.waiting, at)
	}
}

// forget takes back what an attempt holds.
func (a *Agent) forget(j *job, h *held) {
	j.uses(&h.Charge, -1)
	if h.Lent {
		j.lends--
	}
	a.ledger.Release(&h.Charge)
	a.gpus.give(h.lease)
	if h.rare != nil {
		h.rare.gone = true
	}
}

// end ends all that the agent does for a job. The mutex is held.
func (a *Agent) end(j *job, why string) {
	if j.over {
		return
	}
	j.over = true
	j.log.Info("the job's work here is ended", "reason", why)
	a.drop(j, why)
	delete(a.jobs, j.id)
	if a.hold != nil && a.hold.job == j {
		a.endHold("its job has ended here")
	}
	gone := make(chan struct{})
	a.leaves[j.id] = gone
	a.recording[j] = true
	a.all.Go(func() {
		a.awaitRecorded(j)
		j.cancel()
		j.journal.close()
		j.up.close()
		j.all.Wait()
		if j.logfile != nil {
			j.logfile.close()
		}
		a.folder.removeJob(j.id)
		close(gone)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.leaves[j.id] == gone {
			delete(a.leaves, j.id)
		}
	})
	a.grantResumes()
	a.wake()
}
