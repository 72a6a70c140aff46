package remote

import (
	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// fewTasks is up to how many tasks of a batch an outcome may be told ahead of the journal: of more, many come at once.
const fewTasks = 16

// askEarly has the nodes tell the outcomes of tasks ahead of the journal, if few are given out.
func (c *Carrier) askEarly(tasks []protocol.Task) {
	if c.config.Name != "" || len(tasks) > fewTasks {
		return
	}
	for i := range tasks {
		tasks[i].Flags |= protocol.Early
	}
}

// onEarly takes an outcome that a node tells ahead of the journal, to which it appends it too. A job without a name has no
// other driver, ever: nobody else reads its journal, nor has to come to the same conclusion. What is read there later is
// about an attempt that has ended, and changes nothing; if the node can't append it, it is this driver that has it. So
// nothing is lost, whoever dies: docs/decisions/0008-cluster.md. In a job with a name nothing counts until it is read back.
func (c *Carrier) onEarly(m *nats.Msg) {
	o, node := &c.early, lastToken(m.Subject)
	switch err := o.Read(m.Data); {
	case m.Subject != protocol.UpSubject(c.opened.Job, node):
		c.foreign(m)
	case err != nil:
		c.noteOnce("node " + node + " told an outcome that makes no sense; is its agent of another version?")
	case o.Node != node:
		c.noteOnce("node " + node + " told an outcome in the name of node " + o.Node + ": that doesn't count")
	case c.config.Name != "":
		c.noteOnce("node " + node + " told an outcome that is to be read in the journal: that doesn't count")
	case o.Epoch == c.opened.Epoch:
		c.outcomes(o)
	}
}
