//go:build unix

package agent

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// Outcomes that the stream has refused go out again soon, not after the time for those that nobody has answered.
func TestRefusedOutcomes(t *testing.T) {
	j := &journal{node: "n1", limit: 1 << 20, log: slog.New(slog.DiscardHandler), outbox: &atomic.Int64{}, flying: map[uint64]*flight{}}
	j.more.L = &j.mu
	j.add(1, &protocol.Outcome{ID: 1, Attempt: 1, Status: protocol.Succeeded}, false)
	first, _, _ := j.next()
	nobody := &nats.Msg{Header: nats.Header{"Status": {"503"}}}
	if j.confirmed(1, nobody) || len(j.flying) != 0 {
		t.Fatal("it counts as confirmed, or as being on its way")
	}
	j.mu.Lock()
	if j.ready() {
		t.Error("it is sent again without a pause")
	}
	j.mu.Unlock()
	sent := make(chan []byte)
	go func() {
		data, _, _ := j.next() // the pause wakes it
		sent <- data
	}()
	select {
	case data := <-sent:
		if string(data) != string(first) {
			t.Errorf("%x was sent again as %x", first, data)
		}
	case <-time.After(time.Minute):
		t.Fatal("it isn't sent again")
	}
	if !j.confirmed(2, &nats.Msg{Data: []byte(`{"stream":"J_j","seq":1}`)}) || !j.empty() || j.outbox.Load() != 0 {
		t.Errorf("it isn't forgotten: %d bytes wait", j.outbox.Load())
	}
	j.close()
}
