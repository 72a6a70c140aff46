package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

const (
	heardWithin = 2 * time.Second // the answer to an Up, before it is sent again
	upSize      = 1 << 20         // bytes of items in a message
)

// uplink says items to a job's coordinator: one message at a time is on its way, and what comes up meanwhile is in the
// next one.
type uplink struct {
	subject string
	node    string
	conn    *nats.Conn
	log     *slog.Logger

	mu     sync.Mutex
	more   sync.Cond // there is something, or closed
	epoch  uint32
	lists  []*protocol.ItemList // each of one message's size, the oldest first
	after  []func()             // called once what was added before is heard
	room   sync.Cond            // the backlog has become smaller, or closed
	size   int                  // bytes in lists
	closed bool
}

// maxBacklog is how many bytes of items wait for a coordinator that isn't there before workers have to wait.
const maxBacklog = 64 << 20

func newUplink(conn *nats.Conn, log *slog.Logger, job, node string) *uplink {
	u := &uplink{subject: protocol.UpSubject(job, node), node: node, conn: conn, log: log}
	u.more.L, u.room.L = &u.mu, &u.mu
	return u
}

// say adds items; heard, if it isn't nil, is called by the uplink's goroutine once they have been heard.
func (u *uplink) say(heard func(), items ...protocol.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	for _, i := range items {
		u.add(i)
	}
	if heard != nil {
		u.after = append(u.after, heard)
	}
	u.more.Signal()
}

func (u *uplink) add(i protocol.Item) {
	limit := int(u.conn.MaxPayload()) - 1024
	if n := len(u.lists); n > 0 {
		last := u.lists[n-1]
		had := last.Size()
		if last.AddWithin(i, min(upSize, limit)) {
			u.size += last.Size() - had
			return
		}
	}
	list := &protocol.ItemList{}
	if !list.AddWithin(i, limit) {
		u.log.Error("a call is longer than a message of this cluster: it is lost, and its task waits for it", "bytes allowed", limit)
		return
	}
	u.lists = append(u.lists, list)
	u.size += list.Size()
}

// wait waits while too much waits for the coordinator.
func (u *uplink) wait() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.size > maxBacklog && !u.closed {
		u.room.Wait()
	}
}

// begin forgets what was for the coordinator of an earlier epoch.
func (u *uplink) begin(epoch uint32) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.epoch, u.lists, u.after, u.size = epoch, nil, nil, 0
	u.room.Broadcast()
}

// run sends until the uplink is closed or ctx ends.
func (u *uplink) run(ctx context.Context) {
	for {
		data, after, ok := u.next()
		if !ok || !u.send(ctx, data) {
			return
		}
		for _, f := range after {
			f()
		}
	}
}

func (u *uplink) next() (data []byte, after []func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.lists) == 0 && !u.closed {
		u.more.Wait()
	}
	if u.closed {
		return nil, nil, false
	}
	data = u.lists[0].AppendUp(nil, u.epoch, u.node)
	u.size -= u.lists[0].Size()
	u.room.Broadcast()
	u.lists[0] = nil
	if u.lists = u.lists[1:]; len(u.lists) == 0 {
		after, u.after = u.after, nil
	}
	return data, after, true
}

// send requests until there is an answer. Nobody there is no reason to stop: the driver may be connecting again.
func (u *uplink) send(ctx context.Context, data []byte) bool {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, heardWithin) {
		asked, cancel := context.WithTimeout(ctx, heardWithin)
		_, err := u.conn.RequestWithContext(asked, u.subject, data)
		cancel()
		if err == nil {
			return true
		}
		if ctx.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) {
			return false
		}
		if errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if !sleep(ctx, pause/2+rand.N(pause/2)) { //nolint:gosec // not a secret
			return false
		}
	}
}

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (u *uplink) idle() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.lists) == 0
}

func (u *uplink) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed, u.lists, u.after, u.size = true, nil, nil, 0
	u.more.Broadcast()
	u.room.Broadcast()
}
