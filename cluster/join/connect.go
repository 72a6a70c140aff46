package join

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/internal/quiet"
)

// connectTime bounds the first connect, so that a wrong address is told within 5 s, the program's start included. Later
// ones are tried for as long as the connection isn't closed.
const connectTime = 4 * time.Second

// pingEvery is how often a silent connection is asked whether it lives; after two pings without an answer it doesn't.
const pingEvery = 5 * time.Second

// Options are what Connect needs beside an identity. The zero value works.
type Options struct {
	Label   string         // what the server calls the connection, for people. Defaults to the identity's name
	Renewed func(Identity) // called with an identity that has a new JWT, to save it; from a goroutine of the connection's
	Quiet   bool           // for a process in which nothing computes for long: see package quiet
	Event   func(string)   // called with a line when the connection is lost, found again or refused; the same
}

// Connect connects to the cluster's head, and goes on connecting by itself until the connection is closed. Publishing
// while it is away fails at once: nothing is kept for later. The first connect fails after 4 s or when ctx ends, with a
// line that says why and what to do; ctx means nothing afterwards.
func Connect(ctx context.Context, id Identity, o Options) (*nats.Conn, error) {
	if err := id.check(); err != nil {
		return nil, id.explain(err)
	}
	tlsConfig, err := id.tls()
	if err != nil {
		return nil, id.explain(err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	k := &keeper{id: id, renewed: o.Renewed}
	if !id.shared() {
		if err := k.refresh(ctx); err != nil {
			return nil, fmt.Errorf("connect as %s: %w", id, err)
		}
	}
	login, err := id.login(k)
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", id, err)
	}
	d := &dialer{first: ctx, quiet: o.Quiet}
	p := &pulse{}
	options := append(connectOptions(id, o, p), login, nats.Secure(tlsConfig), nats.SetCustomDialer(d))
	conn, err := nats.Connect(strings.Join(id.URLs, ","), options...)
	if d.done(); err != nil {
		if context.Cause(ctx) != nil && errors.Is(context.Cause(ctx), context.Canceled) {
			err = context.Cause(ctx)
		}
		return nil, id.explain(err)
	}
	if id.Servers != nil && len(id.URLs) > 1 {
		if err := p.watch(conn); err != nil {
			conn.Close()
			return nil, id.explain(err)
		}
	}
	return conn, nil
}

func connectOptions(id Identity, o Options, p *pulse) []nats.Option {
	label := o.Label
	if label == "" {
		label = id.Name
	}
	t := &teller{event: o.Event}
	p.tell = t.tell
	options := []nats.Option{
		nats.Name(label),
		nats.CustomInboxPrefix(InboxPrefix(id.Name)),
		nats.SkipHostLookup(),
		nats.IgnoreDiscoveredServers(),
		nats.Timeout(connectTime / time.Duration(len(id.URLs))),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1),
		nats.CustomReconnectDelay(reconnectDelay),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { t.lost(err) }),
		nats.ReconnectHandler(func(c *nats.Conn) {
			p.moved()
			t.back(c.ConnectedAddr())
		}),
		nats.ClosedHandler(func(*nats.Conn) { p.close() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.failed(err) }),
	}
	if id.Servers == nil { // others as a rule greet first
		return append(options, nats.TLSHandshakeFirst())
	}
	return options
}

// reconnectDelay is the pause after all addresses have been tried so many times: from 50 ms to 1 s, half of it random
// so that a cluster's machines don't come back at once. New tasks are to start within 2 s of the head's return.
func reconnectDelay(attempts int) time.Duration {
	d := time.Second
	if attempts < 5 {
		d = 50 * time.Millisecond << max(attempts-1, 0)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // not a secret
}

// keeper has a connection's identity, whose JWT changes.
type keeper struct {
	renewed func(Identity)

	mu    sync.Mutex
	id    Identity
	tried time.Time // when it couldn't be renewed
}

// renewAgain is for how long a JWT that is still good isn't renewed after that has failed: the server waits for it.
const renewAgain = 10 * time.Second

// jwt is asked for whenever the connection is made.
func (k *keeper) jwt() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	return k.current(ctx)
}

// refresh renews the JWT, if it is time, in half of the time that there is: what remains is for the connection.
func (k *keeper) refresh(ctx context.Context) error {
	ctx, cancel := partOf(ctx, 2)
	defer cancel()
	_, err := k.current(ctx)
	return err
}

// partOf is a context for the first of n steps that share the time that ctx has left.
func partOf(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok || n < 2 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/time.Duration(n))
}

// current renews the JWT if it is time. That fails only if the old one is no good any more.
func (k *keeper) current(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := parseClaims(k.id.JWT)
	if err != nil {
		return "", err
	}
	now := time.Now()
	rests := c.valid(now) == nil && !k.tried.IsZero() && now.Sub(k.tried) < renewAgain
	if c.stale(now) && len(k.id.Join) > 0 && !rests {
		fresh, err := Renew(ctx, k.id)
		if err == nil {
			k.id = fresh
			if k.renewed != nil {
				k.renewed(fresh)
			}
			return fresh.JWT, nil
		}
		if c.valid(now) != nil {
			return "", err
		}
		k.tried = time.Now()
	}
	return k.id.JWT, c.valid(now)
}

func (k *keeper) sign(nonce []byte) ([]byte, error) { return sign(k.id.Seed, nonce) }

func sign(seed string, data []byte) ([]byte, error) {
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	return pair.Sign(data)
}

// dialer ends what it has dialed when the context of the first connect ends, until done is called.
type dialer struct {
	mu    sync.Mutex
	first context.Context //nolint:containedctx // nats.go's dialers get none
	stop  []func() bool
	quiet bool
}

// Dial connects within connectTime.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.dial(network, address)
	if err == nil && d.quiet {
		conn = quiet.Conn(conn)
	}
	return conn, err
}

func (d *dialer) dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	ctx := d.first
	d.mu.Unlock()
	if ctx == nil {
		return (&net.Dialer{Timeout: connectTime}).Dial(network, address)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the connect that reads from it then fails
	d.mu.Lock()
	d.stop = append(d.stop, stop)
	d.mu.Unlock()
	return conn, nil
}

func (d *dialer) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, stop := range d.stop {
		stop()
	}
	d.first, d.stop = nil, nil
}
