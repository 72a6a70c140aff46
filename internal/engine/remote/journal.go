package remote

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// journal is what the reading of the job's stream has.
type journal struct {
	reading sync.Mutex // one message at a time; guards what follows
	order[*nats.Msg]
	outcomes protocol.Outcomes // used again for each record
	replayed chan struct{}     // closed once all of earlier epochs is read; then nil
	recent   recent            // of a job with a name

	acks
}

const unreadSize = 256 << 20 // bytes of messages that wait here; those beyond come again

// follow makes the head's server deliver the journal here until carrying ends. It sends on only as far as was
// acknowledged, and again what wasn't, also to the next connection.
func (c *Carrier) follow(replayed chan struct{}) error {
	c.journal.replayed = replayed
	if c.opened.Last == 0 {
		c.journal.caughtUp()
	}
	return c.followOn()
}

// followOn subscribes, at the start and again whenever the connection is another: what comes by this subscription then
// is of the server's present life, and may be acknowledged. What the one before still has is read.
func (c *Carrier) followOn() error {
	sub, err := c.subscribe(protocol.JournalSubject(c.opened.Job, c.opened.Epoch), c.onRecord)
	if err != nil {
		return err
	}
	if former := c.journal.begin(sub); former != nil {
		c.mu.Lock()
		c.subs = slices.DeleteFunc(c.subs, func(s *nats.Subscription) bool { return s == former })
		c.mu.Unlock()
		_ = former.Drain() // else the connection is away again, and there will be another
	}
	return nil
}

func (j *journal) caughtUp() {
	if j.replayed != nil {
		close(j.replayed)
		j.replayed = nil
	}
}

// onRecord takes a message of the journal.
func (c *Carrier) onRecord(m *nats.Msg) {
	if c.ctx.Err() != nil {
		return
	}
	j := &c.journal
	meta, err := m.Metadata()
	if err != nil || meta.Stream != protocol.StreamName(c.opened.Job) {
		c.flow(m)
		return
	}
	j.reading.Lock()
	defer j.reading.Unlock()
	next, cut := j.add(&record[*nats.Msg]{
		seq: meta.Sequence.Stream, times: meta.NumDelivered, at: meta.Timestamp, size: len(m.Data), body: m,
	})
	if cut {
		c.writeBack(meta.Sequence.Stream)
	}
	for _, r := range next {
		if c.config.Name != "" {
			j.recent.add(r.seq, r.body.Data, time.Now())
		}
		c.take(r.body, r.seq)
		c.read.Store(r.seq)
		if r.seq >= c.opened.Last {
			j.caughtUp()
		}
	}
	if len(next) > 0 {
		last := next[len(next)-1]
		j.taken(last.body, last.seq)
	} else if meta.Sequence.Stream <= j.last {
		j.taken(m, meta.Sequence.Stream) // it came again, so the last acknowledgement was lost
	}
}

// flow answers the server, which asks whether what it sent before is taken: so much, and no more, it keeps on its way.
// When it has waited for the answer for a while it asks again, in a heartbeat.
func (c *Carrier) flow(m *nats.Msg) {
	ask := m.Reply
	if ask == "" {
		ask = m.Header.Get("Nats-Consumer-Stalled")
	}
	switch isControl := m.Header.Get("Status") == "100" && len(m.Data) == 0; {
	case isControl && strings.HasPrefix(ask, protocol.FlowSubject(c.opened.Job, c.opened.Epoch, "")):
		_ = c.conn.Publish(ask, nil) // one that is lost is asked for again
	case isControl && ask == "": // all is well
	default:
		c.noteOnce("a message came as if it were of the job's journal, and isn't: it doesn't count")
	}
}

// take tells the Job what a record says.
func (c *Carrier) take(m *nats.Msg, seq uint64) {
	if m.Subject == protocol.DecisionSubject(c.opened.Job) {
		c.decided(m, seq)
		return
	}
	o := &c.journal.outcomes
	node := lastToken(m.Subject)
	if m.Subject != protocol.OutcomeSubject(c.opened.Job, node) {
		c.foreign(m)
		return
	}
	switch err := o.Read(m.Data); {
	case err != nil:
		c.noteOnce("node " + node + " recorded what makes no sense; is its agent of another version?")
	case o.Node != node:
		c.noteOnce("node " + node + " recorded in the name of node " + o.Node + ": that doesn't count")
	case o.Epoch == c.opened.Epoch:
		c.outcomes(o)
	case o.Epoch < c.opened.Epoch:
		c.config.Replay(o)
	default:
		c.renewing.give() // another driver has the job
	}
}
