package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// report tells the head again and again what the node is and has.
func (a *Agent) report() {
	for {
		err := a.cfg.Control.Ask(a.ctx, protocol.OpReportNode, a.info(), nil)
		if err != nil && a.ctx.Err() == nil {
			a.log.Warn("the head doesn't hear this node's report; it is made again", "error", err)
		}
		a.understood(err)
		a.reportUse(a.ctx)
		select {
		case <-a.ctx.Done():
			return
		case <-a.newer:
		case <-time.After(a.cfg.Ages.Renew):
		}
	}
}

// understood notes what the head says to a report. An agent of a version that it doesn't understand offers nothing: what
// runs goes on, and the head may be upgraded.
func (a *Agent) understood(err error) {
	var r *protocol.Refusal
	is := errors.As(err, &r) && r.Code == protocol.CodeVersion
	if err == nil || is {
		a.mu.Lock()
		changed := a.foreign != is
		a.foreign = is
		a.mu.Unlock()
		if changed && !is {
			a.offer()
		}
	}
}

// reportSoon has the head told at once what has changed.
func (a *Agent) reportSoon() {
	select {
	case a.newer <- struct{}{}:
	default: // that is to come
	}
}

// farewell is how long the head may take to hear that the agent stops.
const farewell = time.Second

// reportStop tells the head that the node has nothing any more: else people would take it for alive until it is missed.
func (a *Agent) reportStop() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	a.reportUse(ctx)
	if err := a.cfg.Control.Ask(ctx, protocol.OpReportNode, a.info(), nil); err != nil {
		a.log.Info("the head didn't hear that this node stops: it will miss it", "error", err)
	}
}

// record is the part of the node's record that doesn't change.
func (a *Agent) record() *protocol.NodeInfo {
	return &protocol.NodeInfo{
		Node: a.cfg.Node, Name: a.cfg.Name, OS: runtime.GOOS, Arch: runtime.GOARCH, Version: a.cfg.Version,
		Major: protocol.Major, Minor: protocol.Minor,
		CPUs: a.cfg.CPUs, Memory: a.cfg.Memory, GPUs: a.cfg.GPUs, Named: a.cfg.Named, Labels: a.cfg.Labels,
		PID: os.Getpid(), Started: a.started, Alive: true, Users: a.owners.users(), Unlimited: a.unlimited,
	}
}

// maxRefuses is how many users are named whom the node doesn't serve; they all have a job.
const maxRefuses = 256

// info is the node's record.
func (a *Agent) info() *protocol.NodeInfo {
	n := a.record()
	n.Refuses = map[string]string{}
	pids := []int{n.PID}
	a.mu.Lock()
	n.Stopped, n.Drain = a.leaving, a.drainedYet()
	for _, d := range a.drivers {
		if !d.over {
			n.Drivers = append(n.Drivers, d.DriverID)
			if d.pid != 0 {
				pids = append(pids, d.pid)
			}
		}
	}
	n.FreeCPU = float64(a.ledger.Free.CPU) / unit
	n.Held = a.heldText()
	for _, j := range a.jobs {
		if j.refusal != "" && len(n.Refuses) < maxRefuses {
			n.Refuses[j.info.Owner] = j.refusal
		}
		n.Running += len(j.waiting)
		for _, p := range j.procs() {
			n.Running += p.tasks.len()
			if pid := p.PID(); pid != 0 {
				n.Workers++
				pids = append(pids, pid)
			}
		}
	}
	a.mu.Unlock()
	for _, pid := range pids {
		n.Resident += metrics.Resident(pid)
	}
	return n
}

// LogPart is bytes of a job's log, the answer to a protocol.AskLog.
type LogPart struct {
	Data   []byte `json:"data"`
	Offset int64  `json:"offset"` // of Data
	End    int64  `json:"end"`    // of the log as it is now
}

const maxLogPart = 256 << 10

// onRequest answers who may ask the node for something.
func (a *Agent) onRequest(m *nats.Msg) {
	if !strings.HasPrefix(m.Reply, protocol.Inbox("")) {
		a.refuse(m, "it asks for its answer elsewhere than in an inbox") // so somebody else's answer was sent here
		return
	}
	_, op, _ := strings.Cut(strings.TrimPrefix(m.Subject, "m.n."), ".")
	var reply protocol.Reply
	switch op {
	case "ping":
		reply.Body = a.info()
	case "metrics":
		reply.Body = string(a.metrics())
	case "logs":
		part, refusal := a.readLog(m.Data)
		reply.Body, reply.Error = part, refusal
	case "task":
		text, refusal := a.whyTask(m.Data)
		reply.Body, reply.Error = text, refusal
	case "drain", "undrain":
		reply.Body, reply.Error = a.drainAsked(op, m.Data)
	case protocol.NodeDrive, protocol.NodeEndDrive:
		a.onDrive(m, op)
		return
	case "stop":
		a.log.Info("the cluster asks this node to stop")
		a.asked.Do(func() { close(a.stopped) })
	default:
		reply.Error = &protocol.Refusal{Code: protocol.CodeUnknown, Text: "nodes don't know the operation " + op + "; is this agent older?"}
	}
	data, err := json.Marshal(reply)
	if err == nil {
		_ = m.Respond(data)
	}
}

func (a *Agent) readLog(data []byte) (*LogPart, *protocol.Refusal) {
	var r protocol.AskLog
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, &protocol.Refusal{Code: protocol.CodeMalformed, Text: "the request for a log makes no sense: " + err.Error()}
	}
	a.mu.Lock()
	var log *joblog
	if j := a.jobs[r.Job]; j != nil && j.ready != nil {
		log = j.ready.log
	}
	if r.Attempt > 0 {
		log = a.driverLogOf(protocol.DriverID{ID: r.Job, Attempt: r.Attempt})
	}
	a.mu.Unlock()
	if log == nil {
		return nil, &protocol.Refusal{Code: protocol.CodeUnknown, Text: "no worker of the job runs on node " + a.cfg.Node}
	}
	if r.Most <= 0 || r.Most > maxLogPart {
		r.Most = maxLogPart
	}
	part := &LogPart{}
	part.Data, part.Offset, part.End = log.read(r.Offset, r.Most)
	return part, nil
}
