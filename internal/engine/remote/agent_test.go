package remote

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// agent is a node's agent, as far as a carrier sees it. It runs tasks by giving their outcomes.
type agent struct {
	t     testing.TB
	conn  *nats.Conn
	js    jetstream.JetStream
	node  string
	job   string
	epoch uint32

	mu     sync.Mutex
	number uint64
	taken  uint64             // of what its offers say that it has
	life   uint64             // of its offers
	shared bool               // its offers' room is offered to other jobs too
	missed signal             // something came while it was deaf
	deaf   bool               // it hears nothing from above
	heard  chan protocol.Down // what it has heard
	seen   map[protocol.Attempt]int
}

func newAgent(t testing.TB, h *testHead, c *Carrier, node string) *agent {
	a := &agent{
		t: t, conn: h.server.connect(nats.CustomInboxPrefix(protocol.Inbox(node))), node: node, job: c.Job(), epoch: c.Epoch(),
		heard: make(chan protocol.Down, 10_000), missed: newSignal(), seen: map[protocol.Attempt]int{},
	}
	var err error
	if a.js, err = jetstream.New(a.conn); err != nil {
		t.Fatal(err)
	}
	if _, err := a.conn.Subscribe(protocol.AllDown(node), a.onDown); err != nil {
		t.Fatal(err)
	}
	if err := a.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *agent) onDown(m *nats.Msg) {
	a.mu.Lock()
	deaf := a.deaf
	a.mu.Unlock()
	if deaf {
		a.missed.give()
		return
	}
	d, err := protocol.ReadDown(m.Data)
	if err != nil {
		a.t.Error(err)
	}
	_ = m.Respond(nil)
	a.heard <- d
}

// offer offers room for so many tasks; the batch comes by the channel.
func (a *agent) offer(most int) <-chan protocol.Batch {
	a.t.Helper()
	got, err := a.tryOffer(most)
	if err != nil {
		a.t.Error(err)
	}
	return got
}

func (a *agent) tryOffer(most int) (<-chan protocol.Batch, error) {
	a.mu.Lock()
	a.number++
	o := protocol.Offer{
		Epoch: a.epoch, Number: a.number, Node: a.node, Most: most, CPU: int64(most) * 10_000, Taken: a.taken, Life: a.life, Shared: a.shared,
	}
	a.mu.Unlock()
	got := make(chan protocol.Batch, 2)
	inbox := protocol.AnswerSubject(a.conn.NewInbox(), protocol.AnswerOffer, a.job, "1")
	sub, err := a.conn.Subscribe(inbox, func(m *nats.Msg) {
		if b, err := protocol.ReadBatch(m.Data); err == nil {
			got <- b
		}
	})
	if err == nil {
		most := 1
		if a.shared {
			most = 2 // that it is kept, and tasks
		}
		_ = sub.AutoUnsubscribe(most)
		err = a.conn.PublishRequest(protocol.OfferSubject(a.job), inbox, o.Append(nil))
	}
	if err == nil {
		err = a.conn.FlushTimeout(answerTime)
	}
	return got, err
}

// answerTime is when what got no answer is tried again: it may have been lost with the connection.
const answerTime = 300 * time.Millisecond

// take is the batch that an offer got.
func (a *agent) take(got <-chan protocol.Batch) protocol.Batch {
	a.t.Helper()
	select {
	case b := <-got:
		return b
	case <-within(a.t).Done():
		a.t.Fatal("no batch comes")
		return protocol.Batch{}
	}
}

// up says items, until they are heard.
func (a *agent) up(items ...protocol.Item) {
	a.t.Helper()
	u := protocol.Up{Epoch: a.epoch, Node: a.node, Items: items}
	ctx := within(a.t)
	for ctx.Err() == nil {
		if a.ask(u.Append(nil)) == nil {
			return
		}
	}
	a.t.Error("the coordinator doesn't hear")
}

// ask says something to the coordinator, and waits for its answer.
func (a *agent) ask(data []byte) error {
	reply := protocol.AnswerSubject(a.conn.NewInbox(), protocol.AnswerUp, a.job, "1")
	sub, err := a.conn.SubscribeSync(reply)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := a.conn.PublishRequest(protocol.UpSubject(a.job, a.node), reply, data); err != nil {
		return err
	}
	m, err := sub.NextMsg(answerTime)
	if err == nil && m.Header.Get("Status") != "" {
		err = nats.ErrNoResponders
	}
	return err
}

// outcomes records outcomes, until they are.
func (a *agent) outcomes(tasks []protocol.Task) {
	a.t.Helper()
	o := protocol.Outcomes{Epoch: a.epoch, Node: a.node}
	for _, t := range tasks {
		o.List = append(o.List, protocol.Outcome{
			ID: t.ID, Attempt: t.Attempt, Key: t.Key, Status: protocol.Succeeded,
			Value: protocol.Value{Form: protocol.Inline, Data: t.Arg},
		})
	}
	data := o.Append(nil)
	ctx := within(a.t)
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, answerTime)
		_, err := a.js.Publish(once, protocol.OutcomeSubject(a.job, a.node), data)
		if cancel(); err == nil {
			return
		}
	}
	a.t.Error("the journal doesn't take outcomes")
}
