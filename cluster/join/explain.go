package join

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"
)

// explain makes the one line that a person gets when a head can't be reached.
func explain(what string, addresses []string, err error) error {
	at := strings.Join(addresses, ", ")
	if text, ok := explainCertificate(err); ok {
		return fmt.Errorf("%s at %s: %s: %w", what, at, text, err)
	}
	if text := advice(err); text != "" {
		return fmt.Errorf("%s at %s: %s: %w", what, at, text, err)
	}
	return fmt.Errorf("%s at %s: %w", what, at, err)
}

func advice(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "no machine has that name: check the address"
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), "refused"):
		return "nothing listens there: check the address and port, and that the head runs (muster up on its machine)"
	case refuses(err):
		return "the head doesn't accept this identity: it was revoked, or is of an earlier cluster there; join again with a new token"
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, net.ErrClosed):
		return "no answer in time: check the address, and that no firewall drops the connection"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, nats.ErrConnectionClosed):
		return "the connection was closed at once: check that a head listens at that port"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, nats.ErrTLS),
		errors.Is(err, nats.ErrSecureConnWanted):
		return "what listens there isn't a head: check the port"
	}
	return ""
}

// errClusterPort stands for what net/http makes of the head's other port.
var errClusterPort = errors.New("a head's cluster port is there, not its join port: muster up prints two addresses, " +
	"and the join port is the one in its muster join command")

// isNATS reports whether what was asked by HTTPS speaks NATS: that speaks first, and net/http has no error of its own
// for it.
func isNATS(err error) bool {
	text := err.Error()
	return strings.Contains(text, `{\"server_id\":`) || strings.Contains(text, `malformed HTTP response "INFO `) ||
		strings.Contains(text, "server closed idle connection") || strings.Contains(text, "readLoopPeekFailLocked: %!w(<nil>)")
}
