// Package loop is a cluster within a process, for tests: sessions that play the workers, and a carrier that hands
// messages over instead of sending them. Every message is encoded and decoded on its way. Its one noun is Cluster.
package loop

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// Cluster is some workers and the carrier of one driver.
type Cluster struct {
	driver *engine.Session
	nodes  []*node
	wake   chan struct{}
	stop   chan struct{}
	done   sync.WaitGroup
	values values

	surveys bool // what nodes have is told to the driver
}

// Driver is a driver's session, closed by Close, with nodes of so many CPUs. The first one has the configured resources, if
// there are any; then the driver is told all that nodes have, after each change.
func Driver(cfg engine.Config, trial engine.Trial, nodes, cpus int) (*engine.Session, *Cluster) {
	c := &Cluster{wake: make(chan struct{}, 1), stop: make(chan struct{}), surveys: len(cfg.Resources) > 0}
	inside := cfg
	inside.Journal, inside.Strict, inside.CPUs = nil, false, float64(cpus)
	cfg.Carrier = c
	c.driver = engine.Open(cfg, trial)
	for i := range nodes {
		c.nodes = append(c.nodes, newNode(c, string(rune('a'+i)), cpus, inside))
		inside.Resources = nil
	}
	c.done.Add(1)
	go c.serve()
	c.Wake()
	return c.driver, c
}

// Close ends the workers. The driver's session is closed before.
func (c *Cluster) Close() {
	close(c.stop)
	c.done.Wait()
	for _, n := range c.nodes {
		n.close()
	}
}

// Wake has the nodes' room offered.
func (c *Cluster) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Send brings an item to a node.
func (c *Cluster) Send(name string, it protocol.Item) {
	for _, n := range c.nodes {
		if n.name == name {
			n.down.put(it)
		}
	}
}

// Renew does nothing: there is no head.
func (c *Cluster) Renew() {}

// Decide records a decision at once.
func (c *Cluster) Decide(_ protocol.Decision, heard func()) {
	if heard != nil {
		c.done.Go(heard)
	}
}

// PutValue and GetValue keep large values.
func (c *Cluster) PutValue(_ context.Context, data []byte) (string, int64, error) {
	return c.values.put(data), int64(len(data)), nil
}

// GetValue gives what PutValue kept.
func (c *Cluster) GetValue(_ context.Context, id string, _ int64) ([]byte, error) {
	return c.values.get(id)
}

// serve offers the nodes' room whenever something may be ready.
func (c *Cluster) serve() {
	defer c.done.Done()
	again := time.NewTicker(50 * time.Millisecond) // as a carrier does, for who has room and gets nothing
	defer again.Stop()
	for {
		select {
		case <-c.wake:
		case <-again.C:
		case <-c.stop:
			return
		}
		for c.driver.Restore() {
		}
		for gave := true; gave; {
			gave = false
			for _, n := range c.nodes {
				gave = n.offer() || gave
			}
		}
		if c.surveys {
			c.driver.Survey(c.infos())
		}
	}
}

// infos are the nodes' records.
func (c *Cluster) infos() (list []protocol.NodeInfo) {
	for _, n := range c.nodes {
		list = append(list, n.info())
	}
	return list
}

// queue keeps an order.
type queue struct {
	mu     sync.Mutex
	list   []any
	ready  chan struct{}
	closed bool // nobody listens any more
}

func (q *queue) put(x any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.list = append(q.list, x)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	close(q.ready)
}

func (q *queue) take() []any {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.list
	q.list = nil
	return l
}

func (n *node) run(q *queue, send func([]any)) {
	defer n.done.Done()
	for range q.ready {
		send(q.take())
	}
}

// values keeps what is too large for a message.
type values struct {
	mu   sync.Mutex
	list map[string][]byte
}

func (v *values) put(data []byte) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.list == nil {
		v.list = map[string][]byte{}
	}
	id := string(rune('A'+len(v.list)%26)) + string(rune('0'+len(v.list)/26))
	v.list[id] = append([]byte(nil), data...)
	return id
}

func (v *values) get(id string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d, ok := v.list[id]; ok {
		return d, nil
	}
	return nil, errors.New("no such value")
}
