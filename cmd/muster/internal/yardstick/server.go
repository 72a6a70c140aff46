package yardstick

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The subjects.
const (
	subjectTasks   = "y.tasks"
	subjectEarly   = "y.early"
	subjectResults = "y.results"
	subjectJournal = "y.journal"
	streamName     = "Y"
)

// place is how the server is reached.
type place struct {
	URL   string `json:"url"`
	CA    string `json:"ca"` // PEM
	Token string `json:"token"`
}

// serve is the server: it says where it is once the stream is there, and ends when in does.
func serve(ctx context.Context, dir string, in io.Reader, say func(any) error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil { // the server itself would only wait
		return fmt.Errorf("start NATS: %w", err)
	}
	certificate, ca, err := newCertificate()
	if err != nil {
		return err
	}
	p := place{CA: ca, Token: rand.Text()}
	ns, err := server.NewServer(serverOptions(dir, p.Token, certificate))
	if err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(patience) {
		return errors.New("start NATS: it isn't ready")
	}
	p.URL = "nats://" + ns.Addr().String()
	conn, err := p.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := makeStream(ctx, conn); err != nil {
		return err
	}
	if err := say(p); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// serverOptions are those of muster's head, but for its identities.
func serverOptions(dir, token string, certificate tls.Certificate) *server.Options {
	return &server.Options{
		ServerName: "yardstick", Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		TLSConfig:  &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}},
		TLSTimeout: 5, TLSHandshakeFirst: true, AuthTimeout: 5,
		JetStream: true, StoreDir: dir, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50, SyncInterval: time.Second,
		MaxPayload: 8 << 20, MaxPending: 256 << 20, PingInterval: 10 * time.Second, MaxPingsOut: 2,
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true, MaxClosedClients: 100,
	}
}

// makeStream makes a stream and its consumer as muster's head makes a job's, but for two things. What isn't acknowledged doesn't
// come again within a round, however slow the machine is, since nothing gets lost here; and beyond 2 GiB the oldest records
// make room, which were read long ago, where a head removes what was read.
func makeStream(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("make the stream: %w", err)
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: []string{subjectResults},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld, MaxBytes: 2 << 30, Duplicates: time.Second,
	})
	if err != nil {
		return fmt.Errorf("make the stream: %w", err)
	}
	_, err = stream.CreateOrUpdatePushConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "C", DeliverSubject: subjectJournal, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckAllPolicy,
		AckWait: 2 * patience, MaxAckPending: 4096, FlowControl: true, IdleHeartbeat: time.Second,
	})
	if err != nil {
		return fmt.Errorf("make the consumer: %w", err)
	}
	return nil
}
