//go:build unix

package agent

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

// memo is a log that a test reads.
type memo struct {
	mu  sync.Mutex
	all strings.Builder
}

func (m *memo) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all.Write(p)
}

// count is how often a text is in the log.
func (m *memo) count(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Count(m.all.String(), text)
}

// startLogged starts an agent whose log the test reads.
func (c *testCluster) startLogged() (*Agent, *memo) {
	log := &memo{}
	return c.startAgent(func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) }), log
}

func TestMatches(t *testing.T) {
	for _, x := range []struct {
		subscribed, subject string
		want                bool
	}{
		{"m.n.n1.>", "m.n.n1.stop", true}, {"m.n.n1.>", "m.n.n1", false}, {"m.n.n1.>", "m.n.n1.a.b", true},
		{"m.n.n1.>", "m.n.n2.stop", false}, {"m.j.*.down.n1", "m.j.j1.down.n1", true}, {"m.j.*.down.n1", "m.j.j1.down.n2", false},
		{"m.j.*.down.n1", "m.j.j1.down.n1.x", false}, {"m.j.*.down.n1", "m.j.j1.o.n1", false}, {"m.news", "m.news", true},
		{"m.news", "m.j.evil.d", false}, {"m.news", "m.news.x", false}, {"m.*", "m", false}, {"m.*", "m.", false}, {">", "", false},
	} {
		if got := matches(x.subscribed, x.subject); got != x.want {
			t.Errorf("%q for %q: %v", x.subscribed, x.subject, got)
		}
	}
}

// What a job has had delivered to a node's subjects, by a pull from its own journal, isn't listened to.
func TestDeliveredElsewhere(t *testing.T) {
	c := startCluster(t)
	a, log := c.startLogged()
	k := c.open("j1", nil)
	js, err := jetstream.New(c.conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "J_evil", Subjects: protocol.StreamSubjects("evil")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckNonePolicy}); err != nil {
		t.Fatal(err)
	}
	quit := protocol.Down{Epoch: 9, Items: []protocol.Item{protocol.Quit{}}}
	ended, _ := json.Marshal(protocol.JobDigest{Job: "j1", Epoch: 9, Ended: true})
	for i, x := range []struct {
		to   string
		data []byte
	}{
		{protocol.NodeSubject("n1", "stop"), nil}, {protocol.DownSubject("j1", "n1"), quit.Append(nil)},
		{protocol.NewsSubject("j1"), ended}, {protocol.JobsDigest, []byte(`{"up":1e9}`)}, {protocol.JobsDigest, []byte(`{"up":1e9}`)},
	} {
		subject := protocol.OutcomeSubject("evil", "n"+string(rune('a'+i)))
		if _, err := js.Publish(t.Context(), subject, x.data); err != nil {
			t.Fatal(err)
		}
		if err := c.conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.J_evil.c", x.to, []byte("1")); err != nil {
			t.Fatal(err)
		}
		within(t, "a line about "+x.to, func() bool { return log.count("written to another subject\" node=n1 subject="+subject) == 1 })
	}
	k.goesOn(a)
}

// A request whose answer would go elsewhere isn't one: it looks as if others had asked, or lets others speak.
func TestAnswerElsewhere(t *testing.T) {
	c := startCluster(t)
	a, log := c.startLogged()
	k := c.open("j1", nil)
	victim, err := c.conn.SubscribeSync(protocol.NodeSubject("n2", ">"))
	if err != nil {
		t.Fatal(err)
	}
	quit := protocol.Down{Epoch: 1, Items: []protocol.Item{protocol.Quit{}}}
	for range 3 {
		for _, m := range []*nats.Msg{
			{Subject: protocol.NodeSubject("n1", "stop")},
			{Subject: protocol.NodeSubject("n1", "ping"), Reply: protocol.NodeSubject("n2", "stop")},
			{Subject: protocol.DownSubject("j1", "n1"), Data: quit.Append(nil)},
			{Subject: protocol.DownSubject("j1", "n1"), Data: quit.Append(nil), Reply: protocol.Inbox("j2") + ".x"},
			{Subject: protocol.DownSubject("j1", "n1"), Data: quit.Append(nil), Reply: protocol.NodeSubject("n2", "stop")},
		} {
			if err := c.conn.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	within(t, "lines about them", func() bool { return log.count("asks for its answer elsewhere") == 3 })
	k.goesOn(a)
	if n, _, err := victim.Pending(); n > 0 || err != nil {
		t.Errorf("the node has answered elsewhere, %v", err)
	}
	if n := log.count("asks for its answer elsewhere"); n != 3 {
		t.Errorf("%d lines", n)
	}
}

// goesOn expects that a task runs, and that nobody has stopped the agent.
func (k *coordinator) goesOn(a *Agent) {
	k.t.Helper()
	task := k.task("echo", "x")
	k.give(task)
	k.outcome(task)
	select {
	case <-a.Done():
		k.t.Error("the agent was stopped")
	default:
	}
}
