// Package loop is a cluster within a process, for tests: sessions that play the workers, and a carrier that hands
// messages over instead of sending them. Every message is encoded and decoded on its way. Its one noun is Cluster.
package loop

import (
	"context"
	"errors"
	"sync"

	"github.com/musterrun/muster/internal/coordinator"
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
}

// Driver is a driver's session, closed by Close.
func Driver(cfg engine.Config, trial engine.Trial, nodes, cpus int) (*engine.Session, *Cluster) {
	c := &Cluster{wake: make(chan struct{}, 1), stop: make(chan struct{})}
	inside := cfg
	inside.Journal, inside.Strict, inside.CPUs = nil, false, float64(cpus)
	cfg.Carrier = c
	c.driver = engine.Open(cfg, trial)
	for i := range nodes {
		c.nodes = append(c.nodes, newNode(c, string(rune('a'+i)), cpus, inside))
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
	for {
		select {
		case <-c.wake:
		case <-c.stop:
			return
		}
		for gave := true; gave; {
			gave = false
			for _, n := range c.nodes {
				gave = n.offer() || gave
			}
		}
	}
}

// node is a worker with its agent's room.
type node struct {
	c       *Cluster
	name    string
	session *engine.Session
	up      queue
	down    queue
	done    sync.WaitGroup

	mu    sync.Mutex
	free  int64
	io    int64
	share map[protocol.Attempt]charge
	asks  map[protocol.Attempt]protocol.Task // that must not run twice, and wait for Begin
}

type charge struct{ cpu, io int64 }

func newNode(c *Cluster, name string, cpus int, cfg engine.Config) *node {
	n := &node{c: c, name: name, free: int64(cpus) * coordinator.Unit, io: 1000, share: map[protocol.Attempt]charge{}}
	n.asks = map[protocol.Attempt]protocol.Task{}
	n.up.ready, n.down.ready = make(chan struct{}, 1), make(chan struct{}, 1)
	cfg.Upstream = n
	n.session = engine.Open(cfg, engine.Trial{})
	n.session.Welcome(&protocol.Welcome{Functions: engine.Functions()})
	n.done.Add(2)
	go n.run(&n.up, n.sendUp)
	go n.run(&n.down, n.sendDown)
	return n
}

func (n *node) close() {
	close(n.up.ready)
	close(n.down.ready)
	n.done.Wait()
	_ = n.session.Close()
}

// offer takes a batch for what is free.
func (n *node) offer() bool {
	n.mu.Lock()
	o := protocol.Offer{Node: n.name, Most: 4096, CPU: n.free, IO: n.io}
	n.mu.Unlock()
	if o.CPU < coordinator.Unit/2 && o.IO == 0 {
		return false
	}
	var b protocol.Batch
	n.c.driver.Take(&o, &b)
	if len(b.Tasks) == 0 {
		return false
	}
	got, err := protocol.ReadBatch(b.Append(nil))
	if err != nil {
		panic(err)
	}
	n.mu.Lock()
	var sum int64
	for i := range got.Tasks {
		sum += got.Tasks[i].Need.CPU
	}
	for i := range got.Tasks {
		t := &got.Tasks[i]
		ch := charge{t.Need.CPU, t.Need.IO}
		if sum > n.free {
			ch.cpu = ch.cpu * n.free / sum
		}
		n.share[protocol.Attempt{Task: t.ID, N: t.Attempt}] = ch
	}
	for i := range got.Tasks {
		ch := n.share[protocol.Attempt{Task: got.Tasks[i].ID, N: got.Tasks[i].Attempt}]
		n.free -= ch.cpu
		n.io -= ch.io
	}
	now := got.Tasks[:0]
	for _, t := range got.Tasks {
		if at := (protocol.Attempt{Task: t.ID, N: t.Attempt}); t.Flags&protocol.Once != 0 {
			n.asks[at] = t
			n.up.put(protocol.Started{Attempt: at})
		} else {
			now = append(now, t)
		}
	}
	n.mu.Unlock()
	if got.Tasks = now; len(now) > 0 {
		n.session.Tasks(&got)
	}
	return true
}

// Outcome frees what the attempt was charged, and goes to the driver after what was sent before.
func (n *node) Outcome(o *protocol.Outcome) {
	n.up.put(outcome{*o})
}

// Send brings items to the driver.
func (n *node) Send(items ...protocol.Item) {
	for _, it := range items {
		n.up.put(it)
	}
}

// Log drops what tasks write.
func (n *node) Log(protocol.Attempt, string) {}

// PutValue and GetValue keep large values.
func (n *node) PutValue(ctx context.Context, data []byte) (string, int64, error) {
	return n.c.PutValue(ctx, data)
}

// GetValue gives what PutValue kept.
func (n *node) GetValue(ctx context.Context, id string, size int64) ([]byte, error) {
	return n.c.GetValue(ctx, id, size)
}

// outcome stands in the queue of items.
type outcome struct{ protocol.Outcome }

func (n *node) sendUp(list []any) {
	for _, x := range list {
		switch x := x.(type) {
		case outcome:
			n.free1(&x.Outcome)
			m := protocol.Outcomes{Node: n.name, List: []protocol.Outcome{x.Outcome}}
			got, err := protocol.ReadOutcomes(m.Append(nil))
			if err != nil {
				panic(err)
			}
			n.c.driver.Outcomes(&got)
			n.c.Wake()
		case protocol.Item:
			if b, ok := x.(protocol.Block); ok {
				n.block(b)
			}
			m := protocol.Up{Node: n.name, Items: []protocol.Item{x}}
			got, err := protocol.ReadUp(m.Append(nil))
			if err != nil {
				panic(err)
			}
			n.c.driver.Up(n.name, got.Items)
			n.c.Wake()
		}
	}
}

// free1 gives back what an attempt was charged.
func (n *node) free1(o *protocol.Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := protocol.Attempt{Task: o.ID, N: o.Attempt}
	n.free += n.share[a].cpu
	n.io += n.share[a].io
	delete(n.share, a)
}

func (n *node) block(b protocol.Block) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ch, ok := n.share[b.By]
	switch {
	case !ok:
	case b.Waits:
		n.free += ch.cpu
	default:
		n.free -= ch.cpu
	}
}

func (n *node) sendDown(list []any) {
	for _, x := range list {
		m := protocol.Down{Items: []protocol.Item{x.(protocol.Item)}}
		got, err := protocol.ReadDown(m.Append(nil))
		if err != nil {
			panic(err)
		}
		if !n.answered(got.Items[0]) {
			n.session.Down(&got)
		}
	}
}

// answered takes the answer to a Started.
func (n *node) answered(it protocol.Item) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch it := it.(type) {
	case protocol.Begin:
		if t, ok := n.asks[it.Attempt]; ok {
			delete(n.asks, it.Attempt)
			n.session.Tasks(&protocol.Batch{Tasks: []protocol.Task{t}})
		}
		return true
	case protocol.Stop:
		if _, ok := n.asks[it.Attempt]; ok {
			delete(n.asks, it.Attempt)
			ch := n.share[it.Attempt]
			n.free, n.io = n.free+ch.cpu, n.io+ch.io
			delete(n.share, it.Attempt)
			n.up.put(protocol.GiveBack{Attempt: it.Attempt, Reason: protocol.NotStarted})
			return true
		}
	}
	return false
}

// queue keeps an order.
type queue struct {
	mu    sync.Mutex
	list  []any
	ready chan struct{}
}

func (q *queue) put(x any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, x)
	defer func() { _ = recover() }() // closed: nobody listens any more
	select {
	case q.ready <- struct{}{}:
	default:
	}
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
