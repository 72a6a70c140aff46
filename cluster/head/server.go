package head

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/join"
)

const (
	maxPayload  = 8 << 20
	maxMemory   = 64 << 20 // for streams in memory, of which there are none
	maxStore    = 1 << 50  // journals reserve their largest size: the disk is watched instead, see disk.go
	startTime   = 20 * time.Second
	maxClosed   = 100              // connections that have ended are remembered: nobody asks for them
	serverPings = 10 * time.Second // after two without an answer a connection counts as closed
)

// middleware is what carries the cluster's messages: the head's own NATS server, or others.
type middleware interface {
	addr() string                                // where it is reached, for people
	connect(context.Context) (*nats.Conn, error) // as the head
	// update makes the servers refuse keys whose JWTs were made before the given times, and drop their connections; and
	// with full, whatever would make journals grow. Others than the head's own can't be made to: see docs/nats.md.
	update(revoked map[string]time.Time, full bool) error
	connected(public string) bool  // false if it is known that the key has no open connection
	after(revoked []string) string // what is left to do about keys that are refused, for people
	stop()
}

// embedded is the head's own server.
type embedded struct {
	head     *Head
	ns       *server.Server
	accounts *server.MemAccResolver
	keys     *keyring
	starting sync.WaitGroup
}

// listen starts the server at the head's address. What bounds it comes from the head's configuration and tables.
func (h *Head) listen(ctx context.Context) (*embedded, error) {
	host, port, err := listenAt(h.cfg.Addr, h.settings.Addr)
	if err != nil {
		return nil, err
	}
	m := &embedded{head: h, accounts: &server.MemAccResolver{}, keys: h.keys}
	o, err := m.options(h)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	o.Host, o.Port = host, port
	if port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if m.ns, err = server.NewServer(o); err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	log := &serverLog{log: h.log}
	m.ns.SetLoggerV2(log, false, false, false)
	m.starting.Go(m.ns.Start)
	if err := m.awaitStart(ctx, log, net.JoinHostPort(host, strconv.Itoa(port))); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

func (m *embedded) options(h *Head) (*server.Options, error) {
	operator, err := m.keys.operatorClaims()
	if err != nil {
		return nil, err
	}
	for _, claims := range []*jwt.AccountClaims{m.keys.accountClaims(h.identities.refused(), false), m.keys.systemClaims()} {
		text, err := claims.Encode(m.keys.operator)
		if err != nil {
			return nil, err
		}
		if err := m.accounts.Store(claims.Subject, text); err != nil {
			return nil, err
		}
	}
	return &server.Options{
		ServerName:       "head-" + h.settings.Cluster,
		TrustedOperators: []*jwt.OperatorClaims{operator}, AccountResolver: m.accounts, SystemAccount: m.keys.systemID,
		TLSConfig: h.authority.tlsConfig(), TLSTimeout: 5, TLSHandshakeFirst: true, AuthTimeout: 5,
		JetStream: true, StoreDir: h.folder.nats(), JetStreamMaxMemory: maxMemory, JetStreamMaxStore: maxStore,
		SyncInterval: max(h.cfg.Sync, time.Millisecond), SyncAlways: h.cfg.Sync < 0,
		MaxPayload: maxPayload, MaxPending: 256 << 20, PingInterval: serverPings, MaxPingsOut: 2,
		NoSigs: true, DisableJetStreamBanner: true, MaxClosedClients: maxClosed,
	}, nil
}

// awaitStart waits until the server listens. What stops it is in its log only.
func (m *embedded) awaitStart(ctx context.Context, log *serverLog, at string) error {
	deadline := time.NewTimer(startTime)
	defer deadline.Stop()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for m.ns.Addr() == nil { // ReadyForConnections looks every 25 ms only
		switch fatal := log.lastFatal(); {
		case strings.Contains(fatal, "listening"):
			return fmt.Errorf("start NATS at %s: %s: stop what listens there, or choose another address", at, fatal)
		case fatal != "":
			return fmt.Errorf("start NATS: %s", fatal)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("start NATS: %w", context.Cause(ctx))
		case <-deadline.C:
			return fmt.Errorf("start NATS: it isn't ready after %v; look at the head's log", startTime)
		}
	}
	return nil
}

func (m *embedded) addr() string { return m.ns.Addr().String() }

func (m *embedded) after([]string) string { return "" }

func (m *embedded) stop() {
	m.ns.Shutdown()
	m.ns.WaitForShutdown()
	m.starting.Wait()
}

// connect is the head's own connection, within the process.
func (m *embedded) connect(context.Context) (*nats.Conn, error) {
	pair, err := nkeys.CreateUser() // anew at each start: nobody else needs to know it
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect("", nats.InProcessServer(m.ns), nats.Name("head"), nats.Timeout(startTime),
		nats.Secure(m.head.authority.clientConfig()), nats.TLSHandshakeFirst(), // without it the server waits for 50 ms whether it comes
		nats.CustomInboxPrefix(join.InboxPrefix("head")),
		nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.ReconnectWait(100*time.Millisecond),
		nats.UserJWT(func() (string, error) {
			token, _, err := m.keys.sign(public, "head", roleHead, 0)
			return token, err
		}, pair.Sign),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			m.head.log.Warn("the head's own connection", "error", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to the NATS server in the process: %w", err)
	}
	return conn, nil
}

func (m *embedded) update(revoked map[string]time.Time, full bool) error {
	claims := m.keys.accountClaims(revoked, full)
	text, err := claims.Encode(m.keys.operator)
	if err != nil {
		return fmt.Errorf("change the server's rules: %w", err)
	}
	if err := m.accounts.Store(claims.Subject, text); err != nil {
		return fmt.Errorf("change the server's rules: %w", err)
	}
	account, err := m.ns.LookupAccount(claims.Subject)
	if err != nil {
		return fmt.Errorf("change the server's rules: %w", err)
	}
	m.ns.UpdateAccountClaims(account, claims)
	return nil
}

func (m *embedded) connected(public string) bool {
	const many = 1 << 20
	z, err := m.ns.Connz(&server.ConnzOptions{Username: true, Limit: many})
	if err != nil {
		return true // unknown: then it isn't known to be gone
	}
	for _, c := range z.Conns {
		if c.AuthorizedUser == public {
			return true
		}
	}
	return false
}

// serverLog passes the server's log on. Who is refused something is an error there, and a warning here.
type serverLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Debugf(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Tracef(string, ...any)          {}
func (l *serverLog) Warnf(format string, v ...any)  { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (l *serverLog) Errorf(format string, v ...any) { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }

func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error("nats: " + text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = text
}

func (l *serverLog) lastFatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

var errStopped = errors.New("the head has been stopped")
