package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/protocol"
)

// Main runs a package's tests, or what else this test binary was started as: the worker of an agent, or a part of a
// cluster of Processes. It gives the exit code.
func Main(m *testing.M) int {
	if code, worker := engine.Doors.Work(); worker {
		return code
	}
	if code, played := play(); played {
		return code
	}
	engine.Doors.Open()
	return m.Run()
}

// startFor bounds each step of a cluster's start.
const startFor = 20 * time.Second

// Ages are a cluster's periods by default: short, so that tests needn't wait for the dead. Dead is longer than anybody
// takes to connect to a head that is back.
var Ages = protocol.Ages{Renew: 300 * time.Millisecond, Dead: 2 * time.Second, Ask: 500 * time.Millisecond}

// Cluster is a head, some agents, and what they keep in a folder of the test's. Its methods are for one goroutine.
type Cluster struct {
	t        testing.TB
	dir      string
	head     *head.Head
	nodes    []*node
	identity string
	ages     protocol.Ages
	cpus     float64        // of each agent
	serve    func(net.Conn) // instead of worker processes
}

// node is an agent and its connection.
type node struct {
	name  string
	id    join.Identity
	dir   string
	conn  *nats.Conn
	agent *agent.Agent
}

// Start starts a head and n agents of 2 CPUs each, which the test's end stops. It fails the test if that takes long.
func Start(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), ages: Ages, cpus: 2}
	c.start()
	for i := range n {
		c.join(fmt.Sprintf("node%d", i+1))
	}
	return c
}

// start starts the head, which the test's end stops with the agents.
func (c *Cluster) start() {
	c.t.Helper()
	c.StartHead()
	c.t.Cleanup(c.stop)
	c.identity = filepath.Join(c.dir, "admin.json")
	if err := c.head.Admin().Save(c.identity); err != nil {
		c.t.Fatalf("cluster: %v", err)
	}
}

// Config is the configuration of a session on the cluster.
func (c *Cluster) Config() muster.Config { return configOf(c.dir, c.identity) }

// Context opens a session on the cluster, which the test's end closes.
func (c *Cluster) Context() context.Context {
	c.t.Helper()
	return contextOf(c.t, c.Config())
}

func configOf(dir, identity string) muster.Config {
	return muster.Config{Addr: identity, CacheDir: filepath.Join(dir, "cache"), Grace: 5 * time.Second}
}

func contextOf(t testing.TB, config muster.Config) context.Context {
	t.Helper()
	s, ctx, err := muster.Open(context.Background(), config)
	if err != nil {
		t.Fatalf("cluster: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("cluster: %v", err)
		}
	})
	return ctx
}

// StartHead starts the head again after StopHead: the same one, with its ports and all that it keeps.
func (c *Cluster) StartHead() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	h, err := head.Start(ctx, head.Config{StateDir: filepath.Join(c.dir, "state"), Ages: c.ages, Logger: c.logger("head")})
	if err != nil {
		c.t.Fatalf("cluster: %v", err)
	}
	c.head = h
}

// StopHead ends the head. What runs goes on.
func (c *Cluster) StopHead() {
	c.head.Stop()
	c.head = nil
}

// join adds a node, as `muster join` does.
func (c *Cluster) join(name string) {
	c.t.Helper()
	n, err := c.enroll(name)
	if err != nil {
		c.t.Fatalf("cluster: %v", err)
	}
	c.nodes = append(c.nodes, n)
	c.StartAgent(len(c.nodes) - 1)
}

func (c *Cluster) enroll(name string) (*node, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	token, _, err := c.head.NewToken(protocol.NewToken{Role: join.RoleAgent, Uses: 1, Life: time.Hour})
	if err != nil {
		return nil, err
	}
	n := &node{name: name, dir: filepath.Join(c.dir, name)}
	n.id, err = join.Join(ctx, token)
	return n, err
}

// StartAgent starts an agent again after StopAgent.
func (c *Cluster) StartAgent(i int) {
	c.t.Helper()
	if err := c.startAgent(c.nodes[i]); err != nil {
		c.t.Fatalf("cluster: %v", err)
	}
}

func (c *Cluster) startAgent(n *node) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	if n.conn, err = join.Connect(ctx, n.id, join.Options{}); err != nil {
		return err
	}
	n.agent, err = agent.Start(ctx, agent.Config{
		Conn: n.conn, Control: join.Control{Conn: n.conn, Who: n.id.Name}, Node: n.id.Name, User: n.id.User, Name: n.name, StateDir: n.dir,
		CPUs: c.cpus, GPUs: -1, Ages: c.ages, Logger: c.logger(n.name), Serve: c.serve,
	})
	return err
}

// StopAgent ends an agent with its workers, as if its machine were shut down.
func (c *Cluster) StopAgent(i int) {
	n := c.nodes[i]
	n.agent.Stop()
	n.conn.Close()
	n.agent = nil
}

func (c *Cluster) stop() {
	for i, n := range c.nodes {
		if n.agent != nil {
			c.StopAgent(i)
		}
	}
	if c.head != nil {
		c.StopHead()
	}
}

// logger says what a part logs, if the tests are to be verbose.
func (c *Cluster) logger(name string) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("part", name)
}
