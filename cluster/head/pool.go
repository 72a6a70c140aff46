package head

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

const (
	quickWorkers  = 8
	relayWorkers  = 8
	changeWorkers = 2 // one of which waits for the other
	blobWorkers   = 8
	maxQueue      = 4096      // requests; more are dropped, and asked again by who waits for them
	maxPast       = 16        // of them about the history, each of which may take seconds
	maxQueued     = 256 << 20 // bytes of requests about blobs; the same
)

// changing is what asks JetStream for something, one of them at a time, or waits for those.
var changing = map[string]bool{
	protocol.OpOpenJob: true, protocol.OpCloseJob: true, protocol.OpCancelJob: true, protocol.OpRemoveJob: true,
	protocol.OpDropIdentity: true, protocol.OpDropUser: true, protocol.OpShareJob: true,
}

// fresh is in what asks for a list of nodes, if one of them is to be asked for its report first.
var fresh = []byte(`"fresh"`)

// relaying is what waits for the answer of a node or a driver.
var relaying = map[string]bool{
	protocol.OpListTasks: true, protocol.OpReadLog: true, protocol.OpDrainNode: true, protocol.OpUndrain: true,
}

// control answers requests, on a bounded number of goroutines. Blobs have their own, and so has what nodes and drivers are
// asked, and what asks JetStream, so that nobody's renewal waits for a disk, or for somebody who is slow to answer.
type control struct {
	head    *Head
	sub     *nats.Subscription
	queue   chan *nats.Msg
	quick   chan *nats.Msg
	relays  chan *nats.Msg
	changes chan *nats.Msg
	blobs   chan *nats.Msg
	past    chan *nats.Msg // questions about the history: one at a time
	queued  atomic.Int64   // bytes in blobs
	stop    chan struct{}
	running sync.WaitGroup
}

func startControl(h *Head) (*control, error) {
	c := &control{
		head: h, stop: make(chan struct{}),
		queue: make(chan *nats.Msg, maxQueue), quick: make(chan *nats.Msg, maxQueue), blobs: make(chan *nats.Msg, maxQueue),
		relays: make(chan *nats.Msg, maxQueue), changes: make(chan *nats.Msg, maxQueue), past: make(chan *nats.Msg, maxPast),
	}
	var err error
	if c.sub, err = h.conn.ChanSubscribe(protocol.AllControl, c.queue); err != nil {
		return nil, fmt.Errorf("start the control service: %w", err)
	}
	c.running.Go(c.route)
	for range quickWorkers {
		c.running.Go(func() { c.work(c.quick, func(*nats.Msg) {}) })
	}
	for range relayWorkers {
		c.running.Go(func() { c.work(c.relays, func(*nats.Msg) {}) })
	}
	for range changeWorkers {
		c.running.Go(func() { c.work(c.changes, func(*nats.Msg) {}) })
	}
	c.running.Go(func() { c.work(c.past, func(*nats.Msg) {}) })
	for range blobWorkers {
		c.running.Go(func() { c.work(c.blobs, func(msg *nats.Msg) { c.queued.Add(-int64(len(msg.Data))) }) })
	}
	return c, h.conn.Flush()
}

func (c *control) close() {
	_ = c.sub.Unsubscribe() // the connection is about to be closed
	close(c.stop)
	c.running.Wait()
}

// route gives requests to those who carry them out, and drops those for which there is no room.
func (c *control) route() {
	for {
		select {
		case <-c.stop:
			return
		case msg := <-c.queue:
			to := c.whose(operationOf(msg.Subject), msg.Data)
			if to == c.blobs && c.queued.Add(int64(len(msg.Data))) > maxQueued || !offer(to, msg) {
				c.head.log.Warn("dropped a request: too many wait", "subject", msg.Subject)
				if to == c.blobs {
					c.queued.Add(-int64(len(msg.Data)))
				}
			}
		}
	}
}

// whose is the queue of those who carry out an operation.
func (c *control) whose(op string, body []byte) chan *nats.Msg {
	switch {
	case strings.HasPrefix(op, "blob."):
		return c.blobs
	case op == protocol.OpHistory:
		return c.past
	case relaying[op] || op == protocol.OpListNodes && bytes.Contains(body, fresh):
		return c.relays
	case changing[op]:
		return c.changes
	}
	return c.quick
}

func operationOf(subject string) string {
	_, op, _ := strings.Cut(strings.TrimPrefix(subject, "m.c."), ".")
	return op
}

func offer(to chan<- *nats.Msg, msg *nats.Msg) bool {
	select {
	case to <- msg:
		return true
	default:
		return false
	}
}

func (c *control) work(from <-chan *nats.Msg, done func(*nats.Msg)) {
	for {
		select {
		case msg := <-from:
			c.head.answer(msg)
			done(msg)
		case <-c.stop:
			return
		}
	}
}
