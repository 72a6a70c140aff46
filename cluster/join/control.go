package join

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/protocol"
)

// askTime is how long the head may take to answer a request.
const askTime = 5 * time.Second

// AskedBy reports whether a request is by who its subject says. Servers check who publishes on a subject, but they and
// all who answer requests also publish answers, to wherever a request asks for: a request that has them answer on
// another's subject looks like that one's. Such answers have no reply subject in an inbox, and requests do, in that of
// who may hear the answer. So whoever acts on requests must ask this first.
func AskedBy(request *nats.Msg, who string) bool {
	return protocol.InInbox(request.Reply, who)
}

// Control asks the head for operations, as Who. Its methods may be used concurrently.
type Control struct {
	Conn *nats.Conn
	Who  string // the name of the identity that Conn connects as
}

// reply is a protocol.Reply whose body is decoded later.
type reply struct {
	Error *protocol.Refusal `json:"error"`
	Body  json.RawMessage   `json:"body"`
}

// ErrRefused is in the error of Ask while the servers turn down the identity of a connection that is to be made again.
var ErrRefused = errors.New("the head doesn't accept this identity any more: it was revoked, or is of an earlier cluster there; " +
	"join again with a new token")

// Ask requests an operation; in is its struct or nil, out a pointer to that of its answer or nil. It takes 5 s at most.
// That the head says no is a *protocol.Refusal; another error says that it didn't answer, and whether it has done what
// it was asked for isn't known then.
func (c Control) Ask(ctx context.Context, op string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("ask the head for %s: %w", op, err)
		}
	}
	answer, err := c.request(ctx, op, body)
	if err != nil {
		return err
	}
	return decodeReply(op, answer, out)
}

func (c Control) request(ctx context.Context, op string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	msg, err := c.Conn.RequestWithContext(ctx, protocol.ControlSubject(c.Who, op), body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("ask the head for %s: it isn't ready; try again in a moment: %w", op, err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("ask the head for %s: no answer within %v; is it running? %w", op, askTime, err)
	case err != nil && !c.Conn.IsConnected() && refuses(c.Conn.LastError()):
		return nil, fmt.Errorf("ask the head for %s: %w", op, ErrRefused)
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected):
		return nil, fmt.Errorf("ask the head for %s: %w", op, awayError{err})
	case err != nil:
		return nil, fmt.Errorf("ask the head for %s: %w", op, err)
	}
	return msg.Data, nil
}

// awayError says in words what nats.go means while it has no connection.
type awayError struct{ error }

func (awayError) Error() string {
	return "there is no connection to it, and it is tried again; is it running?"
}

func (e awayError) Unwrap() error { return e.error }

func decodeReply(op string, data []byte, out any) error {
	var r reply
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("ask the head for %s: its answer makes no sense; are the versions the same? %w", op, err)
	}
	if r.Error != nil {
		return r.Error
	}
	if out == nil || len(r.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Body, out); err != nil {
		return fmt.Errorf("ask the head for %s: its answer makes no sense; are the versions the same? %w", op, err)
	}
	return nil
}
