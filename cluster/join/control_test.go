package join

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// Without a connection, Ask fails at once and in words, and who tries again finds nats.go's error in it.
func TestAskWithoutAConnection(t *testing.T) {
	conn, err := nats.Connect("nats://127.0.0.1:1", nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = Control{Conn: conn, Who: "ann"}.Ask(t.Context(), "events", nil, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "ask the head for events: there is no connection to it") ||
		!errors.Is(err, nats.ErrReconnectBufExceeded) {
		t.Errorf("got %v", err)
	}
}
