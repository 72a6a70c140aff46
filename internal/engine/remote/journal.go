package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// journal is what the reading of the job's stream has.
type journal struct {
	order[jetstream.Msg]
	outcomes protocol.Outcomes // used again for each record
	replayed chan struct{}     // closed once all of earlier epochs is read; then nil

	mu     sync.Mutex    // guards what follows
	newest jetstream.Msg // the last that was given on
	since  int           // messages that came since that was acknowledged
}

const (
	pullMessages = 500
	pullBytes    = 16 << 20 // twice the longest message, or the longest would never come
	ackEvery     = 64       // messages; what comes more slowly is acknowledged by the ticker
)

// follow reads the journal until carrying ends.
func (c *Carrier) follow(replayed chan struct{}) {
	c.journal.replayed = replayed
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began, err := c.consume()
		if c.ctx.Err() != nil {
			return
		}
		if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) {
			c.renewing.give() // who opens the job anew makes it anew
		}
		if began {
			pause = firstPause
		}
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// consume reads until carrying ends or the consumer is gone.
func (c *Carrier) consume() (began bool, err error) {
	js, err := jetstream.New(c.conn)
	if err != nil {
		return false, fmt.Errorf("read the journal: %w", err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.opened.Ages.Ask)
	defer cancel()
	consumer, err := js.Consumer(ctx, protocol.StreamName(c.opened.Job), protocol.ConsumerName(c.opened.Job))
	if err != nil {
		return false, fmt.Errorf("read the journal: %w", err)
	}
	c.journal.begin(consumer.CachedInfo(), c.opened.Last)
	var gone error
	reading, err := consumer.Consume(c.onRecord,
		jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullExpiry(30*time.Second), jetstream.PullHeartbeat(500*time.Millisecond),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if errors.Is(err, jetstream.ErrConsumerDeleted) {
				gone = err
			}
		}))
	if err != nil {
		return false, fmt.Errorf("read the journal: %w", err)
	}
	closed := reading.Closed()
	select {
	case <-c.ctx.Done():
		reading.Stop()
		<-closed
	case <-closed:
	}
	return true, gone
}

// begin learns where reading starts: behind what was acknowledged. It is there at once if nothing is to be replayed.
func (j *journal) begin(info *jetstream.ConsumerInfo, last uint64) {
	j.last = max(j.last, info.AckFloor.Stream)
	if end := info.Delivered.Stream + info.NumPending; end <= j.last || j.last >= last {
		j.caughtUp()
	}
}

func (j *journal) caughtUp() {
	if j.replayed != nil {
		close(j.replayed)
		j.replayed = nil
	}
}

// onRecord takes a message of the journal.
func (c *Carrier) onRecord(m jetstream.Msg) {
	if c.ctx.Err() != nil {
		return
	}
	meta, err := m.Metadata()
	if err != nil {
		return // no message of a stream
	}
	j := &c.journal
	next, cut := j.add(&record[jetstream.Msg]{
		seq: meta.Sequence.Stream, times: meta.NumDelivered, at: meta.Timestamp, size: len(m.Data()), body: m,
	})
	if cut {
		c.note("the cluster's head has lost the end of the journal, by a power cut as a rule: what was read of it counts in " +
			"this run")
	}
	for _, r := range next {
		c.take(r.body)
		c.read.Store(r.seq)
		if r.seq >= c.opened.Last {
			j.caughtUp()
		}
	}
	if len(next) > 0 {
		m = next[len(next)-1].body
	}
	j.taken(m, len(next) > 0)
}

// take tells the Job what a record says.
func (c *Carrier) take(m jetstream.Msg) {
	if m.Subject() == protocol.DecisionSubject(c.opened.Job) {
		return // nothing is decided there yet
	}
	o := &c.journal.outcomes
	node := lastToken(m.Subject())
	switch err := o.Read(m.Data()); {
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

// taken acknowledges now and then what was given on: an acknowledgement is for all before it too. One that came again
// says that the last acknowledgement was lost.
func (j *journal) taken(m jetstream.Msg, isNew bool) {
	j.mu.Lock()
	if isNew {
		j.newest = m
	}
	j.since++
	now := j.since >= ackEvery
	j.mu.Unlock()
	if now {
		j.ack()
	}
}

// ack acknowledges what wasn't yet.
func (j *journal) ack() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.since > 0 && j.newest != nil && j.newest.Ack() == nil {
		j.since = 0
	}
}
