package remote

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// evil has the server deliver what it has written into its own journal wherever it likes, as who may pull can.
type evil struct {
	t    *testing.T
	conn *nats.Conn
	js   jetstream.JetStream
}

func newEvil(t *testing.T, h *testHead) *evil {
	t.Helper()
	e := &evil{t: t, conn: h.server.connect(nats.CustomInboxPrefix(protocol.Inbox("evil")))}
	var err error
	if e.js, err = jetstream.New(e.conn); err != nil {
		t.Fatal(err)
	}
	s, err := e.js.CreateStream(within(t), jetstream.StreamConfig{
		Name: protocol.StreamName("evil"), Subjects: protocol.StreamSubjects("evil"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateConsumer(within(t), jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *evil) deliver(to string, data []byte) {
	e.t.Helper()
	if _, err := e.js.Publish(within(e.t), protocol.OutcomeSubject("evil", "a"), data); err != nil {
		e.t.Fatal(err)
	}
	if err := e.conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+protocol.StreamName("evil")+".c", to, []byte("1")); err != nil {
		e.t.Fatal(err)
	}
}

// TestDeliveredElsewhere: what another job has had delivered to this one's subjects, or into its journal, doesn't count.
func TestDeliveredElsewhere(t *testing.T) {
	h := startHead(t, calm)
	n := newNotes()
	superseded := make(chan error, 1)
	c, s := openJob(t, h, Config{Note: n.take, Superseded: func(err error) { superseded <- err }})
	a, e := newAgent(t, h, c, "a"), newEvil(t, h)
	forged := protocol.Outcomes{Epoch: c.Epoch(), Node: "a", List: []protocol.Outcome{{
		ID: 5, Attempt: 1, Status: protocol.Succeeded, Value: protocol.Value{Form: protocol.Inline},
	}}}
	record := forged.Append(nil)
	e.deliver(protocol.OutcomeSubject(c.Job(), "a"), record)
	n.wait(t, "was written to m.j.evil.o.a")
	e.deliver(protocol.JournalSubject(c.Job(), c.Epoch()), record)
	n.wait(t, "as if it were of the job's journal")
	c.mu.Lock()
	clear(c.once)
	c.mu.Unlock()
	offer := protocol.Offer{Epoch: c.Epoch(), Node: "a", Most: 1, CPU: 10_000}
	up := protocol.Up{Epoch: c.Epoch(), Node: "a", Items: []protocol.Item{protocol.Started{Attempt: protocol.Attempt{Task: 1, N: 1}}}}
	news, err := json.Marshal(protocol.JobDigest{Job: c.Job(), Epoch: c.Epoch() + 1})
	if err != nil {
		t.Fatal(err)
	}
	for to, data := range map[string][]byte{
		protocol.OfferSubject(c.Job()): offer.Append(nil), protocol.UpSubject(c.Job(), "a"): up.Append(nil),
		protocol.NewsSubject(c.Job()): news, protocol.Digest: []byte("{}"), protocol.AskSubject(c.Job()): []byte("{}"),
	} {
		e.deliver(to, data)
		n.wait(t, "was written to m.j.evil.o.a")
		c.mu.Lock()
		clear(c.once)
		c.mu.Unlock()
	}
	got := a.offer(1)
	s.add(1, 1)
	a.outcomes(a.take(got).Tasks)
	s.until("the job goes on", func() bool { return s.done[1] == 1 })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.done) != 1 || len(s.ups) != 0 || len(superseded) != 0 {
		t.Errorf("counts: outcomes %v, ups %v", s.done, s.ups)
	}
}

// TestAnswerElsewhere: a node can't have the driver speak on another's subject.
func TestAnswerElsewhere(t *testing.T) {
	h := startHead(t, calm)
	n := newNotes()
	c, s := openJob(t, h, Config{Note: n.take})
	a := newAgent(t, h, c, "a")
	victim := protocol.NodeSubject("b", "stop")
	heard, err := a.conn.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	offer := protocol.Offer{Epoch: c.Epoch(), Node: "a", Most: 1, CPU: 10_000}
	up := protocol.Up{Epoch: c.Epoch(), Node: "a", Items: []protocol.Item{protocol.Started{}}}
	s.add(1, 1)
	if err := a.conn.PublishRequest(protocol.AskSubject(c.Job()), victim, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "asks for its answer elsewhere")
	for _, reply := range []string{victim, protocol.Inbox("b") + ".x", "_INBOX.ab.x"} {
		for subject, data := range map[string][]byte{
			protocol.OfferSubject(c.Job()): offer.Append(nil), protocol.UpSubject(c.Job(), "a"): up.Append(nil),
		} {
			if err := a.conn.PublishRequest(subject, reply, data); err != nil {
				t.Fatal(err)
			}
			n.wait(t, "asks for its answer elsewhere")
			c.mu.Lock()
			clear(c.once)
			c.mu.Unlock()
		}
	}
	a.outcomes(a.take(a.offer(1)).Tasks)
	s.until("the job goes on", func() bool { return s.done[1] == 1 })
	s.mu.Lock()
	if len(s.ups) != 0 {
		t.Errorf("passed on: %v", s.ups)
	}
	s.mu.Unlock()
	want := protocol.OutcomeSubject(c.Job(), "a")
	for m, err := heard.NextMsg(time.Second); err == nil && m.Subject != want; m, err = heard.NextMsg(time.Second) {
		if m.Subject == victim || m.Subject == "_INBOX.ab.x" || m.Subject == protocol.Inbox("b")+".x" {
			t.Errorf("the driver answers on %s", m.Subject)
		}
	}
}
