package head

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// listener listens until the test ends; what comes in is given to serve.
func listener(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// Whatever is wrong with an address, one line says what and what next.
func TestNoHead(t *testing.T) {
	c := start(t, Config{})
	token, _, err := c.NewToken(protocol.NewToken{Role: join.RoleUser, User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	for _, r := range []struct{ name, address, words string }{
		{"a closed port", closed.Addr().String(), "nothing listens there"},
		{"an unknown name", "no..where:4222", "no machine has that name"},
		{"a silent port", listener(t, func(net.Conn) {}), "no answer in time"},
		{"a port that hangs up", listener(t, func(conn net.Conn) { _ = conn.Close() }), "check"},
		{"another protocol", listener(t, func(conn net.Conn) { _, _ = conn.Write([]byte("SSH-2.0-x\r\n")) }), "check"},
		{"a web server", plain.Listener.Addr().String(), "check"},
		{"a web server with TLS", secure.Listener.Addr().String(), "another cluster"},
	} {
		t.Run(r.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			id := c.Admin()
			id.URLs = []string{"tls://" + r.address}
			_, err := join.Connect(ctx, id, join.Options{})
			oneLine(t, err, r.words)
			elsewhere := token
			elsewhere.Addresses = []string{r.address}
			_, err = join.Join(ctx, elsewhere)
			oneLine(t, err, r.words)
			t.Log(err)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := join.Connect(ctx, c.Admin(), join.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled connect: %v", err)
	}
	both := c.Admin()
	both.URLs = append([]string{"tls://" + closed.Addr().String()}, both.URLs...)
	c.connect(both).ask(protocol.OpListNodes, nil, nil)
}

// Addresses that don't answer share the time with those that do, and so does the renewal of an identity that is still
// good with the connection.
func TestSilentAddresses(t *testing.T) {
	t.Parallel()
	ours := &clock{}
	c := start(t, Config{Now: ours.now})
	token, _, err := c.NewToken(protocol.NewToken{Role: join.RoleUser, User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	silent := listener(t, func(net.Conn) {})
	token.Addresses = append([]string{silent}, token.Addresses...)
	id, err := join.Join(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	ours.forward(-20 * time.Hour) // it is to be renewed, and needn't be
	if id.JWT, _, err = c.keys.sign(publicOf(t, &member{t: t, id: id}), "ann", join.RoleUser, 0); err != nil {
		t.Fatal(err)
	}
	ours.forward(20 * time.Hour)
	id.Join = []string{silent}
	conn, err := join.Connect(t.Context(), id, join.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// Clocks that are off by more than an hour are named, with both times.
func TestClocks(t *testing.T) {
	for name, r := range map[string]struct {
		offset time.Duration
		words  string
	}{"behind": {3 * time.Hour, "set the clock"}, "ahead": {-2 * serverAge, "set the clock"}} {
		t.Run(name, func(t *testing.T) {
			off := &clock{}
			off.forward(r.offset)
			c := start(t, Config{Now: off.now})
			token, _, err := c.NewToken(protocol.NewToken{Role: join.RoleAgent})
			if err != nil {
				t.Fatal(err)
			}
			_, err = join.Join(t.Context(), token)
			oneLine(t, err, r.words)
			oneLine(t, err, time.Now().UTC().Format("2006-01-02 15"))
			_, err = join.Connect(t.Context(), c.Admin(), join.Options{})
			oneLine(t, err, r.words)
		})
	}
	near := &clock{}
	near.forward(50 * time.Minute)
	c := start(t, Config{Now: near.now})
	c.join(join.RoleAgent, "").ask(protocol.OpListNodes, nil, nil)
}

// An identity is renewed when it connects, also after it has expired; where it can't be, the error says why.
func TestRenewal(t *testing.T) {
	ours := &clock{}
	ours.forward(-20 * time.Hour)
	c := start(t, Config{Now: ours.now})
	token, _, err := c.NewToken(protocol.NewToken{Role: join.RoleUser, User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := join.Join(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	ours.forward(20 * time.Hour)
	var saved join.Identity
	conn, err := join.Connect(t.Context(), id, join.Options{Renewed: func(id join.Identity) { saved = id }})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if saved.JWT == id.JWT || saved.Seed != id.Seed || saved.Name != "ann" {
		t.Errorf("%v isn't renewed", saved)
	}
	m := &member{Control: join.Control{Conn: conn, Who: "ann"}, t: t, id: saved}
	var fresh protocol.IdentityRenewed
	m.ask(protocol.OpRenewIdentity, protocol.RenewIdentity{PublicKey: publicOf(t, m)}, &fresh)
	if time.Until(fresh.Expires) < jwtAge-time.Hour {
		t.Errorf("good until %v", fresh.Expires)
	}
	lost := id
	ours.forward(-5 * jwtAge)
	if lost.JWT, _, err = c.keys.sign(publicOf(t, m), "ann", join.RoleUser, 0); err != nil {
		t.Fatal(err)
	}
	ours.forward(5 * jwtAge)
	c.connect(lost) // expired long ago, and renewed
	lost.Join = nil
	_, err = join.Connect(t.Context(), lost, join.Options{})
	oneLine(t, err, "expired at")
}

// A connection whose JWT expires comes back by itself with a new one.
func TestExpiry(t *testing.T) { onBoth(t, testExpiry) }

func testExpiry(t *testing.T, start starter) {
	ours := &clock{}
	c := start(t, Config{Now: ours.now})
	u := c.join(join.RoleUser, "ann")
	ours.forward(2*time.Second - c.keys.age)
	short, err := join.Renew(t.Context(), u.id)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := join.Connect(t.Context(), short, join.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	away, back := conn.StatusChanged(nats.RECONNECTING), conn.StatusChanged(nats.CONNECTED)
	ours.forward(c.keys.age)
	await(t, away, func(nats.Status) bool { return true })
	await(t, back, func(nats.Status) bool { return true })
	m := &member{Control: join.Control{Conn: conn, Who: "ann"}, t: t, id: short}
	m.ask(protocol.OpListNodes, nil, nil)
}
