package head

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

const (
	vitalWorkers  = 4
	quickWorkers  = 8
	relayWorkers  = 8
	changeWorkers = 2 // one of which waits for the other
	blobWorkers   = 8
	maxQueue      = 4096            // requests; more are dropped, and asked again by who waits for them
	maxPast       = 16              // of them about the history, each of which may take seconds
	maxQueued     = 256 << 20       // bytes of requests about blobs; the same
	maxWait       = 5 * time.Second // in a queue: who asks has given up by then, and may have asked again
)

// lateAfter is how long a vital request waits at most in a head that keeps up.
const lateAfter = time.Second

// vital is by what drivers and nodes count as alive.
var vital = map[string]bool{protocol.OpRenewJob: true, protocol.OpReportNode: true}

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

// request is one that waits.
type request struct {
	*nats.Msg
	since time.Time
}

// control answers requests, on a bounded number of goroutines. Blobs have their own, and so has what nodes and drivers are
// asked, and what asks JetStream, so that nobody waits for a disk, or for somebody who is slow to answer; and renewals and
// reports, so that they don't wait for the ten thousand questions of many nodes about many jobs.
type control struct {
	head    *Head
	sub     *nats.Subscription
	queue   chan *nats.Msg
	vital   chan request
	quick   chan request
	relays  chan request
	changes chan request
	blobs   chan request
	past    chan request // questions about the history: one at a time
	queued  atomic.Int64 // bytes in blobs
	dropped dropped
	stop    chan struct{}
	running sync.WaitGroup
}

func startControl(h *Head) (*control, error) {
	c := &control{
		head: h, stop: make(chan struct{}), queue: make(chan *nats.Msg, maxQueue),
		vital: make(chan request, maxQueue), quick: make(chan request, maxQueue), blobs: make(chan request, maxQueue),
		relays: make(chan request, maxQueue), changes: make(chan request, maxQueue), past: make(chan request, maxPast),
	}
	var err error
	if c.sub, err = h.conn.ChanSubscribe(protocol.AllControl, c.queue); err != nil {
		return nil, fmt.Errorf("start the control service: %w", err)
	}
	c.running.Go(c.route)
	for queue, workers := range map[chan request]int{
		c.vital: vitalWorkers, c.quick: quickWorkers, c.relays: relayWorkers, c.changes: changeWorkers, c.blobs: blobWorkers, c.past: 1,
	} {
		for range workers {
			c.running.Go(func() { c.work(queue) })
		}
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
			if to == c.blobs && c.queued.Add(int64(len(msg.Data))) > maxQueued || !offer(to, request{msg, time.Now()}) {
				c.drop("too many wait", msg.Subject)
				if to == c.blobs {
					c.queued.Add(-int64(len(msg.Data)))
				}
			}
		}
	}
}

// whose is the queue of those who carry out an operation.
func (c *control) whose(op string, body []byte) chan request {
	switch {
	case vital[op]:
		return c.vital
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

func offer(to chan<- request, r request) bool {
	select {
	case to <- r:
		return true
	default:
		return false
	}
}

func (c *control) work(from <-chan request) {
	for {
		select {
		case r := <-from:
			c.answer(r, time.Now())
			if from == c.blobs {
				c.queued.Add(-int64(len(r.Data)))
			}
		case <-c.stop:
			return
		}
	}
}

// answer carries out a request, unless it has waited in vain: a head that answers nobody any more since it answers those
// who have gone would never catch up.
func (c *control) answer(r request, now time.Time) {
	waited := now.Sub(r.since)
	if waited > lateAfter && vital[operationOf(r.Subject)] {
		c.head.behind.Store(&now)
	}
	if waited > maxWait {
		c.drop("it has waited for too long", r.Subject)
		return
	}
	c.head.answer(r.Msg)
}

// dropped counts requests that nobody carries out.
type dropped struct {
	mu    sync.Mutex
	count int       // since it was said last
	said  time.Time // when
}

// drop says at most once a second that a request isn't carried out: there are as many lines of those else as requests.
func (c *control) drop(why, subject string) {
	d := &c.dropped
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count++; time.Since(d.said) < time.Second {
		return
	}
	c.head.log.Warn("dropped a request: "+why, "subject", subject, "dropped", d.count)
	d.count, d.said = 0, time.Now()
}

// attentive is since when the head has heard in time who lives: it says of nobody to be silent whom it hears late itself.
func (h *Head) attentive() time.Time {
	if behind := h.behind.Load(); behind != nil && behind.After(h.started) {
		return *behind
	}
	return h.started
}
