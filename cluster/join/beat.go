package join

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// A server that is cut off from the others of its cluster keeps its connections, and can do nothing for them: no message
// comes from elsewhere, and JetStream stores none. So who hears nothing of the head for silence goes to another server;
// if that changes nothing, the head is away, and it is tried less and less often.
const (
	silence     = 10 * time.Second
	mostSilence = 80 * time.Second
)

// mover is what a pulse does something about; nats.Conn is one.
type mover interface {
	IsConnected() bool
	ForceReconnect() error
}

// pulse moves a connection to another server when the head's beat stops.
type pulse struct {
	conn mover
	tell func(string)

	mu     sync.Mutex
	timer  *time.Timer // nil once the connection is closed, and before it is made
	wait   time.Duration
	closed bool
}

// watch follows the beat on a connection to NATS servers that aren't the head's own.
func (p *pulse) watch(conn *nats.Conn) error {
	if _, err := conn.Subscribe(protocol.Beat, func(*nats.Msg) { p.heard() }); err != nil {
		return err
	}
	p.begin(conn)
	return nil
}

func (p *pulse) begin(conn mover) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conn, p.wait = conn, silence
		p.timer = time.AfterFunc(p.wait, p.silent)
	}
}

// heard notes a beat.
func (p *pulse) heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wait = silence
	p.again(0)
}

// moved notes that the connection is another.
func (p *pulse) moved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again(0)
}

func (p *pulse) again(more time.Duration) {
	if p.timer != nil {
		p.timer.Reset(p.wait + more)
	}
}

func (p *pulse) silent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return
	}
	defer p.again(rand.N(p.wait / 4)) //nolint:gosec // not a secret: so that not all move at once
	if !p.conn.IsConnected() {
		return // it is looking for a server as it is
	}
	p.tell("nothing is heard of the head by this NATS server, which may be cut off from the others: trying another one")
	p.wait = min(2*p.wait, mostSilence)
	_ = p.conn.ForceReconnect() // or it is closed
}

func (p *pulse) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed = true; p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
