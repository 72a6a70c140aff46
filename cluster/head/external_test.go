package head

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// starter starts a head for a test.
type starter func(t *testing.T, c Config) *cluster

// onBoth runs a test with the head's own server and with one that isn't its own.
func onBoth(t *testing.T, test func(t *testing.T, start starter)) {
	t.Helper()
	t.Run("own", func(t *testing.T) { test(t, start) })
	t.Run("external", func(t *testing.T) {
		test(t, func(t *testing.T, c Config) *cluster {
			t.Helper()
			s := startServer(t, &lines{}, nil)
			c.NATS = s.external()
			return startLogging(t, c, s.log)
		})
	})
}

// outside is a NATS server with an operator and an account, as a cluster may find it.
type outside struct {
	*server.Server

	t       *testing.T
	log     *lines
	tls     *authority
	keys    *keyring
	signing nkeys.KeyPair
}

// startServer starts one; change may change its options, and the account's JWT.
func startServer(t *testing.T, log *lines, change func(*server.Options, *jwt.AccountClaims)) *outside {
	t.Helper()
	s := &outside{t: t, log: log}
	var errs [4]error
	s.tls, errs[0] = openAuthority(t.TempDir(), "outside", nil, time.Now)
	s.keys, errs[1] = openKeys(t.TempDir(), time.Now)
	s.signing, errs[2] = nkeys.CreateAccount()
	operator, err := s.keys.operatorClaims()
	if err := errors.Join(append(errs[:], err)...); err != nil {
		t.Fatal(err)
	}
	public, err := s.signing.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	o := &server.Options{
		ServerName: "outside", Host: "127.0.0.1", Port: server.RANDOM_PORT, TLSConfig: s.tls.tlsConfig(), TLSTimeout: 5,
		TrustedOperators: []*jwt.OperatorClaims{operator}, SystemAccount: s.keys.systemID,
		JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: maxMemory, JetStreamMaxStore: maxStore,
		MaxPayload: maxPayload, NoSigs: true, DisableJetStreamBanner: true,
	}
	account := s.keys.accountClaims(nil, false)
	account.SigningKeys.Add(public)
	if change != nil {
		change(o, account)
	}
	accounts := &server.MemAccResolver{}
	for _, c := range []*jwt.AccountClaims{account, s.keys.systemClaims()} {
		text, err := c.Encode(s.keys.operator)
		if err == nil {
			err = accounts.Store(c.Subject, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	o.AccountResolver = accounts
	if s.Server, err = server.NewServer(o); err != nil {
		t.Fatal(err)
	}
	s.SetLoggerV2(&serverLog{log: slog.New(slog.NewTextHandler(log, nil))}, false, false, false)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(watchdog) {
		t.Fatal("the NATS server doesn't start")
	}
	return s
}

// external is how a head uses the server, by a signing key.
func (s *outside) external() *External {
	seed, err := s.signing.Seed()
	public, err2 := s.signing.PublicKey()
	if err := errors.Join(err, err2); err != nil {
		s.t.Fatal(err)
	}
	return &External{
		URLs: []string{"tls://" + s.Addr().String()}, CA: s.tls.pem(),
		Key: fmt.Sprintf("%s\n%s\n\n\"%s\"\n", seed, public, s.keys.accountID), // as nsc writes them
	}
}

// What is told of jobs, nodes and tokens holds with servers that aren't the head's own too; and with the account's own key.
func TestExternal(t *testing.T) {
	s := startServer(t, &lines{}, nil)
	use := s.external()
	seed, err := s.keys.account.Seed()
	if err != nil {
		t.Fatal(err)
	}
	use.Key = string(seed)
	c := startLogging(t, Config{NATS: use}, s.log)
	u, n := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	if u.id.Servers == nil || u.id.URLs[0] != use.URLs[0] {
		t.Fatalf("ann is told %v, %+v", u.id.URLs, u.id.Servers)
	}
	opened, j := c.open(u, "nightly")
	stream, err := c.js.Stream(t.Context(), protocol.StreamName(opened.Job))
	if err != nil {
		t.Fatal(err)
	}
	if config := stream.CachedInfo().Config; config.Replicas != 1 || config.Metadata[clusterKey] != c.Cluster() {
		t.Errorf("the journal is %+v", config)
	}
	js, err := jetstream.New(n.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), protocol.OutcomeSubject(opened.Job, n.Who), []byte("x")); err != nil {
		t.Fatal(err)
	}
	readJournal(t, j, opened, 1)

	in, _ := opening(t, "nightly")
	answering := j.hear(protocol.AskSubject(opened.Job)) // it lives: whether it answers doesn't matter
	u.refused(protocol.CodeHeld, protocol.OpOpenJob, in)
	if len(answering) == 0 {
		t.Error("the driver wasn't asked")
	}
	j.Conn.Close()
	var again protocol.JobOpened
	u.ask(protocol.OpOpenJob, in, &again) // at once: its connection is known to be closed
	if again.Epoch != 2 {
		t.Errorf("opened %+v", again)
	}
}

// A head comes back to its journals, and leaves those of others alone.
func TestExternalRestart(t *testing.T) {
	s := startServer(t, &lines{}, nil)
	config := Config{NATS: s.external(), StateDir: t.TempDir()}
	c := startLogging(t, config, s.log)
	opened, _ := c.open(c.join(join.RoleUser, "ann"), "nightly")
	for name, cluster := range map[string]string{"J_ours": c.Cluster(), "J_theirs": "another", "else": ""} {
		_, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: name, Subjects: []string{"x." + name}, MaxBytes: 1 << 20, Metadata: map[string]string{clusterKey: cluster},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := Start(t.Context(), Config{NATS: s.external(), StateDir: t.TempDir()})
	oneLine(t, err, "another head uses this NATS account")
	c.Stop()
	other := config
	other.NATS = nil
	_, err = Start(t.Context(), other)
	oneLine(t, err, "this cluster uses the NATS servers at tls://")
	c = startLogging(t, config, s.log)
	for name, there := range map[string]bool{protocol.StreamName(opened.Job): true, "J_ours": false, "J_theirs": true, "else": true} {
		if _, err := c.js.Stream(t.Context(), name); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	own := start(t, Config{})
	own.Stop()
	_, err = Start(t.Context(), Config{NATS: s.external(), StateDir: own.cfg.StateDir})
	oneLine(t, err, "has its own NATS server")
}

// Whatever is wrong with the servers or the key, one line says what and what next.
func TestExternalThatWontDo(t *testing.T) {
	log := &lines{}
	good := startServer(t, log, nil)
	small := startServer(t, log, func(o *server.Options, _ *jwt.AccountClaims) { o.MaxPayload = 1 << 20 })
	bare := startServer(t, log, func(_ *server.Options, a *jwt.AccountClaims) { a.Limits.JetStreamLimits = jwt.JetStreamLimits{} })
	foreign := good.external()
	foreign.Key = small.external().Key
	unknown := good.external()
	unknown.CA = small.tls.pem()
	closed := good.external()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.URLs = []string{"tls://" + l.Addr().String()}
	_ = l.Close()
	with := func(change func(e *External)) *External {
		e := good.external()
		change(e)
		return e
	}
	for words, use := range map[string]*External{
		"max_payload: 8MB":                 small.external(),
		"JetStream isn't enabled for this": bare.external(),
		"their account doesn't have":       foreign,
		"by an authority that isn't known": unknown,
		"nothing listens there":            closed,
		"no seed of an account's key":      with(func(e *External) { e.Key = "SU" }),
		"is written tls://HOST:PORT":       with(func(e *External) { e.URLs = []string{"nats://a:secret@h:1"} }),
		"put USER:PASSWORD into a file":    with(func(e *External) { e.URLs = []string{"tls://a:secret@h:1"} }),
		"Give their URLs":                  with(func(e *External) { e.URLs = nil }),
		"give --signing-key":               with(func(e *External) { e.Key = "" }),
		"give the key alone":               with(func(e *External) { e.Login = "a:b" }),
		"give --single-tenant":             with(func(e *External) { e.Key, e.Login = "", "a:b" }),
		"or a line USER:PASSWORD":          with(func(e *External) { e.Key, e.Login, e.SingleTenant = "", "ab", true }),
	} {
		_, err := Start(t.Context(), Config{NATS: use, StateDir: t.TempDir()})
		oneLine(t, err, words)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v has the password", err)
		}
	}
}

// With one login for all, whoever joined works with it; the head still tells users apart, as far as they say who they are.
func TestSingleTenant(t *testing.T) {
	log := &lines{}
	tls, err := openAuthority(t.TempDir(), "outside", nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, TLSConfig: tls.tlsConfig(), TLSTimeout: 5, Username: "muster", Password: "a:secret",
		JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: maxMemory, JetStreamMaxStore: 1 << 30, MaxPayload: maxPayload, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(watchdog) {
		t.Fatal("the NATS server doesn't start")
	}
	c := startLogging(t, Config{NATS: &External{
		URLs: []string{"tls://" + ns.Addr().String()}, CA: tls.pem(), Login: "muster:a:secret\n", SingleTenant: true,
	}}, log)
	ann := c.join(join.RoleUser, "ann")
	if text := fmt.Sprintf("%v %+v %s", ann.id, ann.id, ann.id.LogValue()); strings.Contains(text, "secret") {
		t.Errorf("%s has the password", text)
	}
	opened, j := c.open(ann, "") // of which the servers keep no room free: they have less than it may take
	j.ask(protocol.OpCloseJob, protocol.CloseJob{Job: opened.Job, Epoch: 1}, nil)
	admin := c.connect(c.Admin())
	admin.ask(protocol.OpDropIdentity, protocol.IdentityName{Name: "ann"}, nil)
	ann.refused(protocol.CodeForbidden, protocol.OpListNodes, nil)
}

// What can't be had is asked for in less, and only then.
func TestLessen(t *testing.T) {
	for _, r := range []struct {
		code     jetstream.ErrorCode
		text     string
		replicas int
		bytes    int64
		want     string
	}{
		{10005, "no suitable peers for placement", 3, 9, "true 2 9"},
		{10005, "no suitable peers for placement", 1, 9, "false 1 9"},
		{10005, "no suitable peers for placement, insufficient storage", 3, 9, "true 3 -1"},
		{10005, "no suitable peers for placement, insufficient storage", 3, -1, "true 2 -1"},
		{10074, "replicas > 1 not supported in non-clustered mode", 3, 9, "true 1 9"},
		{10047, "insufficient storage resources available", 1, 9, "true 1 -1"},
		{10047, "insufficient storage resources available", 1, -1, "false 1 -1"},
		{10052, "another", 3, 9, "false 3 9"},
	} {
		c := jetstream.StreamConfig{Replicas: r.replicas, MaxBytes: r.bytes}
		can := lessen(&c, &jetstream.APIError{ErrorCode: r.code, Description: r.text})
		if got := fmt.Sprint(can, c.Replicas, c.MaxBytes); got != r.want {
			t.Errorf("%d %s: %s, want %s", r.code, r.text, got, r.want)
		}
	}
}

// Of servers that the head can't tell whom to refuse, a revoked user hears nothing more from the head, and gets no JWT.
func TestExternalRevoke(t *testing.T) {
	s := startServer(t, &lines{}, nil)
	c := startLogging(t, Config{NATS: s.external()}, s.log)
	ann, admin := c.join(join.RoleUser, "ann"), c.connect(c.Admin())
	var answer protocol.IdentityDropped
	admin.ask(protocol.OpDropIdentity, protocol.IdentityName{Name: "ann"}, &answer)
	if !strings.Contains(answer.Note, publicOf(t, ann)) {
		t.Errorf("the admin is told %q", answer.Note)
	}
	ann.refused(protocol.CodeForbidden, protocol.OpListNodes, nil)
	_, err := join.Renew(t.Context(), ann.id)
	oneLine(t, err, "revoked")
	claims, err := jwt.DecodeUserClaims(ann.id.JWT)
	if err != nil || time.Until(time.Unix(claims.Expires, 0)) > externalAge {
		t.Errorf("the JWT ends at %v: %v", time.Unix(claims.Expires, 0), err)
	}
	account := s.keys.accountClaims(map[string]time.Time{publicOf(t, ann): time.Now()}, false) // what docs/nats.md tells to do
	public, err := s.signing.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	account.SigningKeys.Add(public)
	found, err := s.LookupAccount(s.keys.accountID)
	if err != nil {
		t.Fatal(err)
	}
	gone := ann.Conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	s.UpdateAccountClaims(found, account)
	if ann.Conn.IsConnected() {
		await(t, gone, func(s nats.Status) bool { return s != nats.CONNECTED })
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"tls://a:secret@h:1": "tls://h:1", "tls://h:1": "tls://h:1", "h": "h", "nats://token@h": "nats://h",
	} {
		if got := redact(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
