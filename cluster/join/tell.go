package join

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
)

// teller says what happens to a connection in lines for people. What each attempt to connect again meets is said once.
type teller struct {
	event func(string) // nil for nobody

	mu      sync.Mutex
	refused bool // since it was last connected
}

func (t *teller) tell(line string) {
	if t.event != nil {
		t.event(line)
	}
}

// lost tells of a connection that ended, unless it is known why.
func (t *teller) lost(err error) {
	t.mu.Lock()
	known := t.refused
	t.mu.Unlock()
	if err != nil && !known {
		t.tell("the connection to the head is lost, and is tried again: " + err.Error())
	}
}

func (t *teller) back(address string) {
	t.mu.Lock()
	t.refused = false
	t.mu.Unlock()
	t.tell("connected again to the head at " + address)
}

func (t *teller) failed(err error) {
	if errors.Is(err, nats.ErrAuthExpired) {
		return // a day is over: the connection is lost, and comes back with a new JWT
	}
	if !refuses(err) {
		t.tell("the connection to the head: " + err.Error())
		return
	}
	t.mu.Lock()
	known := t.refused
	t.refused = true
	t.mu.Unlock()
	if !known {
		t.tell("the head doesn't accept this connection any more: its identity was revoked, or its job is over")
	}
}

// refuses reports whether the server has turned down who connects.
func refuses(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAuthExpired)
}
