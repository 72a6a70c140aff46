package agent

import (
	"encoding/json"
	"fmt"

	"github.com/musterrun/muster/protocol"
)

// whyTask answers how far an attempt is that the node was given.
func (a *Agent) whyTask(data []byte) (*protocol.TaskOnNode, *protocol.Refusal) {
	var q protocol.AskTask
	if err := json.Unmarshal(data, &q); err != nil {
		return nil, &protocol.Refusal{Code: protocol.CodeMalformed, Text: "the question about a task makes no sense: " + err.Error()}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	text := "it doesn't know the job yet"
	if j := a.jobs[q.Job]; j != nil {
		text = a.howFar(j, protocol.Attempt{Task: q.ID, N: q.Attempt})
	}
	return &protocol.TaskOnNode{Text: "node " + a.cfg.Name + ": " + text}, nil
}

// howFar says what an attempt does or waits for on this machine. The mutex is held.
func (a *Agent) howFar(j *job, at protocol.Attempt) string {
	if w := j.waiting[at]; w != nil {
		return a.whyWaiting(j, w)
	}
	if p, h, ok := j.holder(at); ok {
		return a.whyHeld(p, h)
	}
	if messages, bytes := j.journal.unconfirmed(); messages > 0 {
		return fmt.Sprintf("it hasn't the task any more; outcomes wait for the head to record them: %d messages of %d bytes", messages, bytes)
	}
	return "it hasn't the task: it is on its way there, or its outcome is on its way back"
}

// whyWaiting is for a task that no worker has yet.
func (a *Agent) whyWaiting(j *job, w *waiting) string {
	switch k := kindOf(&w.task); {
	case w.left > 0 && w.task.Flags&protocol.Once != 0 && !needsObjects(&w.task):
		return "that it starts is being recorded, since it must not run twice"
	case w.left > 0:
		return "values that it needs are being fetched"
	case j.info == nil:
		return "the head hasn't said yet what the job needs here"
	case w.task.Need.GPUs > 0 && w.held.lease == nil:
		return "it waits for GPUs of this machine, which other tasks have in parts"
	case k == alone && len(j.singles) > 0:
		return "it waits for its turn to run alone in a worker"
	case j.failed > 0:
		return fmt.Sprintf("its worker couldn't be started, %d times in a row; the agent's log says why, and it is tried again", j.failed)
	default:
		return "its worker is being started"
	}
}

// whyHeld is for a task that a worker has.
func (a *Agent) whyHeld(p *proc, h *held) string {
	text := "its worker has it"
	if pid := p.PID(); pid != 0 {
		text = fmt.Sprintf("its worker, process %d, has it", pid)
	}
	switch {
	case h.rare != nil && h.rare.queued:
		return text + "; what its function waited for is there, and it goes on when a CPU is free"
	case h.Lent:
		return text + "; its function waits, and lends its CPU"
	case p.tasks.len() > 1:
		return fmt.Sprintf("%s, and %d more, which it runs as it has CPUs", text, p.tasks.len()-1)
	default:
		return text
	}
}

// unconfirmed is how many messages of outcomes the stream hasn't confirmed, and how many bytes they have together.
func (j *journal) unconfirmed() (messages, bytes int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	messages = len(j.cut) + len(j.flying)
	for _, data := range j.cut {
		bytes += len(data)
	}
	for _, f := range j.flying {
		bytes += len(f.data)
	}
	if j.open.Count() > 0 {
		messages, bytes = messages+1, bytes+j.open.Size()
	}
	return messages, bytes
}
