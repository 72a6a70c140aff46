package remote

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// patience bounds what a test waits for: beyond it something hangs.
const patience = 60 * time.Second

// testServer is a NATS server that can be stopped and started again.
type testServer struct {
	t    testing.TB
	opts server.Options
	ns   *server.Server
}

func startServer(t testing.TB) *testServer {
	s := &testServer{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, MaxPayload: 1 << 20,
		JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 4 << 30,
	}}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *testServer) start() {
	opts := s.opts
	ns, err := server.NewServer(&opts)
	if err != nil {
		s.t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(patience) {
		s.t.Fatal("the server doesn't start")
	}
	s.ns = ns
	s.opts.Port = ns.Addr().(*net.TCPAddr).Port // so that it starts there again
}

func (s *testServer) stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

// connect connects as a carrier's connection must behave.
func (s *testServer) connect(more ...nats.Option) *nats.Conn {
	nc, err := nats.Connect(s.ns.ClientURL(), append(more, nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// gate is a dialer that can be shut.
type gate struct{ shut atomic.Bool }

func (g *gate) Dial(network, address string) (net.Conn, error) {
	if g.shut.Load() {
		return nil, errors.New("it is shut")
	}
	return net.Dial(network, address)
}

// within is a context that ends when something hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
