package cluster

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// Servers are three NATS servers in processes of their own, by the configuration of docs/nats.md.
type Servers struct {
	Use *head.External // how a head uses them

	t         testing.TB
	dir       string
	configs   [serverCount]string // files
	routes    []string            // ports of each
	processes [serverCount]*process
	account   nkeys.KeyPair
	accountID string
}

const serverCount = 3

// ThreeServers starts them. The test's end stops them.
func ThreeServers(t testing.TB) *Servers {
	t.Helper()
	s := &Servers{t: t, dir: t.TempDir()}
	s.must(os.Mkdir(tempDir(s.dir), 0o700))
	s.must(s.makeKeys())
	ca, err := makeCertificates(s.dir)
	s.must(err)
	t.Cleanup(s.stop)
	ports := s.configure(documented(t))
	seed, err := s.account.Seed()
	s.must(err)
	s.Use = &head.External{CA: ca, Key: string(seed) + "\n" + s.accountID}
	for i := range s.processes {
		s.Use.URLs = append(s.Use.URLs, "tls://127.0.0.1:"+ports[i])
		s.Start(i)
	}
	return s
}

func (s *Servers) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("servers: %v", err)
	}
}

// Start starts a server again after Kill.
func (s *Servers) Start(i int) {
	s.t.Helper()
	name := "nats" + strconv.Itoa(i+1)
	p, err := startProcess(s.dir, name, &stage{Role: roleServer, Name: name, Dir: s.configs[i]})
	s.must(err)
	s.processes[i] = p
	line, err := p.next(startFor)
	if err == nil && line != ready {
		err = fmt.Errorf("%s says %q", name, line)
	}
	s.must(err)
}

// Isolate takes a server out of the others' sight, and them out of its, until the test's end. Its clients stay.
func (s *Servers) Isolate(i int) {
	s.t.Helper()
	for j := range s.configs {
		data, err := os.ReadFile(s.configs[j])
		s.must(err)
		text := string(data)
		for k, route := range s.routes {
			if k != j && (k == i || j == i) {
				text = regexp.MustCompile(`tls://127\.0\.0\.1:`+route+`,? ?`).ReplaceAllString(text, "")
			}
		}
		s.must(os.WriteFile(s.configs[j], []byte(text), 0o600))
	}
	for _, p := range s.processes {
		s.must(p.cmd.Process.Signal(syscall.SIGHUP))
	}
	for _, p := range s.processes {
		line, err := p.next(startFor)
		if s.must(err); line != reloaded {
			s.t.Fatalf("servers: %s says %q", p.name, line)
		}
	}
}

// Kill kills a server.
func (s *Servers) Kill(i int) { s.processes[i].kill() }

// Leader is which server leads the journal of the one job that there is.
func (s *Servers) Leader(job string) int {
	s.t.Helper()
	info := s.Journal(job)
	if info.Cluster == nil || !regexp.MustCompile(`^nats[123]$`).MatchString(info.Cluster.Leader) {
		s.t.Fatalf("servers: nobody leads %+v", info.Cluster)
	}
	return int(info.Cluster.Leader[4] - '1')
}

// Journal is what the servers say of a job's journal.
func (s *Servers) Journal(job string) *jetstream.StreamInfo {
	s.t.Helper()
	conn := s.connect()
	defer conn.Close()
	js, err := jetstream.New(conn)
	s.must(err)
	var stream jetstream.Stream
	for range 6 { // while they choose a leader none answers
		if stream, err = js.Stream(s.t.Context(), protocol.StreamName(job)); err == nil {
			break
		}
	}
	s.must(err)
	return stream.CachedInfo()
}

// AwaitReplicas waits until all servers have all of a job's journal.
func (s *Servers) AwaitReplicas(job string) {
	s.t.Helper()
	limit := time.After(time.Minute)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		current := 0
		if info := s.Journal(job); info.Cluster != nil && info.Cluster.Leader != "" {
			for _, r := range info.Cluster.Replicas {
				if r.Current && !r.Offline {
					current++
				}
			}
		}
		if current == serverCount-1 {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			s.t.Fatalf("servers: %d replicas are up to date", current)
		}
	}
}

// connect connects as one who may do everything in the account.
func (s *Servers) connect() *nats.Conn {
	s.t.Helper()
	user, err := nkeys.CreateUser()
	s.must(err)
	public, err := user.PublicKey()
	s.must(err)
	claims := jwt.NewUserClaims(public)
	claims.IssuerAccount = s.accountID
	token, err := claims.Encode(s.account)
	s.must(err)
	conn, err := nats.Connect(strings.Join(s.Use.URLs, ","), nats.RootCAs(filepath.Join(s.dir, "ca.pem")),
		nats.UserJWT(func() (string, error) { return token, nil }, user.Sign))
	s.must(err)
	return conn
}

func (s *Servers) stop() {
	for _, p := range s.processes {
		if p == nil {
			continue
		}
		if !p.isOver() {
			if err := p.stop(stopFor); err != nil {
				s.t.Errorf("servers: %v", err)
			}
		}
		p.tell(s.t)
	}
}

// ProcessesOn is Processes with servers that aren't the head's own.
func ProcessesOn(t testing.TB, s *Servers, n int, o Options) *Procs {
	t.Helper()
	o.nats = cmp.Or(o.nats, s.Use)
	return Processes(t, n, o)
}

// Avoid keeps all but the agents from a server: the head, the test's questions and its sessions.
func (c *Procs) Avoid(i int) {
	c.t.Helper()
	use := *c.opts.nats
	use.URLs = append(use.URLs[:i:i], use.URLs[i+1:]...)
	c.KillHead()
	c.opts.nats = &use
	c.StartHead()
	for _, file := range []string{c.admin, c.user} {
		id, err := join.Load(file)
		c.must(err)
		if len(id.URLs) == serverCount {
			id.URLs = append(id.URLs[:i], id.URLs[i+1:]...)
		}
		c.must(id.Save(file))
	}
}

// Move has a node's agent connect to one of the servers.
func (c *Procs) Move(node, server int) {
	c.t.Helper()
	n := c.agents[node]
	for i, p := range n.proxy {
		if i != server {
			p.cut()
			defer p.heal()
		}
	}
	c.KillAgent(node)
	c.StartAgent(node)
}
