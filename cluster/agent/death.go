package agent

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/child"
	"github.com/musterrun/muster/protocol"
)

// died takes back what a worker had. The coordinator hears how it ended.
func (a *Agent) died(p *proc, err error) {
	cpu, memory := p.Used()
	a.mu.Lock()
	j := p.job
	over := p.over
	p.over, p.ready = true, false
	if j.main == p {
		j.main = nil
	}
	delete(j.singles, p)
	delete(j.others, p)
	for _, w := range j.waiting {
		if w.proc == p {
			w.proc = nil
		}
	}
	if !over && !j.over {
		a.afterDeath(j, p, err)
	}
	a.charge(p, cpu, memory)
	a.mu.Unlock()
	a.offer()
}

// afterDeath is died for a worker that nobody ended. The mutex is held.
func (a *Agent) afterDeath(j *job, p *proc, err error) {
	var start *child.StartError
	failed := errors.As(err, &start)
	a.counters.deaths++
	j.log.Warn("a worker ended", "tasks", p.tasks.len(), "how", err)
	switch {
	case failed:
		j.failed++
	case p.done > 0:
		j.deaths = 1
	default:
		j.deaths++
	}
	a.giveBackAll(j, p, protocol.WorkerDied, err.Error())
	if failed && j.failed%maxStarts == 0 {
		a.cantStart(j, err.Error())
	}
	a.dispatch(j)
	a.grantResumes()
}

// cantStart gives back what waits for a worker that can't be started. The mutex is held.
func (a *Agent) cantStart(j *job, text string) {
	text = fmt.Sprintf("node %s couldn't start a worker, %d times in a row: %s", a.cfg.Node, j.failed, text)
	for _, w := range j.inOrder() {
		if w.left == 0 {
			a.giveBackWaiting(j, w.at(), w, protocol.WorkerDied, text)
		}
	}
	j.offer.rest = time.Now().Add(startPause(j.failed))
}

// inOrder are the tasks that wait, as they came.
func (j *job) inOrder() []*waiting {
	list := make([]*waiting, 0, len(j.waiting))
	for _, w := range j.waiting {
		list = append(list, w)
	}
	slices.SortFunc(list, func(x, y *waiting) int { return cmp.Compare(x.seq, y.seq) })
	return list
}
