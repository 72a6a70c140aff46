package remote

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// TestAcks: only what came by the present subscription is acknowledged, however late the rest is read.
func TestAcks(t *testing.T) {
	var a acks
	first, second := &nats.Subscription{}, &nats.Subscription{}
	newest := func(what string, want *nats.Msg) {
		t.Helper()
		if a.newest != want {
			t.Errorf("%s: %v", what, a.newest)
		}
	}
	if a.begun() || a.begin(first) != nil || !a.begun() {
		t.Error("it has begun before its begin")
	}
	old, m := &nats.Msg{Sub: first}, &nats.Msg{Sub: second}
	a.taken(old, 7)
	newest("the newest", old)
	a.taken(&nats.Msg{Sub: first}, 6)
	newest("one that came again", old)
	a.pause()
	a.pause()
	newest("the connection is away", nil)
	a.taken(&nats.Msg{Sub: first}, 8)
	newest("what was still here", nil)
	if !a.begun() || a.begin(second) != first {
		t.Error("the former subscription is forgotten")
	}
	a.taken(m, 3)
	a.taken(&nats.Msg{Sub: first}, 9)
	newest("what came again", m)
}

// TestFollowsOn: over reconnects there is one subscription to the journal, and all is acknowledged in the end.
func TestFollowsOn(t *testing.T) {
	h := startHead(t, calm)
	c, s := openJob(t, h, Config{beat: 1e7})
	a := newAgent(t, h, c, "a")
	for n := range 5 {
		a.outcomes([]protocol.Task{taskOf(uint64(n+1), 1)})
		s.until("it comes", func() bool { return s.done[uint64(n+1)] == 1 })
		back := c.conn.StatusChanged(nats.CONNECTED)
		if err := c.conn.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
		<-back
	}
	a.outcomes([]protocol.Task{taskOf(6, 1)})
	s.until("the last comes", func() bool { return s.done[6] == 1 })
	consumer, err := a.js.PushConsumer(within(t), protocol.StreamName(c.Job()), protocol.ConsumerName(c.Job(), 1))
	if err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		info, err := consumer.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if info.AckFloor.Stream == 6 && info.NumAckPending == 0 {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	journals := 0
	for _, sub := range c.subs {
		if sub.Subject == protocol.JournalSubject(c.Job(), 1) {
			journals++
		}
	}
	if journals != 1 {
		t.Errorf("%d subscriptions", journals)
	}
}
