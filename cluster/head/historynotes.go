package head

import (
	"strings"
	"time"

	"github.com/musterrun/muster/protocol"
)

const (
	nodeNotedEvery = 10 * time.Minute
	maxCounted     = 1000 // of a job, and of a node's report
	maxAttempts    = 256  // of a driver's report
	maxHistoryText = 300
)

// run is what is noted of a job while it runs.
type run struct {
	epoch    uint32
	counts   []protocol.TaskCount
	changed  bool   // since they were noted
	attempts uint64 // the last one's number
}

// nodeNote is what is noted of a node.
type nodeNote struct {
	at     time.Time // when it was last
	most   int64
	life   uint64 // of its last report of what functions used
	number uint64
}

// job notes how a job stands. Nil notes nothing, as for the others below.
func (k *historian) job(info *protocol.JobInfo, opened time.Time) {
	if k == nil {
		return
	}
	k.mu.Lock()
	r := k.runs[info.Job]
	if r != nil && r.changed {
		k.spool.note(r.line(info.Job))
		r.changed = false
	}
	switch {
	case info.State != protocol.JobRunning && info.State != protocol.JobOrphaned:
		delete(k.runs, info.Job)
	case r == nil || r.epoch != info.Epoch:
		k.runs[info.Job] = &run{epoch: info.Epoch}
	}
	k.mu.Unlock()
	k.spool.note(protocol.HistoryLine{Job: &protocol.JobRun{
		Job: info.Job, Epoch: info.Epoch, Name: cut(info.Name), Owner: info.Owner, Program: cut(info.Program), Host: cut(info.Host),
		State: info.State, Opened: opened, Ended: info.Ended, Error: cut(info.Error), Done: info.Load.Done, Failed: info.Load.Failed,
	}})
}

// replaced notes the end of a driver that another one has taken over from.
func (k *historian) replaced(info protocol.JobInfo, now time.Time) {
	info.State, info.Ended, info.Error = protocol.JobFailed, now, "another driver took the job over"
	k.job(&info, info.Opened)
}

func (r *run) line(job string) protocol.HistoryLine {
	return protocol.HistoryLine{Tasks: &protocol.JobTasks{Job: job, Epoch: r.epoch, Counts: r.counts}}
}

// renewed notes what a driver says about its tasks, and takes it out of the report.
func (k *historian) renewed(in *protocol.RenewJob) {
	counts, attempts := in.Functions, in.Attempts
	in.Functions, in.Attempts = nil, nil
	if k == nil || len(counts) > maxCounted || len(attempts) > maxAttempts {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.runs[in.Job]
	if r == nil || r.epoch != in.Epoch { // this head was started after the job
		r = &run{epoch: in.Epoch}
		k.runs[in.Job] = r
	}
	if len(counts) > 0 {
		for i := range counts {
			counts[i] = protocol.TaskCount{Func: cut(counts[i].Func), Done: counts[i].Done, Failed: counts[i].Failed}
		}
		r.counts, r.changed = counts, true
	}
	news := attempts[:0]
	for _, a := range attempts {
		if a.Number > r.attempts {
			r.attempts = a.Number
			a.Job, a.Epoch, a.Func, a.Node, a.Error = in.Job, in.Epoch, cut(a.Func), cut(a.Node), cut(a.Error)
			news = append(news, a)
		}
	}
	if len(news) > 0 {
		k.spool.note(protocol.HistoryLine{Attempts: news})
	}
}

// noteCounts notes the tasks of jobs that run, as far as there are new ones.
func (k *historian) noteCounts() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for job, r := range k.runs {
		if r.changed {
			k.spool.note(r.line(job))
			r.changed = false
		}
	}
}

// node notes a node when its state is news, and now and then.
func (k *historian) node(n *protocol.NodeInfo, state string, news bool) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.nodes[n.Node]
	if last == nil {
		last = &nodeNote{}
		k.nodes[n.Node] = last
	}
	last.most = max(last.most, n.Resident)
	if now := k.head.cfg.Now(); news || now.Sub(last.at) > nodeNotedEvery {
		last.at = now
		k.spool.note(protocol.HistoryLine{Node: &protocol.NodeRun{
			Node: n.Node, Name: cut(n.Name), OS: cut(n.OS), Arch: cut(n.Arch), Version: cut(n.Version),
			CPUs: n.CPUs, Memory: n.Memory, GPUs: n.GPUs, Started: n.Started, State: state, Most: last.most,
		}})
	}
	if state != nodeAlive {
		delete(k.nodes, n.Node)
	}
}

// The states of a node in the history.
const (
	nodeAlive   = "alive"
	nodeStopped = "stopped"
	nodeLost    = "lost"
)

// nodeState is the state of a node by its own report.
func nodeState(n *protocol.NodeInfo) string {
	if n.Stopped {
		return nodeStopped
	}
	return nodeAlive
}

// used notes what functions used on a node, once.
func (k *historian) used(node string, in *protocol.NodeUse) {
	if k == nil || len(in.Functions) > maxCounted {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.nodes[node]
	if last == nil {
		last = &nodeNote{}
		k.nodes[node] = last
	}
	if last.life == in.Life && last.number >= in.Number {
		return
	}
	last.life, last.number = in.Life, in.Number
	for i := range in.Functions {
		in.Functions[i].Func, in.Functions[i].Job = cut(in.Functions[i].Func), cut(in.Functions[i].Job)
	}
	k.spool.note(protocol.HistoryLine{Use: in, From: node})
}

// cut makes a short line of a text.
func cut(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > maxHistoryText {
		s = s[:maxHistoryText] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
