package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// send requests until there is an answer. Nobody there is no reason to stop: the driver may be connecting again.
func (u *uplink) send(ctx context.Context, data []byte) bool {
	reply := u.nextReply()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, heardWithin) {
		err := u.request(ctx, reply, data)
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

// nextReply is where the answer to the next message is to come. Those to earlier ones count no more.
func (u *uplink) nextReply() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	select {
	case <-u.answers: //nolint:errcheck // it is an earlier message's
	default:
	}
	u.number++
	return protocol.AnswerSubject(u.inbox, protocol.AnswerUp, u.job, strconv.FormatUint(u.number, 10))
}

// request publishes a message and waits for its answer.
func (u *uplink) request(ctx context.Context, reply string, data []byte) error {
	if err := u.conn.PublishRequest(u.subject, reply, data); err != nil {
		return err
	}
	asked := time.Now()
	late := time.NewTimer(heardWithin)
	defer late.Stop()
	select {
	case err := <-u.answers:
		u.observe(time.Since(asked))
		return err
	case <-late.C:
		return context.DeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *uplink) observe(took time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if late := max(took-heardUsual, 0); late > u.lag {
		u.lag = late
	} else {
		u.lag -= (u.lag - late) / 8
	}
}

// answered takes the answer to a message.
func (u *uplink) answered(number uint64, m *nats.Msg) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if number != u.number {
		return
	}
	var err error
	if isNobody(m) {
		err = nats.ErrNoResponders
	}
	select {
	case u.answers <- err:
	default: // it has one
	}
}

// isNobody reports whether an answer is the server's, which says that nobody listens.
func isNobody(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// onHeard takes a coordinator's answer to what was said to it.
func (a *Agent) onHeard(m *nats.Msg) {
	id, number := lastTokens(m.Subject)
	a.mu.Lock()
	j := a.jobs[id]
	a.mu.Unlock()
	if j != nil {
		j.up.answered(number, m)
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
