package remote

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/internal/dispatch"
	"github.com/musterrun/muster/protocol"
)

// flood is a Job that always has tasks, up to a number, and counts their outcomes.
type flood struct {
	left atomic.Int64
	next uint64
	done atomic.Int64
	want atomic.Int64
	all  chan struct{}
	arg  []byte
}

func (f *flood) Take(o *protocol.Offer, _ bool, b *protocol.Batch) (more bool) {
	for range o.Most {
		if f.left.Add(-1) < 0 {
			return
		}
		f.next++
		b.Tasks = append(b.Tasks, protocol.Task{ID: f.next, Attempt: 1, Need: protocol.Need{CPU: 10_000}, Arg: f.arg})
		binary.LittleEndian.PutUint64(b.Tasks[len(b.Tasks)-1].Key[:], f.next)
	}
	return true
}

func (f *flood) Outcomes(o *protocol.Outcomes) {
	if f.done.Add(int64(len(o.List))) == f.want.Load() {
		f.all <- struct{}{}
	}
}

func (f *flood) Restore() bool                          { return false }
func (f *flood) Up(string, []protocol.Item)             {}
func (f *flood) Lost(string)                            {}
func (f *flood) Unconfirmed(string, []protocol.Attempt) {}
func (f *flood) HasTasks() bool                         { return true }
func (f *flood) Load() protocol.RenewJob                { return protocol.RenewJob{} }

// mirror is an agent that answers each batch at once with outcomes, of which it prepares nothing: it costs little beside
// the driver.
type mirror struct {
	b      *testing.B
	conn   *nats.Conn
	js     jetstream.JetStream
	job    string
	epoch  uint32
	most   int
	inbox  string
	number uint64
	batch  protocol.Batch
	out    protocol.Outcomes
}

func startMirror(b *testing.B, h *testHead, c *Carrier, most int) *mirror {
	m := &mirror{b: b, conn: h.server.connect(nats.CustomInboxPrefix(protocol.Inbox("n"))), job: c.Job(), epoch: c.Epoch(), most: most}
	var err error
	if m.js, err = jetstream.New(m.conn, jetstream.WithPublishAsyncMaxPending(4000)); err != nil {
		b.Fatal(err)
	}
	m.inbox = m.conn.NewInbox()
	if _, err := m.conn.Subscribe(m.inbox, m.onBatch); err != nil {
		b.Fatal(err)
	}
	m.offer()
	return m
}

func (m *mirror) offer() {
	m.number++
	o := protocol.Offer{Epoch: m.epoch, Number: m.number, Node: "n", Most: m.most, CPU: int64(m.most) * 10_000}
	if err := m.conn.PublishRequest(protocol.OfferSubject(m.job), m.inbox, o.Append(nil)); err != nil {
		m.b.Error(err)
	}
}

func (m *mirror) onBatch(msg *nats.Msg) {
	if err := m.batch.Read(msg.Data); err != nil {
		m.b.Error(err)
	}
	if len(m.batch.Tasks) == 0 {
		return
	}
	m.offer()
	up := protocol.Up{Epoch: m.epoch, Node: "n", Items: []protocol.Item{protocol.Accept{Number: m.batch.Number}}}
	if err := m.conn.PublishRequest(protocol.UpSubject(m.job, "n"), m.inbox+".up", up.Append(nil)); err != nil {
		m.b.Error(err)
	}
	m.out.Epoch, m.out.Node, m.out.List = m.epoch, "n", m.out.List[:0]
	for i := range m.batch.Tasks {
		t := &m.batch.Tasks[i]
		m.out.List = append(m.out.List, protocol.Outcome{ID: t.ID, Attempt: t.Attempt, Key: t.Key,
			Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline, Data: t.Arg}})
	}
	if _, err := m.js.PublishAsync(protocol.OutcomeSubject(m.job, "n"), m.out.Append(nil)); err != nil {
		m.b.Error(err)
	}
}

// BenchmarkTasks are no-op tasks in batches of 128, through a server, a journal in files and an agent, all in this
// process: what the driver itself costs is in the next one.
func BenchmarkTasks(b *testing.B) {
	h := startHead(b, calm)
	c := openOnly(b, h, Config{})
	f := &flood{all: make(chan struct{}, 1), arg: []byte{1}}
	f.want.Store(int64(b.N))
	f.left.Store(int64(b.N))
	startMirror(b, h, c, 128)
	b.ReportAllocs()
	b.ResetTimer()
	if err := c.Start(within(b), f); err != nil {
		b.Fatal(err)
	}
	select {
	case <-f.all:
	case <-time.After(patience):
		b.Fatal("it hangs")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkOneTask is the way of one task there and back when nothing else is on its way.
func BenchmarkOneTask(b *testing.B) {
	h := startHead(b, calm)
	c := openOnly(b, h, Config{})
	f := &flood{all: make(chan struct{}, 1), arg: []byte{1}}
	startMirror(b, h, c, 128)
	if err := c.Start(within(b), f); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := range b.N {
		f.want.Store(int64(n + 1))
		f.left.Store(1)
		c.Wake()
		<-f.all
	}
}

// BenchmarkBareRequest is a request and its answer over the same server, to compare with.
func BenchmarkBareRequest(b *testing.B) {
	h := startHead(b, calm)
	asks, answers := h.server.connect(), h.server.connect()
	if _, err := answers.Subscribe("bare", func(m *nats.Msg) { _ = m.Respond(nil) }); err != nil {
		b.Fatal(err)
	}
	if err := answers.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if _, err := asks.Request("bare", nil, patience); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDriver is what a driver does for each task of a batch of 128, without NATS: it encodes the batch, keeps it
// until it is confirmed, and decodes the outcomes.
func BenchmarkDriver(b *testing.B) {
	const each = 128
	c := newCarrier(Config{})
	c.opened.Epoch = 1
	c.setAges(time.Now())
	f := &flood{arg: []byte{1}}
	f.want.Store(-1)
	c.job = f
	f.left.Store(int64(b.N))
	offer := &dispatch.Parked{Offer: protocol.Offer{Node: "n", Most: each}}
	out := protocol.Outcomes{Epoch: 1, Node: "n"}
	for id := range uint64(each) {
		out.List = append(out.List, protocol.Outcome{ID: id, Attempt: 1, Status: protocol.Succeeded,
			Value: protocol.Value{Form: protocol.Inline, Data: f.arg}})
	}
	data := out.Append(nil)
	b.ReportAllocs()
	for range (b.N + each - 1) / each {
		batch := &c.giver.batch
		batch.Tasks = batch.Tasks[:0]
		f.Take(&offer.Offer, false, batch)
		parts, _ := c.giver.encode(batch, 1<<20)
		c.handed.Add(parts[0].number, "n", parts[0].tasks, time.Time{})
		clear(batch.Tasks)
		c.up("n", []protocol.Item{protocol.Accept{Number: parts[0].number}})
		if err := c.journal.outcomes.Read(data); err != nil {
			b.Fatal(err)
		}
		c.outcomes(&c.journal.outcomes)
	}
}

func (*flood) ListTasks(*protocol.AskTasks) *protocol.TaskList {
	return &protocol.TaskList{Counts: []protocol.TaskCount{{Func: "f"}}}
}
