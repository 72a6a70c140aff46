package remote

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// acks acknowledges what was read of the journal: one acknowledgement is for all before it too.
//
// What was delivered before the server's present life mustn't be acknowledged now: it may not know that it has delivered
// it, and a consumer with flow control believes all the same that it has. It delivers it then, and again and again,
// since it passes over acknowledgements of what is acknowledged already; once there are as many of those as may wait, it
// delivers nothing else.
type acks struct {
	mu     sync.Mutex
	sub    *nats.Subscription // made on the present connection; nil while there is none, or before the start
	former *nats.Subscription // while there is none
	newest *nats.Msg          // the last one of it that was read; nil for none
	upTo   uint64             // its place in the stream
	since  int                // messages that came since that was acknowledged

	// server tells which server is connected now: what is told of another connection comes a moment later. Nil in tests.
	server func() string
	from   string // the one that was when sub was made
}

const ackEvery = 256 // messages; what comes more slowly is acknowledged by the ticker

var acknowledged = []byte("+ACK")

// begin notes that the journal comes by another subscription, and gives the one before.
func (a *acks) begin(sub *nats.Subscription) (former *nats.Subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if former = a.sub; former == nil {
		former = a.former
	}
	a.sub, a.former, a.newest, a.upTo = sub, nil, nil, 0
	a.from = a.connected()
	return former
}

// pause notes that the connection is away.
func (a *acks) pause() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sub != nil {
		a.sub, a.former, a.newest, a.upTo = nil, a.sub, nil, 0
	}
}

// begun reports whether the journal was ever read.
func (a *acks) begun() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sub != nil || a.former != nil
}

// taken notes that all up to a message was read, and acknowledges now and then.
func (a *acks) taken(m *nats.Msg, seq uint64) {
	a.mu.Lock()
	if m.Sub == a.sub && seq >= a.upTo {
		a.newest, a.upTo = m, seq
	}
	a.since++
	now := a.since >= ackEvery
	a.mu.Unlock()
	if now {
		a.ack()
	}
}

func (a *acks) connected() string {
	if a.server == nil {
		return ""
	}
	return a.server()
}

// ack acknowledges what wasn't yet.
func (a *acks) ack() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since > 0 && a.newest != nil && a.from == a.connected() && a.newest.Respond(acknowledged) == nil {
		a.since = 0
	}
}
