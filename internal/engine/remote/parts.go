package remote

import (
	"fmt"

	"github.com/musterrun/muster/protocol"
)

// part is a batch, or a piece of one that was too long for a message.
type part struct {
	number uint64
	tasks  []protocol.Task
	data   []byte // encoded; that of a batch's first part is valid until the next
}

// maxPart is how long a part of several tasks may be: it ought to arrive soon.
const maxPart = 1 << 20

// encode encodes a batch, in as many parts as it takes. A task that is longer than most on its own is in none.
func (g *giver) encode(b *protocol.Batch, most int) (parts []part, tooLong []protocol.Task) {
	g.number++
	b.Number = g.number
	g.buf = b.Append(g.buf[:0])
	if len(g.buf) <= min(most, maxPart) {
		return []part{{b.Number, b.Tasks, g.buf}}, nil
	}
	g.buf = nil
	g.number--
	return g.halve(b.Epoch, b.Tasks, most)
}

// halve encodes the halves of what doesn't fit.
func (g *giver) halve(epoch uint32, tasks []protocol.Task, most int) (parts []part, tooLong []protocol.Task) {
	half := protocol.Batch{Epoch: epoch, Number: g.number + 1, Tasks: tasks}
	data := half.Append(nil)
	switch {
	case len(data) <= maxPart && len(data) <= most, len(tasks) == 1 && len(data) <= most:
		g.number++
		return []part{{g.number, tasks, data}}, nil
	case len(tasks) == 1:
		return nil, tasks
	}
	parts, tooLong = g.halve(epoch, tasks[:len(tasks)/2], most)
	more, alsoTooLong := g.halve(epoch, tasks[len(tasks)/2:], most)
	return append(parts, more...), append(tooLong[:len(tooLong):len(tooLong)], alsoTooLong...)
}

// failTooLong ends an attempt that no message can carry as if it had failed on the node: to give it out again would
// change nothing.
func (c *Carrier) failTooLong(node string, t *protocol.Task) {
	text := fmt.Sprintf("its argument and the values in it are longer than a message, of at most %d bytes: Put large values, "+
		"or gather fewer", c.conn.MaxPayload())
	c.outcomes(&protocol.Outcomes{Epoch: c.opened.Epoch, Node: node, List: []protocol.Outcome{{
		ID: t.ID, Attempt: t.Attempt, Key: t.Key, Status: protocol.Failed, Value: protocol.TextFailure(text),
	}}})
}

// outcomes tells the Job outcomes: one call at a time.
func (c *Carrier) outcomes(o *protocol.Outcomes) {
	c.tell.Lock()
	defer c.tell.Unlock()
	c.job.Outcomes(o)
}
