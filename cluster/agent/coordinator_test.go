//go:build unix

package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// coordinator is the fake coordinator of a job: it answers offers with what the test gives it, and reads the journal.
type coordinator struct {
	c     *testCluster
	t     testing.TB
	conn  *nats.Conn
	job   string
	epoch uint32
	stop  context.CancelFunc

	mu       sync.Mutex
	changed  sync.Cond
	parked   []*nats.Msg // the offers that wait, one a node
	offers   []protocol.Offer
	tasks    []protocol.Task // not given out yet
	number   uint64
	accepted map[uint64]int
	items    []protocol.Item
	outcomes map[protocol.Attempt][]protocol.Outcome
	ended    int // outcomes read
	next     uint64
	most     int
	keep     bool // keep outcomes
	slow     bool // the test answers Started
	deaf     bool // it reads nothing of the journal
	patient  bool // it waits for an offer of as much CPU as its next task needs
	early    bool // it wants to know outcomes ahead of the journal
	told     []protocol.Outcomes
}

// open makes a job with a stream, and its coordinator.
func (c *testCluster) open(job string, change func(*protocol.JobInfo)) *coordinator {
	c.t.Helper()
	k := &coordinator{
		c: c, t: c.t, conn: c.connect(nats.CustomInboxPrefix(protocol.Inbox(job))), job: job, epoch: 1, accepted: map[uint64]int{},
		outcomes: map[protocol.Attempt][]protocol.Outcome{}, most: 1 << 30, keep: true,
	}
	k.changed.L = &k.mu
	path, hash := self()
	info, err := os.Stat(path)
	if err != nil {
		c.t.Fatal(err)
	}
	record := protocol.JobInfo{Job: job, Owner: "admin", Epoch: 1, State: protocol.JobRunning}
	record.Functions, record.Major = functions, protocol.Major
	record.Binaries = []protocol.Binary{{OS: runtime.GOOS, Arch: runtime.GOARCH, Hash: hash, Size: info.Size()}}
	if change != nil {
		change(&record)
	}
	js, err := jetstream.New(k.conn)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: protocol.StreamName(job), Subjects: protocol.StreamSubjects(job), Storage: jetstream.FileStorage,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	k.read(ctx, stream)
	for subject, f := range map[string]nats.MsgHandler{protocol.OfferSubject(job): k.onOffer, protocol.AllUp(job): k.onUp} {
		if _, err := k.conn.Subscribe(subject, f); err != nil {
			c.t.Fatal(err)
		}
	}
	_ = k.conn.FlushTimeout(10 * time.Second)
	c.mu.Lock()
	c.jobs = append(c.jobs, record)
	c.mu.Unlock()
	c.news(protocol.JobDigest{Job: job, Epoch: 1})
	return k
}

func (c *testCluster) news(d protocol.JobDigest) {
	c.t.Helper()
	data, _ := json.Marshal(d)
	if err := c.conn.Publish(protocol.NewsSubject(d.Job), data); err != nil {
		c.t.Fatal(err)
	}
	c.flush()
}

// read reads the journal until the test ends.
func (k *coordinator) read(ctx context.Context, stream jetstream.Stream) {
	cons, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		k.t.Fatal(err)
	}
	cc, err := cons.Consume(func(m jetstream.Msg) {
		o, err := protocol.ReadOutcomes(m.Data())
		if err != nil {
			k.t.Error(err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.deaf {
			return
		}
		k.ended += len(o.List)
		if k.keep {
			for _, x := range o.List {
				at := protocol.Attempt{Task: x.ID, N: x.Attempt}
				k.outcomes[at] = append(k.outcomes[at], x)
			}
		}
		k.changed.Broadcast()
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		cc.Stop()
		<-cc.Closed()
		k.stop()
	})
}

// readAgain reads the journal from its start.
func (k *coordinator) readAgain() {
	k.t.Helper()
	js, err := jetstream.New(k.conn)
	if err != nil {
		k.t.Fatal(err)
	}
	var stream jetstream.Stream
	within(k.t, "the stream", func() bool {
		stream, err = js.Stream(context.Background(), protocol.StreamName(k.job))
		return err == nil
	})
	k.mu.Lock()
	k.deaf = false
	k.mu.Unlock()
	k.read(context.Background(), stream)
}

func (k *coordinator) onOffer(m *nats.Msg) {
	o, err := protocol.ReadOffer(m.Data)
	if err != nil {
		k.t.Error(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offers = append(k.offers, o)
	k.parked = []*nats.Msg{m} // of one node
	k.changed.Broadcast()
	k.serve()
}

// serve answers parked offers while there are tasks. The mutex is held.
func (k *coordinator) serve() {
	if len(k.tasks) == 0 || len(k.parked) == 0 {
		return
	}
	o := k.offers[len(k.offers)-1]
	if o.CPU == 0 && k.tasks[0].Need.CPU > 0 || k.patient && o.CPU < k.tasks[0].Need.CPU {
		return
	}
	n := min(len(k.tasks), o.Most, k.most)
	k.number++
	b := protocol.Batch{Epoch: k.epoch, Number: k.number, Tasks: k.tasks[:n]}
	for i := range b.Tasks {
		if k.early {
			b.Tasks[i].Flags |= protocol.Early
		}
	}
	k.answer(k.parked[0], &b)
	k.tasks, k.parked = k.tasks[n:], nil
}

func (k *coordinator) answer(m *nats.Msg, b *protocol.Batch) {
	if err := m.Respond(b.Append(nil)); err != nil {
		k.t.Log("a batch is lost:", err)
	}
}

func (k *coordinator) onUp(m *nats.Msg) {
	if protocol.IsOutcomes(m.Data) {
		k.onEarly(m)
		return
	}
	u, err := protocol.ReadUp(m.Data)
	if err != nil {
		k.t.Error(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, it := range u.Items {
		if a, ok := it.(protocol.Accept); ok {
			k.accepted[a.Number]++
		} else {
			k.items = append(k.items, it)
		}
		if s, ok := it.(protocol.Started); ok && !k.slow {
			d := protocol.Down{Epoch: k.epoch, Items: []protocol.Item{protocol.Begin(s)}}
			_ = k.conn.PublishRequest(protocol.DownSubject(k.job, "n1"), k.conn.NewInbox(), d.Append(nil))
		}
	}
	k.changed.Broadcast()
	_ = m.Respond(nil)
}

// onEarly takes an outcome that is told ahead of the journal.
func (k *coordinator) onEarly(m *nats.Msg) {
	o, err := protocol.ReadOutcomes(m.Data)
	if err != nil || m.Reply != "" {
		k.t.Error(err, m.Reply)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, o)
	k.changed.Broadcast()
}

// task makes a task of one CPU.
func (k *coordinator) task(name string, arg string) protocol.Task {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next++
	t := protocol.Task{ID: k.next, Attempt: 1, Func: funcOf(name), Need: protocol.Need{CPU: unit}, Arg: []byte(arg)}
	t.Key[0], t.Key[1] = byte(k.next), byte(k.next>>8)
	return t
}

// give gives tasks out, as room is offered.
func (k *coordinator) give(tasks ...protocol.Task) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tasks = append(k.tasks, tasks...)
	k.serve()
}

// down says items to the agent, until it has heard them.
func (k *coordinator) down(items ...protocol.Item) {
	k.t.Helper()
	d := protocol.Down{Epoch: k.epoch, Items: items}
	if _, err := k.conn.Request(protocol.DownSubject(k.job, "n1"), d.Append(nil), 10*time.Second); err != nil {
		k.t.Fatal(err)
	}
}

// until waits until something holds, with the mutex held.
func (k *coordinator) until(what string, holds func() bool) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	timer := time.AfterFunc(60*time.Second, k.changed.Broadcast)
	defer timer.Stop()
	for begin := time.Now(); !holds(); k.changed.Wait() {
		if time.Since(begin) > 60*time.Second {
			k.t.Fatalf("%s: it doesn't come; %d items, the first %+v, %d outcomes", what, len(k.items), k.items[:min(len(k.items), 5)], k.ended)
		}
	}
}

// outcome waits for a task's outcome.
func (k *coordinator) outcome(t protocol.Task) (o protocol.Outcome) {
	k.t.Helper()
	k.until(fmt.Sprintf("outcome of %d", t.ID), func() bool {
		list := k.outcomes[attemptOf(&t)]
		if len(list) > 0 {
			o = list[0]
		}
		return len(list) > 0
	})
	if o.Key != t.Key {
		k.t.Errorf("task %d has the key %x", t.ID, o.Key)
	}
	return o
}

// givenBack waits until a task is given back.
func (k *coordinator) givenBack(t protocol.Task) (g protocol.GiveBack) {
	k.t.Helper()
	k.until(fmt.Sprintf("give back %d", t.ID), func() bool {
		for _, it := range k.items {
			if b, ok := it.(protocol.GiveBack); ok && b.Attempt == attemptOf(&t) {
				g = b
				return true
			}
		}
		return false
	})
	return g
}
