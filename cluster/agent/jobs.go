package agent

import (
	"encoding/json"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// goneAfter is how many digests in a row don't list a job before it counts as ended: one may have been on its way when
// the job was opened.
const goneAfter = 2

// onNews hears that a job has begun or ended.
func (a *Agent) onNews(m *nats.Msg) {
	var d protocol.JobDigest
	if err := json.Unmarshal(m.Data, &d); err != nil || !validID(d.Job) {
		a.log.Warn("the head's news make no sense; is it of another version?", "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !d.Ended {
		a.know(d.Job, d.Epoch)
	} else if j := a.jobs[d.Job]; j != nil && d.Epoch >= j.epoch {
		a.end(j, "the head says that it has ended")
	}
}

// onDigest compares the jobs with those that there are.
func (a *Agent) onDigest(m *nats.Msg) {
	var d protocol.ClusterDigest
	if err := json.Unmarshal(m.Data, &d); err != nil {
		a.log.Warn("the head's digest makes no sense; is it of another version?", "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.learnShares(&d)
	settled := d.Up >= a.cfg.Ages.Dead.Seconds() // a head that has just come back may not know of all jobs
	for _, j := range a.jobs {
		if settled {
			j.missing++
		}
	}
	for _, listed := range d.Jobs {
		if !validID(listed.Job) || listed.Ended {
			continue
		}
		j := a.jobs[listed.Job]
		if j == nil || listed.Epoch > j.epoch {
			j = a.know(listed.Job, listed.Epoch)
		}
		if j != nil {
			j.missing = 0
		}
	}
	for _, j := range a.jobs {
		if j.missing >= goneAfter {
			a.end(j, "the head doesn't list it any more")
		}
	}
}

// learn asks the head for a job's record, until it has it or the job ends.
func (a *Agent) learn(j *job) {
	for pause := 20 * time.Millisecond; j.ctx.Err() == nil; pause = min(2*pause, heardWithin) {
		var list []protocol.JobInfo
		err := a.cfg.Control.Ask(j.ctx, protocol.OpListJobs, protocol.JobID{Job: j.id}, &list)
		if err == nil && a.learned(j, list) {
			a.offer()
			return
		}
		if err != nil && j.ctx.Err() == nil {
			j.log.Warn("the head doesn't say what the job needs; it is asked again", "error", err)
		}
		if !sleep(j.ctx, pause) {
			return
		}
	}
}

func (a *Agent) learned(j *job, list []protocol.JobInfo) bool {
	for i := range list {
		info := &list[i]
		if info.Job != j.id {
			continue
		}
		acc, refusal := a.accountOf(info.Owner) // it may read files
		a.mu.Lock()
		defer a.mu.Unlock()
		if info.Epoch < j.epoch {
			return false
		}
		if info.Epoch > j.epoch {
			a.nextEpoch(j, info.Epoch)
		}
		j.info = info
		a.admit(j, acc, refusal)
		program := protocol.Side{Name: "the job's program", Major: info.Major, Minor: info.Minor}
		if err := protocol.CheckVersion(program, protocol.Own("this node's agent")); err != nil {
			j.log.Warn("the job gets nothing of this machine: " + err.Error())
			return true
		}
		for k := range info.Binaries {
			if b := &info.Binaries[k]; b.OS == runtime.GOOS && b.Arch == runtime.GOARCH {
				j.binary = b
			}
		}
		if j.binary == nil {
			j.log.Warn("the job has no executable for this machine: it gets nothing of it. Build it for "+
				runtime.GOOS+"/"+runtime.GOARCH+" too", "program", info.Program)
		}
		if b := j.binary; j.isServed() && a.cfg.Serve == nil {
			j.all.Go(func() { a.bins.ahead(b) })
		}
		a.dispatch(j)
		return true
	}
	return false
}

// catchUp learns at the start, and after each time that the connection was away, what has happened meanwhile.
func (a *Agent) catchUp() {
	states := a.conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer a.conn.RemoveStatusListener(states)
	for {
		a.listJobs()
		select {
		case <-a.ctx.Done():
			return
		case state := <-states:
			if state == nats.CLOSED {
				a.log.Error("the connection to the head was closed: the agent can do nothing any more")
				<-a.ctx.Done()
				return
			}
		}
	}
}

// listJobs makes the agent know all jobs. Offers and outcomes that were on their way may have got lost: they are sent
// again, at once, since a head that has just come back may not answer yet.
func (a *Agent) listJobs() {
	a.mu.Lock()
	server := a.conn.ConnectedServerId()
	for _, j := range a.jobs {
		j.offer.parked = false
		j.journal.repeat(time.Now())
		if server != a.server {
			j.journal.resendKept()
		}
	}
	if server != "" {
		a.server = server
	}
	a.mu.Unlock()
	a.offer()
	var list []protocol.JobInfo
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, heardWithin) {
		if a.cfg.Control.Ask(a.ctx, protocol.OpListJobs, nil, &list) == nil {
			break
		}
		if a.conn.IsClosed() || !sleep(a.ctx, pause) {
			return
		}
	}
	a.mu.Lock()
	for i := range list {
		if list[i].State == protocol.JobRunning && validID(list[i].Job) {
			a.know(list[i].Job, list[i].Epoch)
		}
	}
	a.mu.Unlock()
	a.offer()
}
