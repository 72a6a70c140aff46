package remote

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// onAsk answers what the head asks about the job's tasks. Only the head may write to the subject, and it has its answer
// sent to an inbox; anything else is an answer of the server's that somebody has had sent here.
func (c *Carrier) onAsk(m *nats.Msg) {
	switch {
	case c.ctx.Err() != nil:
		return // who has the job now answers
	case m.Subject != protocol.AskSubject(c.opened.Job):
		c.foreign(m)
		return
	case !strings.HasPrefix(m.Reply, protocol.Inbox("")):
		c.noteOnce("a question about the job's tasks asks for its answer elsewhere: it gets none")
		return
	}
	var q protocol.AskTasks
	reply := protocol.Reply{}
	if err := json.Unmarshal(m.Data, &q); err != nil {
		reply.Error = &protocol.Refusal{Code: protocol.CodeMalformed, Text: "the question about tasks makes no sense: " + err.Error()}
	} else {
		reply.Body = c.listTasks(&q)
	}
	if data, err := json.Marshal(reply); err == nil {
		_ = m.Respond(data) // who gets no answer asks again
	}
}

// listTasks adds to what the session says why the carrier gives nothing out.
func (c *Carrier) listTasks(q *protocol.AskTasks) *protocol.TaskList {
	l := c.job.ListTasks(q)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Task > 0 {
		for i := range l.Tasks {
			l.Why = append(l.Why, c.whyGiven(&l.Tasks[i])...)
		}
		return l
	}
	l.Why = append(l.Why, c.whyIdle()...)
	return l
}

// whyIdle is why nothing is given out now. With the lock.
func (c *Carrier) whyIdle() (lines []string) {
	switch {
	case c.leaving.Load():
		lines = append(lines, "the driver has ended, and says so to its nodes")
	case c.paused.Load():
		lines = append(lines, fmt.Sprintf("the driver gives nothing out: the head hasn't renewed its job for %v; it asks again and again",
			c.opened.Ages.Dead))
	case !c.roll.Over():
		lines = append(lines, "the driver goes on with an earlier one's job, and waits until each node has said what it still runs of it")
	}
	return lines
}

// whyGiven is what the carrier knows of the hand-over of one task. With the lock.
func (c *Carrier) whyGiven(t *protocol.TaskInfo) []string {
	if t.Node == "" {
		return c.whyIdle()
	}
	if c.handed.WaitsFor(t.ID) {
		return []string{"node " + t.Node + " hasn't confirmed yet that it has it; after 2 s without that it is given out again"}
	}
	return nil
}
