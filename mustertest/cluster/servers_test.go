package cluster

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

const (
	roleServer = "nats"
	reloaded   = "reloaded"
)

func init() { roles[roleServer] = (*stage).server }

// server is a NATS server by a configuration file, as the nats-server command is.
func (s *stage) server(log *slog.Logger) error {
	o, err := server.ProcessConfigFile(s.Dir)
	if err != nil {
		return err
	}
	o.NoSigs = true
	ns, err := server.NewServer(o)
	if err != nil {
		return err
	}
	ns.SetLoggerV2(serverLog{log}, false, false, false)
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(startFor) {
		return errors.New("the server isn't ready")
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	fmt.Println(ready)
	for end := closed(os.Stdin); ; {
		select {
		case <-end:
			return nil
		case <-reload:
			if err := ns.Reload(); err != nil {
				return err
			}
			fmt.Println(reloaded)
		}
	}
}

// serverLog leaves out what servers tell each other.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	if !strings.Contains(format, "oute") { // they try again and again
		l.log.Info(fmt.Sprintf(format, v...))
	}
}
func (l serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any) {
	if !strings.Contains(format, "trying to connect to route") {
		l.log.Error(fmt.Sprintf(format, v...))
	}
}
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}

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

// documented is the configuration file of docs/nats.md.
func documented(t testing.TB) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "nats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "<!-- nats.conf -->\n```\n")
	text, _, ends := strings.Cut(text, "\n```")
	if !ok || !ends {
		t.Fatal("docs/nats.md has no configuration file")
	}
	return text
}

// configure writes each server's configuration: that of the documentation, but for names, ports and folders, since all of
// them are on one machine.
func (s *Servers) configure(text string) (clients [serverCount]string) {
	s.t.Helper()
	ports := freePorts(s.t, 2*serverCount)
	s.routes = ports[serverCount:]
	for i := range s.configs {
		clients[i] = ports[i]
		dir := filepath.Join(s.dir, "nats"+strconv.Itoa(i+1))
		s.must(os.Mkdir(dir, 0o700))
		mine := text
		for _, r := range [][2]string{
			{"server_name: nats1", "server_name: " + filepath.Base(dir)},
			{"0.0.0.0:4222", "127.0.0.1:" + ports[i]},
			{"0.0.0.0:6222", "127.0.0.1:" + ports[serverCount+i]},
			{"tls://nats1:6222", "tls://127.0.0.1:" + ports[serverCount]},
			{"tls://nats2:6222", "tls://127.0.0.1:" + ports[serverCount+1]},
			{"tls://nats3:6222", "tls://127.0.0.1:" + ports[serverCount+2]},
			{"/etc/nats/", s.dir + "/"},
			{"/var/lib/nats", filepath.Join(dir, "store")},
			{"include resolver.conf", "include ../resolver.conf"},
		} {
			if !strings.Contains(mine, r[0]) {
				s.t.Fatalf("the configuration in docs/nats.md has no %q: change this test with it", r[0])
			}
			mine = strings.ReplaceAll(mine, r[0], r[1])
		}
		s.configs[i] = filepath.Join(dir, "nats.conf")
		s.must(os.WriteFile(s.configs[i], []byte(mine), 0o600))
	}
	return clients
}

// freePorts are some that nobody listens at, below those that the system gives out by itself.
func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(12_000 + mathrand.N(20_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no ports are free")
	return nil
}

// makeKeys makes an operator, a system account and one for the cluster with a signing key, and resolver.conf as nsc does.
func (s *Servers) makeKeys() error {
	operator, err := nkeys.CreateOperator()
	account, err2 := nkeys.CreateAccount()
	system, err3 := nkeys.CreateAccount()
	var err4 error
	s.account, err4 = nkeys.CreateAccount()
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	public := func(k nkeys.KeyPair) string { p, _ := k.PublicKey(); return p }
	s.accountID = public(account)
	o := jwt.NewOperatorClaims(public(operator))
	o.SystemAccount = public(system)
	a := jwt.NewAccountClaims(s.accountID)
	a.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	a.SigningKeys.Add(public(s.account))
	y := jwt.NewAccountClaims(o.SystemAccount)
	var texts [3]string
	for i, c := range []jwt.Claims{o, a, y} {
		if texts[i], err = c.Encode(operator); err != nil {
			return err
		}
	}
	conf := fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n",
		texts[0], o.SystemAccount, s.accountID, texts[1], o.SystemAccount, texts[2])
	return os.WriteFile(filepath.Join(s.dir, "resolver.conf"), []byte(conf), 0o600)
}

// makeCertificates makes an authority, and a certificate of it for this machine.
func makeCertificates(dir string) (ca string, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err, err2); err != nil {
		return "", err
	}
	template := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}
	}
	authority, leaf := template("NATS of muster", 1), template("nats", 2)
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	der, err2 := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), caKey)
	keyDER, err3 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err, err2, err3); err != nil {
		return "", err
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	ca = string(block("CERTIFICATE", caDER))
	return ca, errors.Join(
		os.WriteFile(filepath.Join(dir, "ca.pem"), []byte(ca), 0o600),
		os.WriteFile(filepath.Join(dir, "server.pem"), block("CERTIFICATE", der), 0o600),
		os.WriteFile(filepath.Join(dir, "server-key.pem"), block("PRIVATE KEY", keyDER), 0o600),
	)
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
