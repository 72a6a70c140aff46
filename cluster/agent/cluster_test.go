//go:build unix

package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// testCluster is a server, and a head that answers what agents ask.
type testCluster struct {
	t     testing.TB
	store string
	port  int
	ns    *server.Server
	conn  *nats.Conn // the head's

	mu     sync.Mutex
	blobs  map[string][]byte
	jobs   []protocol.JobInfo
	nodes  map[string]protocol.NodeInfo
	refuse *protocol.Refusal // the answer to reports; nil for none
	uses   []protocol.NodeUse
	listed chan struct{} // after each OpListJobs

	take  func(protocol.TakeDriver) any // answers, if the test has drivers
	ended func(protocol.DriverEnd)
}

func startCluster(t testing.TB) *testCluster {
	t.Helper()
	c := &testCluster{
		t: t, store: t.TempDir(), port: -1, blobs: map[string][]byte{}, nodes: map[string]protocol.NodeInfo{},
		listed: make(chan struct{}, 10_000),
	}
	c.startServer()
	t.Cleanup(func() { c.stopServer() })
	c.conn = c.connect()
	if _, err := c.conn.Subscribe(protocol.AllControl, c.answer); err != nil {
		t.Fatal(err)
	}
	c.flush()
	return c
}

func (c *testCluster) flush() {
	c.t.Helper()
	if err := c.conn.FlushTimeout(10 * time.Second); err != nil {
		c.t.Fatal(err)
	}
}

// startServer starts the server, or starts it again with its port and its store.
func (c *testCluster) startServer() {
	c.t.Helper()
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: c.port, JetStream: true, StoreDir: c.store, NoSigs: true, NoLog: true,
		MaxPayload: 8 << 20, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 30,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		c.t.Fatal("the server doesn't start")
	}
	u, err := url.Parse(ns.ClientURL())
	if err != nil {
		c.t.Fatal(err)
	}
	c.port, _ = strconv.Atoi(u.Port())
	c.ns = ns
}

func (c *testCluster) stopServer() {
	c.ns.Shutdown()
	c.ns.WaitForShutdown()
}

func (c *testCluster) url() string { return "nats://127.0.0.1:" + strconv.Itoa(c.port) }

func dial(url string, more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(url, append(more, nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.ReconnectWait(20*time.Millisecond))...)
}

func (c *testCluster) connect(more ...nats.Option) *nats.Conn {
	c.t.Helper()
	conn, err := dial(c.url(), more...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(conn.Close)
	return conn
}

// answer is the head's control service.
func (c *testCluster) answer(m *nats.Msg) {
	op := strings.SplitN(m.Subject, ".", 4)[3]
	c.mu.Lock()
	defer c.mu.Unlock()
	reply := protocol.Reply{}
	var tail []byte
	switch op {
	case protocol.OpListJobs:
		reply.Body = c.jobs
		defer func() { c.listed <- struct{}{} }()
	case protocol.OpReportNode:
		var n protocol.NodeInfo
		if err := json.Unmarshal(m.Data, &n); err != nil {
			c.t.Error(err)
		}
		c.nodes[n.Node] = n
		reply.Error = c.refuse
	case protocol.OpReportUse:
		c.noteUse(m.Data)
	case protocol.OpTakeDriver:
		var d protocol.TakeDriver
		_ = json.Unmarshal(m.Data, &d)
		reply.Body = c.take(d)
	case protocol.OpEndDriver:
		var e protocol.DriverEnd
		_ = json.Unmarshal(m.Data, &e)
		c.ended(e)
	case protocol.OpGetBlob:
		var g protocol.BlobID
		_ = json.Unmarshal(m.Data, &g)
		data, ok := c.blobs[g.Hash]
		if !ok {
			reply.Error = &protocol.Refusal{Code: protocol.CodeUnknown, Text: "the head has no such blob"}
		}
		tail = data
	case protocol.OpPutBlob:
		head, data, _ := bytes.Cut(m.Data, []byte{'\n'})
		var p protocol.PutBlob
		_ = json.Unmarshal(head, &p)
		c.blobs[p.Hash] = data
	}
	data, _ := json.Marshal(reply)
	_ = m.Respond(append(append(data, '\n'), tail...))
}

// testControl asks the head of a testCluster. Executables don't go through the server.
type testControl struct {
	conn *nats.Conn
	node string
	bins map[string]string // paths by hash
}

func (c testControl) request(ctx context.Context, op string, body []byte, out any) (tail []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := c.conn.RequestWithContext(ctx, protocol.ControlSubject(c.node, op), body)
	if err != nil {
		return nil, err
	}
	head, tail, _ := bytes.Cut(m.Data, []byte{'\n'})
	var r struct {
		Error *protocol.Refusal `json:"error"`
		Body  json.RawMessage   `json:"body"`
	}
	if err := json.Unmarshal(head, &r); err != nil {
		return nil, err
	}
	if r.Error != nil {
		return nil, r.Error
	}
	if out != nil {
		return tail, json.Unmarshal(r.Body, out)
	}
	return tail, nil
}

func (c testControl) Ask(ctx context.Context, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err == nil {
		_, err = c.request(ctx, op, body, out)
	}
	return err
}

func (c testControl) GetBlob(ctx context.Context, hash string, to io.Writer) error {
	if path := c.bins[hash]; path != "" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		_, err = io.Copy(to, file)
		return err
	}
	body, _ := json.Marshal(protocol.BlobID{Hash: hash})
	data, err := c.request(ctx, protocol.OpGetBlob, body, nil)
	if err == nil {
		_, err = to.Write(data)
	}
	return err
}

func (c testControl) PutBlob(ctx context.Context, hash string, size int64, from io.ReaderAt) error {
	head, _ := json.Marshal(protocol.PutBlob{Hash: hash, Size: size})
	data := make([]byte, size)
	if _, err := from.ReadAt(data, 0); err != nil && err != io.EOF {
		return err
	}
	_, err := c.request(ctx, protocol.OpPutBlob, append(append(head, '\n'), data...), nil)
	return err
}

// self is this test's executable and its hash.
var self = sync.OnceValues(func() (path, hash string) {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return path, object.ID(data)
})

func testConfig(conn *nats.Conn, node, dir string) Config {
	path, hash := self()
	level := slog.LevelError
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	return Config{
		Conn: conn, Control: testControl{conn, node, map[string]string{hash: path}}, Node: node, StateDir: dir,
		CPUs: 2, Memory: 1 << 30, GPUs: -1, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Grace: 300 * time.Millisecond,
	}
}

// startAgent starts an agent in this process.
func (c *testCluster) startAgent(change func(*Config)) *Agent {
	c.t.Helper()
	cfg := testConfig(c.connect(), "n1", c.t.TempDir())
	if change != nil {
		change(&cfg)
	}
	a, err := Start(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(a.Stop)
	return a
}
