package head

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/musterrun/muster/protocol"
)

const (
	jsTime      = 2 * time.Second        // for JetStream to answer
	examineWait = 200 * time.Millisecond // before it is asked again
	aloneTime   = time.Second            // for another head to answer
)

// examine looks whether the servers and the account are such as a cluster needs, and that no other head has them.
func (h *Head) examine(ctx context.Context) error {
	if most := h.conn.MaxPayload(); most < maxPayload {
		return fmt.Errorf("the NATS servers take messages of %d KiB: let them take %d, by max_payload: 8MB in their configuration",
			most>>10, maxPayload>>10)
	}
	if err := h.awaitJetStream(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, aloneTime)
	defer cancel()
	msg, err := h.conn.RequestWithContext(ctx, protocol.ControlSubject("head", "hello"), nil)
	if err == nil && len(msg.Data) > 0 { // else nobody hears it; or one who can't answer is counted as gone
		return errors.New("another head uses this NATS account: stop that one, or give each cluster an account of its own")
	}
	return nil
}

// awaitJetStream waits until JetStream answers: servers that were just started choose a leader first.
func (h *Head) awaitJetStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := h.askJetStream(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
			return errors.New("JetStream isn't enabled for this NATS account: give it disk storage, streams and consumers (docs/nats.md)")
		case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
			return errors.New("JetStream isn't enabled on the NATS servers: their configuration needs a block jetstream {} (docs/nats.md)")
		}
		select {
		case <-time.After(examineWait):
		case <-ctx.Done():
			return fmt.Errorf("wait for JetStream of the NATS servers, of which more than half must run: %w", err)
		}
	}
}

func (h *Head) askJetStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jsTime)
	defer cancel()
	_, err := h.js.AccountInfo(ctx)
	return err
}

// beat tells everybody once a second that the head is there and that JetStream answers it, until ctx ends. The head hears
// it too: where JetStream doesn't answer for a while, all go to another server.
func (h *Head) beat(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := h.askJetStream(ctx)
			if h.stalled.Store(err != nil); err != nil {
				h.log.Warn("JetStream of the NATS servers doesn't answer", "server", h.conn.ConnectedUrl(), "error", err)
			} else if err = h.conn.Publish(protocol.Beat, nil); err != nil && !errors.Is(err, nats.ErrConnectionReconnecting) {
				h.log.Warn("tell that the head is there", "error", err)
			}
		}
	}
}
