package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

const (
	heardWithin = 2 * time.Second        // the answer to an Up, before it is sent again
	upSize      = 1 << 20                // bytes of items in a message
	heardUsual  = 5 * time.Millisecond   // an answer isn't late
	saidWithin  = 250 * time.Millisecond // what needn't be said at once: well before a batch counts as lost
)

// uplink says items to a job's coordinator: one message at a time is on its way, and what comes up meanwhile is in the
// next one.
type uplink struct {
	subject string
	job     string
	node    string
	inbox   string // the answers' is protocol.AnswerSubject of it
	conn    *nats.Conn
	log     *slog.Logger
	backs   *givenBack
	answers chan error // to the message that is on its way: nil if it was heard

	mu     sync.Mutex
	more   sync.Cond   // something is to go, or closed
	soon   bool        // what waits is to go now
	timer  *time.Timer // sets soon; nil unless something waits that needn't go at once
	epoch  uint32
	lists  []*protocol.ItemList // each of one message's size, the oldest first
	after  []func()             // called once what was added before is heard
	room   sync.Cond            // the backlog has become smaller, or closed
	size   int                  // bytes in lists
	number uint64               // of the message that is on its way
	flying bool                 // a message is on its way
	closed bool
	abort  context.CancelFunc // of what is on its way; nil if nothing is
	lag    time.Duration      // by how much the coordinator's answers are late: it rises at once and falls slowly
}

// maxBacklog is how many bytes of items wait for a coordinator that isn't there before workers have to wait.
const maxBacklog = 64 << 20

func newUplink(conn *nats.Conn, log *slog.Logger, job, node, inbox string) *uplink {
	u := &uplink{
		subject: protocol.UpSubject(job, node), job: job, node: node, inbox: inbox, conn: conn, log: log,
		answers: make(chan error, 1),
	}
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
	u.soon = true
	u.more.Signal()
}

// sayLater adds what needn't be heard at once: it goes with what comes next, or after a while.
func (u *uplink) sayLater(i protocol.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	u.add(i)
	if u.timer == nil && !u.soon {
		u.timer = time.AfterFunc(saidWithin, u.sayNow)
	}
}

func (u *uplink) sayNow() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.timer = nil
	u.soon = len(u.lists) > 0
	u.more.Signal()
}

func (u *uplink) add(i protocol.Item) {
	u.backs.count(i)
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
		k, ok := i.(protocol.Call)
		if !ok { // no other is as long
			u.log.Error("what a task says is longer than a message of this cluster: it is dropped", "bytes allowed", limit)
			return
		}
		list.Add(k.TooLong(limit))
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

// begin forgets what was for the coordinator of an earlier epoch, even what is on its way: nobody may be there to answer.
func (u *uplink) begin(epoch uint32) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.abort != nil {
		u.abort()
	}
	u.epoch, u.lists, u.after, u.size = epoch, nil, nil, 0
	u.soon = false
	u.forgetTimer()
	u.room.Broadcast()
}

// run sends until the uplink is closed or ctx ends.
func (u *uplink) run(ctx context.Context) {
	for {
		sending, data, after, ok := u.next(ctx)
		if !ok {
			return
		}
		heard := u.send(sending, data)
		aborted := sending.Err() != nil
		if !heard {
			after = nil
		}
		for more := true; more; more = len(after) > 0 {
			for _, f := range after {
				f()
			}
			after = u.landed(heard)
		}
		if !heard && !aborted || ctx.Err() != nil {
			return
		}
	}
}

// landed notes that nothing is on its way, unless something is left that was to be called then.
func (u *uplink) landed(heard bool) (after []func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if heard && len(u.lists) == 0 && len(u.after) > 0 {
		after, u.after = u.after, nil
		return after
	}
	u.flying = false
	u.abort()
	u.abort = nil
	return nil
}

// onceHeard has f called by the uplink's goroutine once all has been heard that was said before, and reports whether there
// is any such. Another epoch's coordinator hears none of it, and f isn't called.
func (u *uplink) onceHeard(f func()) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || len(u.lists) == 0 && !u.flying {
		return false
	}
	u.after = append(u.after, f)
	u.soon = u.soon || len(u.lists) > 0
	u.more.Signal()
	return true
}

// next waits for the next message. What it gives to send it with ends when another epoch begins.
func (u *uplink) next(ctx context.Context) (sending context.Context, data []byte, after []func(), ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for (len(u.lists) == 0 || !u.soon) && !u.closed {
		u.more.Wait()
	}
	if u.closed {
		return nil, nil, nil, false
	}
	sending, u.abort = context.WithCancel(ctx)
	data = u.lists[0].AppendUp(nil, u.epoch, u.node)
	u.size -= u.lists[0].Size()
	u.room.Broadcast()
	u.lists[0], u.flying = nil, true
	if u.lists = u.lists[1:]; len(u.lists) == 0 {
		after, u.after = u.after, nil
		u.soon = false
		u.forgetTimer()
	}
	return sending, data, after, true
}

// late is by how much the coordinator's answers are late.
func (u *uplink) late() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.lag
}

func (u *uplink) idle() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.lists) == 0 && !u.flying
}

func (u *uplink) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed, u.lists, u.after, u.size = true, nil, nil, 0
	u.forgetTimer()
	u.more.Broadcast()
	u.room.Broadcast()
}

// forgetTimer drops the timer: nothing waits for it. The mutex is held.
func (u *uplink) forgetTimer() {
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
}
