package head

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Of servers that aren't the head's own, none may answer for some seconds when the one is gone that led the others. What
// must be done then is asked for again, and what need not waits.
const (
	electionTime = 15 * time.Second       // until others have chosen one, with room to spare
	tryAgain     = 100 * time.Millisecond // after an answer that says so
	dropTime     = 2 * time.Second        // to remove the journal of a job that has just ended; else the janitor does
	purgeTime    = time.Second            // to trim one
	errAway      = jetstream.ErrorCode(10008)
)

// patiently does what asks JetStream for something, and again while that is away. What is done must be such that to do it
// twice changes nothing.
func (h *Head) patiently(ctx context.Context, do func(context.Context) error) error {
	if h.cfg.NATS == nil {
		ctx, cancel := context.WithTimeout(ctx, journalTime)
		defer cancel()
		return do(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, electionTime)
	defer cancel()
	for {
		err := within(ctx, jsTime, do)
		if err == nil || !isAway(err) {
			return err
		}
		h.log.Debug("JetStream doesn't answer, and is asked again", "error", err)
		select {
		case <-time.After(tryAgain):
		case <-ctx.Done():
			return err
		}
	}
}

func within(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}

// isAway reports whether an error says that nobody has answered.
func isAway(err error) bool {
	var refused *jetstream.APIError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || // what nats.go makes of no responders
		errors.As(err, &refused) && refused.ErrorCode == errAway
}
