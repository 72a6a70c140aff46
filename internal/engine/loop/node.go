package loop

import (
	"bytes"
	"context"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// node is a worker with its agent's room.
type node struct {
	c       *Cluster
	name    string
	session *engine.Session
	up      queue
	down    queue
	done    sync.WaitGroup

	mu    sync.Mutex
	total protocol.NodeInfo
	free  charge
	share map[protocol.Attempt]charge
	lent  map[protocol.Attempt]bool          // the CPUs of these
	asks  map[protocol.Attempt]protocol.Task // that must not run twice, and wait for Begin
}

// charge is so much of a node.
type charge struct {
	cpu, io, memory, gpus int64
	named                 map[string]int64
	need                  int64 // CPU: one of a pack is charged less
}

func chargeOf(n *protocol.Need) charge {
	c := charge{n.CPU, n.IO, n.Memory, n.GPUs, map[string]int64{}, n.CPU}
	for _, a := range n.Named {
		c.named[a.Name] = a.N
	}
	return c
}

// add adds another charge, or takes it away.
func (c *charge) add(o charge, sign int64) {
	c.cpu += sign * o.cpu
	c.io += sign * o.io
	c.memory += sign * o.memory
	c.gpus += sign * o.gpus
	for name, n := range o.named {
		c.named[name] += sign * n
	}
}

// totalsOf is what a node has: the resources are the configuration's.
func totalsOf(name string, cpus int, cfg *engine.Config) protocol.NodeInfo {
	t := protocol.NodeInfo{Node: name, Name: name, Alive: true, CPUs: float64(cpus), Memory: math.MaxInt64, Named: map[string]int64{}}
	if cfg.Memory != nil {
		t.Memory = cfg.Memory()
	}
	for name, n := range cfg.Resources {
		if name == engine.GPU {
			t.GPUs = n
		} else {
			t.Named[name] = int64(n * coordinator.Unit)
		}
	}
	return t
}

func newNode(c *Cluster, name string, cpus int, cfg engine.Config) *node {
	t := totalsOf(name, cpus, &cfg)
	n := &node{c: c, name: name, total: t, share: map[protocol.Attempt]charge{}}
	n.free = charge{int64(cpus) * coordinator.Unit, 1000, t.Memory, int64(t.GPUs * coordinator.Unit), maps.Clone(t.Named), 0}
	n.asks, n.lent = map[protocol.Attempt]protocol.Task{}, map[protocol.Attempt]bool{}
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
	n.up.close()
	n.down.close()
	n.done.Wait()
	_ = n.session.Close()
}

// offer takes a batch for what is free.
func (n *node) offer() bool {
	n.mu.Lock()
	o := protocol.Offer{
		Node: n.name, Most: 4096, CPU: max(0, n.free.cpu), IO: n.free.io, Memory: n.free.memory, GPUs: n.free.gpus,
	}
	for _, name := range slices.Sorted(maps.Keys(n.free.named)) {
		o.Named = append(o.Named, protocol.Amount{Name: name, N: n.free.named[name]})
	}
	n.mu.Unlock()
	if o.CPU < coordinator.Unit/2 && o.IO == 0 {
		return false
	}
	var b protocol.Batch
	n.c.driver.Take(&o, false, &b)
	if len(b.Tasks) == 0 {
		return false
	}
	got, err := protocol.ReadBatch(b.Append(nil))
	if err != nil {
		panic(err)
	}
	n.mu.Lock()
	n.charge(got.Tasks)
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

// charge charges a batch: tasks that need more CPU than was offered are a pack, and share that. The mutex is held.
func (n *node) charge(tasks []protocol.Task) {
	var sum int64
	for i := range tasks {
		sum += tasks[i].Need.CPU
	}
	offered := n.free.cpu
	for i := range tasks {
		t := &tasks[i]
		ch := chargeOf(&t.Need)
		if sum > offered {
			ch.cpu = ch.cpu * offered / sum
		}
		n.share[protocol.Attempt{Task: t.ID, N: t.Attempt}] = ch
		n.free.add(ch, -1)
	}
}

// info is the node's record.
func (n *node) info() protocol.NodeInfo {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := n.total
	i.FreeCPU = float64(n.free.cpu) / coordinator.Unit
	return i
}

// Outcome frees what the attempt was charged, and goes to the driver after what was sent before.
func (n *node) Outcome(o *protocol.Outcome) {
	kept := outcome{*o}
	kept.Value.Data = bytes.Clone(o.Value.Data)
	n.up.put(kept)
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
			n.release(protocol.Attempt{Task: x.ID, N: x.Attempt})
			m := protocol.Outcomes{Node: n.name, List: []protocol.Outcome{x.Outcome}}
			got, err := protocol.ReadOutcomes(m.Append(nil))
			if err != nil {
				panic(err)
			}
			n.c.driver.Outcomes(&got)
			n.c.Wake()
		case protocol.Item:
			switch x := x.(type) {
			case protocol.Block:
				n.block(x)
			case protocol.GiveBack:
				n.release(x.Attempt)
				n.fill()
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

// release gives back what an attempt was charged.
func (n *node) release(a protocol.Attempt) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ch := n.share[a]
	if n.lent[a] {
		ch.cpu = 0
	}
	n.free.add(ch, 1)
	delete(n.share, a)
	delete(n.lent, a)
}

// fill charges the tasks behind which others lay their whole need.
func (n *node) fill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a, ch := range n.share {
		if more := min(ch.need-ch.cpu, n.free.cpu); more > 0 && !n.lent[a] {
			ch.cpu += more
			n.free.cpu -= more
			n.share[a] = ch
		}
	}
}

func (n *node) block(b protocol.Block) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ch, ok := n.share[b.By]
	switch {
	case !ok || n.lent[b.By] == b.Waits:
	case b.Waits:
		n.lent[b.By] = true
		n.free.cpu += ch.cpu
	default:
		delete(n.lent, b.By)
		n.free.cpu -= ch.cpu
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
			n.free.add(n.share[it.Attempt], 1)
			delete(n.share, it.Attempt)
			n.up.put(protocol.GiveBack{Attempt: it.Attempt, Reason: protocol.NotStarted})
			return true
		}
	}
	return false
}
