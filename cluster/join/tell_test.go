package join

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
)

// A revoked identity is one line, however often it is tried; what comes after a return counts anew.
func TestTold(t *testing.T) {
	var told []string
	tell := &teller{event: func(line string) { told = append(told, line) }}
	tell.lost(io.EOF)
	tell.lost(nil)
	tell.failed(nats.ErrAuthExpired)
	tell.failed(nats.ErrAuthorization)
	tell.back("host:1")
	tell.failed(fmt.Errorf("x: %w", nats.ErrAuthRevoked))
	tell.lost(io.EOF)
	tell.failed(nats.ErrAuthorization)
	tell.failed(errors.New("odd"))
	(&teller{}).failed(io.EOF)
	refused := "the head doesn't accept this connection any more: its identity was revoked, or its job is over"
	want := []string{
		"the connection to the head is lost, and is tried again: EOF", refused, "connected again to the head at host:1", refused,
		"the connection to the head: odd",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}
